//! How a workflow is started, beyond its name and its arguments.

use std::time::Duration;

use super::debounce::Debounce;
use crate::error::{Error, Result};

/// What happens when the queue already holds a workflow with the same deduplication id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DuplicationPolicy {
    /// The start fails with [`Error::Deduplicated`].
    #[default]
    Reject,
    /// The start gives the handle of the workflow that holds the id.
    ReturnExisting,
}

/// How long a workflow may take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Timeout {
    /// A child has the deadline of its parent.
    #[default]
    Inherited,
    /// As long as it likes.
    None,
    /// From its start; what waits on a queue has not started.
    After(Duration),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct StartOptions {
    pub(crate) id: Option<String>,
    /// An id that exists is an error.
    pub(crate) reject_existing: bool,
    pub(crate) queue: Option<String>,
    pub(crate) priority: Option<u32>,
    pub(crate) partition_key: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    pub(crate) duplication_policy: DuplicationPolicy,
    pub(crate) delay: Option<Duration>,
    pub(crate) timeout: Timeout,
    pub(crate) user: Option<String>,
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) attributes: Option<serde_json::Map<String, serde_json::Value>>,
    /// The version that may run it, where it is not that of this process.
    pub(crate) version: Option<String>,
    pub(crate) debounce: Option<Debounce>,
    /// How long it may be put off.
    pub(crate) debounce_timeout: Option<Duration>,
}

impl StartOptions {
    /// Checks that the options go together. `workflow` is for the message.
    pub(crate) fn check(&self, workflow: &str) -> Result<()> {
        let misuse = |text: String| Err(Error::Misuse(format!("workflow `{workflow}`: {text}")));
        if let Some(id) = &self.id
            && (id.trim().is_empty() || id.contains('\0'))
        {
            return Err(Error::InvalidWorkflowId { id: id.clone() });
        }
        if self.queue.is_none() {
            let given = [
                ("priority", self.priority.is_some()),
                ("partition_key", self.partition_key.is_some()),
                ("deduplication_id", self.deduplication_id.is_some()),
                ("delay", self.delay.is_some()),
                ("version", self.version.is_some()),
            ];
            let given = given.iter().filter(|(_, given)| *given);
            let names: Vec<_> = given.map(|(name, _)| format!("`{name}`")).collect();
            if !names.is_empty() {
                let names = names.join(", ");
                return misuse(format!(
                    "{names} only mean something on a queue; add `.queue(...)` or leave them out"
                ));
            }
        }
        match self.priority {
            Some(0) => return misuse("a priority is at least 1".to_owned()),
            Some(priority) if i32::try_from(priority).is_err() => {
                return misuse(format!(
                    "a priority is at most {}, not {priority}",
                    i32::MAX
                ));
            }
            _ => {}
        }
        if self.duplication_policy == DuplicationPolicy::ReturnExisting
            && self.deduplication_id.is_none()
        {
            return misuse(
                "a duplication policy needs a deduplication id; add `.deduplication_id(...)`"
                    .to_owned(),
            );
        }
        if self.deduplication_id.is_some() && self.partition_key.is_some() {
            return misuse("deduplication is not supported on partitioned queues".to_owned());
        }
        if self.debounce_timeout.is_some() && self.debounce.is_none() {
            return misuse("a debounce timeout needs a key; add `.debounce(...)`".to_owned());
        }
        if matches!(self.timeout, Timeout::After(limit) if limit.is_zero()) {
            return misuse("a timeout is longer than nothing".to_owned());
        }
        Ok(())
    }

    /// The priority as it stands in the database: 0 when there is none.
    pub(crate) fn priority_number(&self) -> i32 {
        let priority = self.priority.unwrap_or_default();
        i32::try_from(priority).unwrap_or(i32::MAX)
    }
}

/// Milliseconds, as the database counts time.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
