//! The one place that makes identifiers up, so that a simulation can take them over.

use uuid::Uuid;

/// A new workflow id: a random UUID (version 4), as DBOS makes them.
pub(crate) fn workflow_id() -> String {
    Uuid::new_v4().to_string()
}

/// A new execution token, the value of `owner_xid` and `creator_xid`: unique to one attempt to run a workflow.
pub(crate) fn token() -> String {
    Uuid::new_v4().to_string()
}

/// The id of a child workflow that its parent did not name: `<parent id>-<position>`.
pub(crate) fn child_id(parent: &str, position: i32) -> String {
    format!("{parent}-{position}")
}

/// A new id of a schedule.
pub(crate) fn schedule_id() -> String {
    Uuid::new_v4().to_string()
}

/// A new message id: unique among all messages.
pub(crate) fn message_id() -> String {
    Uuid::new_v4().to_string()
}

/// A random number from 0 up to, and not including, 1: for waits that should differ between processes.
pub(crate) fn fraction() -> f64 {
    f64::from((Uuid::new_v4().as_u128() & 0xffff_ffff) as u32) / 4_294_967_296.0
}
