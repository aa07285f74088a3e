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
    /// The end of workflows: a JSON array of their ids. Thousands may end in a second, and each notification costs the
    /// database about as much as a row.
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

/// What is to be told, as channels and payloads: the ends of many workflows in one.
fn payloads(written: &[(Channel, String)]) -> Vec<(Channel, String)> {
    let mut payloads = Vec::new();
    let mut ids = String::new();
    for (channel, payload) in written {
        if *channel != Channel::Completions {
            payloads.push((*channel, payload.clone()));
            continue;
        }
        let id = serde_json::Value::from(payload.as_str()).to_string();
        if !ids.is_empty() && ids.len() + id.len() + 2 > LONGEST_PAYLOAD {
            payloads.push((Channel::Completions, format!("[{ids}]")));
            ids.clear();
        }
        if !ids.is_empty() {
            ids.push(',');
        }
        ids.push_str(&id);
    }
    if !ids.is_empty() {
        payloads.push((Channel::Completions, format!("[{ids}]")));
    }
    payloads.retain(|(_, payload)| payload.len() <= LONGEST_PAYLOAD);
    payloads
}

/// The ids of workflows that ended, out of a payload.
pub(crate) fn ended(payload: &str) -> Vec<String> {
    serde_json::from_str(payload).unwrap_or_default()
}

impl dyn Store {
    /// Tells everybody who listens. Only where [`Store::listen`] gives a listener.
    pub(crate) async fn notify(&self, written: &[(Channel, String)]) -> StoreResult<()> {
        let payloads = payloads(written).into_iter();
        let rows: Vec<_> = payloads
            .map(|(channel, payload)| json!([channel.name(), payload]))
            .collect();
        if !rows.is_empty() {
            self.write("tell others what was written", NOTIFY, params![rows])
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, LONGEST_PAYLOAD, ended, payloads};

    #[test]
    fn the_ends_of_many_workflows_are_told_in_few_payloads_that_the_database_takes() {
        let ids: Vec<String> = (0..1000)
            .map(|n| format!("\"{n}\" with spaces, and, commas"))
            .collect();
        let written: Vec<_> = ids
            .iter()
            .map(|id| (Channel::Completions, id.clone()))
            .collect();

        let told = payloads(&written);

        assert!(told.len() < 10, "{}", told.len());
        assert!(
            told.iter()
                .all(|(_, payload)| payload.len() <= LONGEST_PAYLOAD)
        );
        let heard: Vec<_> = told
            .iter()
            .flat_map(|(_, payload)| ended(payload))
            .collect();
        assert_eq!(heard, ids);
    }

    #[test]
    fn what_the_database_would_refuse_is_left_out() {
        let long = "x".repeat(LONGEST_PAYLOAD + 1);
        let written = [
            (Channel::Completions, long.clone()),
            (Channel::Events, long),
            (Channel::Completions, "short".to_owned()),
            (Channel::Queues, "queue".to_owned()),
        ];

        let told = payloads(&written);

        let expected = [
            (Channel::Queues, "queue".to_owned()),
            (Channel::Completions, r#"["short"]"#.to_owned()),
        ];
        assert_eq!(told, expected);
    }
}
