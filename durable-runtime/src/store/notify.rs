//! Telling other processes that something was written, and hearing it from them.

use futures_util::future::BoxFuture;
use serde_json::json;

use super::sql::params;
use super::{Store, StoreResult};

/// What was written. The names and payloads of the first three are those of DBOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Channel {
    /// A message: `<workflow>::<topic>`. A trigger of the database tells it, so we need not.
    Messages,
    /// An event: `<workflow>::<key>`.
    Events,
    /// An entry of a stream: `<workflow>::<key>`.
    Streams,
    /// Work on a queue: its name.
    Queues,
    /// The end of a workflow: its id.
    Completions,
}

impl Channel {
    #[cfg(feature = "postgres")]
    pub(crate) const ALL: [Self; 5] = [
        Self::Messages,
        Self::Events,
        Self::Streams,
        Self::Queues,
        Self::Completions,
    ];

    /// Its name in the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Messages => "dbos_notifications_channel",
            Self::Events => "dbos_workflow_events_channel",
            Self::Streams => "dbos_streams_channel",
            Self::Queues => "durable_queues_channel",
            Self::Completions => "durable_completions_channel",
        }
    }
}

/// What another process, or this one, told.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) channel: Channel,
    pub(crate) payload: String,
}

/// A connection that hears what is told on every [`Channel`].
pub(crate) trait Listener: Send {
    /// What is told next. An error means that the connection is lost, and something may have been missed. Cancel safe.
    fn next(&mut self) -> BoxFuture<'_, StoreResult<Heard>>;
}

/// PostgreSQL refuses longer payloads.
const LONGEST_PAYLOAD: usize = 7999;

const NOTIFY: &str = "SELECT pg_notify(value ->> 0, value ->> 1)::text FROM {rows:$1}";

impl dyn Store {
    /// Tells everybody who listens. Only where [`Store::listen`] gives a listener.
    pub(crate) async fn notify(&self, written: &[(Channel, String)]) -> StoreResult<()> {
        let short = written
            .iter()
            .filter(|(_, payload)| payload.len() <= LONGEST_PAYLOAD);
        let rows: Vec<_> = short
            .map(|(channel, payload)| json!([channel.name(), payload]))
            .collect();
        if !rows.is_empty() {
            self.write("tell others what was written", NOTIFY, params![rows])
                .await?;
        }
        Ok(())
    }
}
