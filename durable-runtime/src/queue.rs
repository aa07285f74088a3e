//! Queues: how many workflows of a kind may run at once, and how many may start in a time.

use std::borrow::Cow;
use std::time::Duration;

/// A named queue with its limits. The lowest priority number goes first, then first in, first out.
///
/// ```
/// use std::time::Duration;
/// use durable_runtime::Queue;
///
/// const INGEST: Queue = Queue::new("ingest").worker_concurrency(4).limiter(100, Duration::from_secs(60));
/// ```
///
/// A queue with a limit of its partitions (`partition_...`) is **partitioned**: what is put on it needs a partition
/// key, and waits for ever without one. The other limits hold for all partitions together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    name: Cow<'static, str>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) worker_concurrency: Option<u32>,
    pub(crate) limiter: Option<RateLimit>,
    pub(crate) partition_concurrency: Option<u32>,
    pub(crate) partition_worker_concurrency: Option<u32>,
    pub(crate) partition_limiter: Option<RateLimit>,
    pub(crate) polling_interval: Duration,
    pub(crate) on_conflict: Option<OnConflict>,
}

/// How many workflows may start within any period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimit {
    pub(crate) limit: u32,
    pub(crate) period: Duration,
}

/// What registering a queue does when there is one of that name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// Its limits become those given if this process runs the latest application version; otherwise they stay. The
    /// default of a runtime, so that processes of an older version do not undo what the newer one says. Not for a
    /// client, which has no version.
    UpdateIfLatestVersion,
    /// Its limits become those given. The default of a client.
    AlwaysUpdate,
    /// It stays as it is.
    NeverUpdate,
}

