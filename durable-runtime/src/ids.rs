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

/// A random UUID (version 4).
pub(crate) fn uuid() -> Uuid {
    Uuid::new_v4()
}

/// A random number from 0 up to, and not including, 1, of as many bits as an `f64` holds.
pub(crate) fn fraction() -> f64 {
    const RANGE: u64 = 1 << f64::MANTISSA_DIGITS;
    // The lowest 62 bits of a UUID are random.
    let (_, low) = Uuid::new_v4().as_u64_pair();
    (low % RANGE) as f64 / RANGE as f64
}
