//! A queue as this process serves it: its limits, its seats, and when it is polled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Instant;
use crate::queue::Queue;

/// The longest interval between the polls of a queue for which processes compete.
const LONGEST: Duration = Duration::from_secs(120);

/// A queue as this process serves it.
#[derive(Debug)]
pub(super) struct ServedQueue {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// It is not in the database any more, or not ours.
    withdrawn: bool,
    /// And it is forgotten: if it comes back, another state serves it.
    forgotten: bool,
    /// Between two polls: the queue's own interval, longer while processes compete for it.
    interval: Duration,
    due: Instant,
    /// Since the last poll it was seen that processes compete for it.
    contended: bool,
    /// Workflows of the queue that run here, and of each partition.
    running: usize,
    partitions: HashMap<String, usize>,
    /// A limit may keep work off this process: look again when a workflow ends here.
    hungry: bool,
    /// The tokens of claims that were not answered: they may have taken something all the same.
    unanswered: Vec<String>,
}

impl ServedQueue {
    pub(super) fn new(queue: Queue, now: Instant) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                interval: queue.polling_interval,
                queue,
                withdrawn: false,
                forgotten: false,
                contended: false,
                due: now,
                running: 0,
                partitions: HashMap::new(),
                hungry: false,
                unanswered: Vec::new(),
            }),
            wake: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state whole even if a panic interrupts its caller.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There may be something to take.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Completes when there may be something to take. Cancel safe.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(super) fn name(&self) -> String {
        self.state().queue.name().to_owned()
    }

    /// The queue as it is now, if anything is to be taken off it.
    pub(super) fn limits(&self) -> Option<Queue> {
        let state = self.state();
        (!state.withdrawn).then(|| state.queue.clone())
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.state().forgotten
    }

    /// Whether a limit may keep work off this process, so that the end of a workflow here is a reason to look again.
    pub(super) fn set_hungry(&self, hungry: bool) {
        self.state().hungry = hungry;
    }

    /// Keeps the token of a claim that may have taken something although it failed.
    pub(super) fn keep_unanswered(&self, token: &str) {
        self.state().unanswered.push(token.to_owned());
    }

    pub(super) fn unanswered(&self) -> Option<String> {
        self.state().unanswered.first().cloned()
    }

    pub(super) fn settled(&self, token: &str) {
        self.state().unanswered.retain(|other| other != token);
    }

    /// How long until it is to be polled.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        let state = self.state();
        match state.can_be_polled() {
            true => state.due.saturating_duration_since(now),
            false => Duration::MAX,
        }
    }

    /// True when it is to be polled at the next occasion.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let state = self.state();
        // The wait for a poll varies by a twentieth.
        let early = state.interval.mul_f64(0.06);
        state.withdrawn
            || state.can_be_polled() && state.due.saturating_duration_since(now) <= early
    }

    /// It was asked whether there is work.
    pub(super) fn polled(&self, has_work: bool, now: Instant) {
        let mut state = self.state();
        let base = state.queue.polling_interval;
        state.interval = state.interval.mul_f64(0.9).clamp(base, base.max(LONGEST));
        state.due = now + state.interval;
        state.contended = false;
        let wake = has_work || !state.unanswered.is_empty();
        drop(state);
        if wake {
            self.wake();
        }
    }

    /// Takes the limits over that it has now.
    pub(super) fn update(&self, queue: Queue) {
        let mut state = self.state();
        state.withdrawn = false;
        if state.queue == queue {
            return;
        }
        if state.queue.polling_interval != queue.polling_interval {
            state.interval = queue.polling_interval;
            state.due = state.due.min(crate::clock::instant() + state.interval);
        }
        state.queue = queue;
        drop(state);
        self.wake();
    }

    /// Takes nothing more off it. True when something of it still runs here.
    pub(super) fn withdraw(&self) -> bool {
        let mut state = self.state();
        state.withdrawn = true;
        let runs = state.running > 0 || !state.unanswered.is_empty();
        state.forgotten = !runs;
        drop(state);
        self.wake();
        runs
    }

    /// Takes a seat for a workflow that begins here.
    pub(super) fn seat(self: &Arc<Self>, partition: Option<String>) -> Seat {
        let mut state = self.state();
        state.running += 1;
        if let Some(key) = &partition {
            *state.partitions.entry(key.clone()).or_default() += 1;
        }
        Seat {
            queue: Arc::clone(self),
            partition,
        }
    }

    /// How many may begin, of a partition or of all.
    pub(super) fn free(&self, partition: Option<&str>) -> usize {
        let state = self.state();
        let free = state.free();
        let limit = state.queue.partition_worker_concurrency;
        match (
            partition,
            limit.and_then(|limit| usize::try_from(limit).ok()),
        ) {
            (Some(key), Some(limit)) => {
                let running = state.partitions.get(key).copied().unwrap_or_default();
                free.min(limit.saturating_sub(running))
            }
            _ => free,
        }
    }

    /// Processes compete for it: ask less often.
    pub(super) fn back_off(&self, now: Instant) {
        let mut state = self.state();
        if std::mem::replace(&mut state.contended, true) {
            return;
        }
        let longest = state.queue.polling_interval.max(LONGEST);
        state.interval = (state.interval * 2).min(longest);
        state.due = now + state.interval;
        let interval = state.interval;
        tracing::debug!(
            queue = state.queue.name(),
            ?interval,
            "processes compete for a queue"
        );
    }
}