impl Queue {
    /// A queue without limits. Names that begin with `_dbos_` are reserved.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self::of(Cow::Borrowed(name))
    }

    /// The same with a name that is made at run time.
    ///
    /// ```
    /// use durable_runtime::Queue;
    ///
    /// let tenant = 7;
    /// let queue = Queue::named(format!("tenant-{tenant}")).concurrency(2);
    /// assert_eq!(queue.name(), "tenant-7");
    /// ```
    #[must_use]
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of(name.into())
    }

    const fn of(name: Cow<'static, str>) -> Self {
        Self {
            name,
            concurrency: None,
            worker_concurrency: None,
            limiter: None,
            partition_concurrency: None,
            partition_worker_concurrency: None,
            partition_limiter: None,
            polling_interval: Duration::from_secs(1),
            on_conflict: None,
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

    /// How many of its workflows may start within any `period`, in all processes together. A start counts for the
    /// whole period, however soon the workflow ends.
    #[must_use]
    pub const fn limiter(mut self, limit: u32, period: Duration) -> Self {
        self.limiter = Some(RateLimit { limit, period });
        self
    }

    /// How many workflows of one partition may run at once, in all processes together.
    #[must_use]
    pub const fn partition_concurrency(mut self, limit: u32) -> Self {
        self.partition_concurrency = Some(limit);
        self
    }

    /// How many workflows of one partition may run at once in one process.
    #[must_use]
    pub const fn partition_worker_concurrency(mut self, limit: u32) -> Self {
        self.partition_worker_concurrency = Some(limit);
        self
    }

    /// How many workflows of one partition may start within any `period`, in all processes together.
    #[must_use]
    pub const fn partition_limiter(mut self, limit: u32, period: Duration) -> Self {
        self.partition_limiter = Some(RateLimit { limit, period });
        self
    }

    /// How often the database is asked for work that other processes enqueued; 1 s unless set. Work enqueued in this
    /// process is taken up at once.
    #[must_use]
    pub const fn polling_interval(mut self, interval: Duration) -> Self {
        self.polling_interval = interval;
        self
    }

    /// What registering it does when there is a queue of that name already. Unless set: a runtime updates it if it
    /// runs the latest application version, a client always does.
    #[must_use]
    pub const fn on_conflict(mut self, policy: OnConflict) -> Self {
        self.on_conflict = Some(policy);
        self
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &str {
        match &self.name {
            Cow::Borrowed(name) => name,
            Cow::Owned(name) => name.as_str(),
        }
    }

    /// True when it has a limit of its partitions.
    #[must_use]
    pub const fn is_partitioned(&self) -> bool {
        self.partition_concurrency.is_some()
            || self.partition_worker_concurrency.is_some()
            || self.partition_limiter.is_some()
    }

    /// True when processes share a limit, and so have to agree on who takes what.
    pub(crate) const fn has_shared_limit(&self) -> bool {
        self.concurrency.is_some() || self.partition_concurrency.is_some() || self.is_rate_limited()
    }

    pub(crate) const fn is_rate_limited(&self) -> bool {
        self.limiter.is_some() || self.partition_limiter.is_some()
    }

    /// True when one workflow of a partition runs at a time and nothing else is shared: then one statement serves all
    /// partitions.
    pub(crate) const fn is_one_per_partition(&self) -> bool {
        matches!(self.partition_concurrency, Some(1))
            && self.concurrency.is_none()
            && !self.is_rate_limited()
    }

    /// What is wrong with the name or the limits, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let name = self.name();
        if name.trim().is_empty() || name.contains('\0') {
            return Some("a queue needs a name".to_owned());
        }
        if name.starts_with("_dbos_") {
            return Some(format!(
                "queue `{name}`: names that begin with `_dbos_` are reserved"
            ));
        }
        let problem = self
            .empty_limit()
            .or_else(|| self.contradiction())
            .or_else(|| {
                let zero = self.polling_interval.is_zero();
                zero.then(|| "the polling interval is zero".to_owned())
            });
        problem.map(|problem| format!("queue `{name}`: {problem}"))
    }

    /// A limit that lets nothing through.
    fn empty_limit(&self) -> Option<String> {
        let limits = [
            ("concurrency", self.concurrency),
            ("worker_concurrency", self.worker_concurrency),
            ("partition_concurrency", self.partition_concurrency),
            (
                "partition_worker_concurrency",
                self.partition_worker_concurrency,
            ),
            ("limiter", self.limiter.map(|limiter| limiter.limit)),
            (
                "partition_limiter",
                self.partition_limiter.map(|limiter| limiter.limit),
            ),
        ];
        if let Some((limit, _)) = limits.iter().find(|(_, limit)| *limit == Some(0)) {
            return Some(format!(
                "a limit of 0 ({limit}) would never run anything; set at least 1, or delete the queue to pause it"
            ));
        }
        let limiters = [
            ("limiter", self.limiter),
            ("partition_limiter", self.partition_limiter),
        ];
        // The database counts in milliseconds.
        let no_period = |limiter: &RateLimit| limiter.period < Duration::from_millis(1);
        limiters.iter().find_map(|(name, limiter)| {
            limiter.as_ref().filter(|limiter| no_period(limiter)).map(|_| {
                format!("the period of the {name} is shorter than a millisecond, and would limit nothing")
            })
        })
    }

    /// Two limits of which the narrower scope allows more than the wider one.
    fn contradiction(&self) -> Option<String> {
        let worker = ("worker_concurrency", self.worker_concurrency);
        let all = ("concurrency", self.concurrency);
        let partition = ("partition_concurrency", self.partition_concurrency);
        let partition_worker = (
            "partition_worker_concurrency",
            self.partition_worker_concurrency,
        );
        let pairs = [
            (partition_worker, partition),
            (partition_worker, worker),
            (worker, all),
            (partition, all),
            (partition_worker, all),
        ];
        pairs.iter().find_map(|pair| match pair {
            ((narrow, Some(less)), (wide, Some(more))) if less > more => Some(format!(
                "{narrow} ({less}) is more than {wide} ({more}), of which it is a part"
            )),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Queue};

    const SECOND: Duration = Duration::from_secs(1);

    fn problem(queue: Queue) -> String {
        queue.problem().expect("the queue has a problem")
    }

    #[test]
    fn limits_that_contradict_each_other_are_told_apart() {
        let queue = || Queue::named("q".to_owned());
        let cases = [
            (
                queue()
                    .partition_worker_concurrency(3)
                    .partition_concurrency(2),
                "partition_worker_concurrency (3) is more than partition_concurrency (2)",
            ),
            (
                queue()
                    .partition_worker_concurrency(3)
                    .worker_concurrency(2),
                "partition_worker_concurrency (3) is more than worker_concurrency (2)",
            ),
            (
                queue().worker_concurrency(3).concurrency(2),
                "worker_concurrency (3) is more than concurrency (2)",
            ),
            (
                queue().partition_concurrency(3).concurrency(2),
                "partition_concurrency (3) is more than concurrency (2)",
            ),
            (
                queue().partition_worker_concurrency(3).concurrency(2),
                "partition_worker_concurrency (3) is more than concurrency (2)",
            ),
        ];
        for (queue, expected) in cases {
            let problem = problem(queue);
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        let queue = || Queue::new("q");
        for (queue, expected) in [
            (queue().concurrency(0), "(concurrency)"),
            (queue().worker_concurrency(0), "(worker_concurrency)"),
            (queue().partition_concurrency(0), "(partition_concurrency)"),
            (
                queue().partition_worker_concurrency(0),
                "(partition_worker_concurrency)",
            ),
            (queue().limiter(0, SECOND), "(limiter)"),
            (queue().partition_limiter(0, SECOND), "(partition_limiter)"),
            (
                queue().limiter(1, Duration::ZERO),
                "the period of the limiter",
            ),
            (
                queue().partition_limiter(1, Duration::from_micros(5)),
                "the period of the partition_limiter",
            ),
        ] {
            let problem = problem(queue);
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn limits_that_agree_are_no_problem() {
        let queue = Queue::new("q")
            .concurrency(8)
            .worker_concurrency(4)
            .partition_concurrency(4)
            .partition_worker_concurrency(2)
            .limiter(10, SECOND)
            .partition_limiter(5, SECOND);
        assert_eq!(queue.problem(), None);
        assert!(queue.is_partitioned() && queue.has_shared_limit());
    }
}
