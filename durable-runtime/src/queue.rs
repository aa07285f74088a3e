//! Queues: how many workflows of a kind may run at once.

use std::time::Duration;

/// A named queue with its limits. First in, first out; a lower priority number goes first.
///
/// ```
/// use durable_runtime::Queue;
///
/// const INGEST: Queue = Queue::new("ingest").worker_concurrency(4);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    name: &'static str,
    pub(crate) concurrency: Option<u32>,
    pub(crate) worker_concurrency: Option<u32>,
    pub(crate) polling_interval: Duration,
}

impl Queue {
    /// A queue without limits. Names that begin with `_dbos_` are reserved.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            concurrency: None,
            worker_concurrency: None,
            polling_interval: Duration::from_secs(1),
        }
    }

    /// How many of its workflows may run at once, in all processes together.
    #[must_use]
    pub const fn concurrency(mut self, limit: u32) -> Self {
        self.concurrency = Some(limit);
        self
    }

    /// How many of its workflows may run at once in one process.
    #[must_use]
    pub const fn worker_concurrency(mut self, limit: u32) -> Self {
        self.worker_concurrency = Some(limit);
        self
    }

    /// How often the database is asked for work that other processes enqueued; 1 s unless set. Work enqueued in this
    /// process is taken up at once.
    #[must_use]
    pub const fn polling_interval(mut self, interval: Duration) -> Self {
        self.polling_interval = interval;
        self
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What is wrong with the limits, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let name = self.name;
        if name.trim().is_empty() || name.contains('\0') {
            return Some("a queue needs a name".to_owned());
        }
        if name.starts_with("_dbos_") {
            return Some(format!(
                "queue `{name}`: names that begin with `_dbos_` are reserved"
            ));
        }
        if self.concurrency == Some(0) || self.worker_concurrency == Some(0) {
            return Some(format!(
                "queue `{name}`: a limit of 0 would never run anything"
            ));
        }
        match (self.worker_concurrency, self.concurrency) {
            (Some(worker), Some(all)) if worker > all => Some(format!(
                "queue `{name}`: worker_concurrency ({worker}) is more than concurrency ({all})"
            )),
            _ if self.polling_interval.is_zero() => {
                Some(format!("queue `{name}`: the polling interval is zero"))
            }
            _ => None,
        }
    }
}