impl State {
    /// One that has no room here is not polled: it is looked at when a workflow ends.
    fn can_be_polled(&self) -> bool {
        !self.withdrawn && (self.free() > 0 || !self.unanswered.is_empty())
    }

    /// How many more may run here.
    fn free(&self) -> usize {
        let limit = self.queue.worker_concurrency;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        limit.map_or(usize::MAX, |limit| limit.saturating_sub(self.running))
    }
}

/// The place of a running workflow among those of its queue that run here. Dropped, it is free.
#[derive(Debug)]
pub(crate) struct Seat {
    queue: Arc<ServedQueue>,
    partition: Option<String>,
}

impl Seat {
    /// The queue, if work may wait there that only the limit of this process keeps back: then the next one can be taken
    /// in the commit that ends this one.
    pub(super) fn succession(&self) -> Option<(Queue, Arc<ServedQueue>)> {
        let state = self.queue.state();
        let limit = state.queue.worker_concurrency?;
        let fits = usize::try_from(limit).is_ok_and(|limit| state.running <= limit);
        let plain = !state.queue.is_partitioned() && !state.queue.has_shared_limit();
        let may_wait = state.hungry && fits && plain && !state.withdrawn;
        may_wait.then(|| (state.queue.clone(), Arc::clone(&self.queue)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.running = state.running.saturating_sub(1);
        if let Some(key) = &self.partition
            && let Some(running) = state.partitions.get_mut(key)
        {
            *running -= 1;
            if *running == 0 {
                state.partitions.remove(key);
            }
        }
        let hungry = state.hungry;
        drop(state);
        if hungry {
            self.queue.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Queue, ServedQueue};
    use crate::clock;

    const BASE: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_queue_for_which_processes_compete_is_polled_less_often_and_more_often_again() {
        let now = clock::instant();
        let queue = ServedQueue::new(Queue::new("q"), now);
        assert!(queue.is_due(now));
        queue.polled(false, now);
        assert_eq!(queue.wait(now), BASE);

        queue.back_off(now);
        queue.back_off(now);
        assert_eq!(queue.wait(now), BASE * 2, "once in a poll");

        queue.polled(false, now);
        assert_eq!(queue.wait(now), BASE.mul_f64(1.8));
        for _ in 0..20 {
            queue.polled(false, now);
        }
        assert_eq!(queue.wait(now), BASE);
    }

    #[tokio::test]
    async fn the_longest_interval_is_two_minutes_or_the_queues_own() {
        let now = clock::instant();
        for (own, longest) in [(1, 120), (300, 300)] {
            let own = Duration::from_secs(own);
            let queue = ServedQueue::new(Queue::new("q").polling_interval(own), now);
            for _ in 0..10 {
                queue.polled(false, now);
                queue.back_off(now);
            }
            assert!(queue.wait(now) > Duration::from_secs(longest).mul_f64(0.89));
            assert!(queue.wait(now) <= Duration::from_secs(longest));
        }
    }

    #[tokio::test]
    async fn a_full_queue_is_not_polled_until_a_place_is_free() {
        let now = clock::instant();
        let queue = ServedQueue::new(Queue::new("q").worker_concurrency(1), now);

        let seat = queue.seat(Some("key".to_owned()));
        assert!(!queue.is_due(now));
        assert_eq!(queue.wait(now), Duration::MAX);

        drop(seat);
        assert!(queue.is_due(now));
        assert_eq!(queue.state().partitions.len(), 0);
    }

    #[tokio::test]
    async fn a_queue_that_goes_while_its_workflows_run_is_remembered() {
        let now = clock::instant();
        let queue = ServedQueue::new(Queue::new("q").worker_concurrency(2), now);
        let seat = queue.seat(None);

        assert!(queue.withdraw() && !queue.state().forgotten);
        assert!(queue.is_due(now), "it is asked about when it comes back");
        queue.update(Queue::new("q").worker_concurrency(2));
        assert_eq!(queue.free(None), 1);

        drop(seat);
        assert!(!queue.withdraw() && queue.state().forgotten);
    }
}
