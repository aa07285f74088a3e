//! Serves one queue: takes as much off it as its limits allow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Engine, Phase};
use crate::clock::{self, Instant};
use crate::error::StoreError;
use crate::ids;
use crate::queue::Queue;
use crate::store::{Claim, ClaimedWorkflow, Reached, SWEEP};

/// What one claim takes at most.
const CLAIM_LIMIT: usize = 1024;
/// The longest interval between the polls of a queue for which processes compete.
const LONGEST: Duration = Duration::from_secs(120);

/// A queue as this process serves it.
#[derive(Debug)]
pub(super) struct QueueState {
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

impl QueueState {
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
            state.due = state.due.min(clock::instant() + state.interval);
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
    fn free(&self, partition: Option<&str>) -> usize {
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
    fn back_off(&self, now: Instant) {
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
    queue: Arc<QueueState>,
    partition: Option<String>,
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

/// Serves one queue until it is gone or the runtime shuts down.
pub(super) async fn serve(engine: Arc<Engine>, queue: Arc<QueueState>) {
    let worker = Worker { engine, queue };
    loop {
        tokio::select! {
            () = worker.queue.wake.notified() => {}
            () = worker.engine.reached(Phase::Draining) => return,
        }
        // A workflow that ends while this looks may leave room that it did not see.
        worker.queue.state().hungry = true;
        match worker.take_all().await {
            Ok(more) => worker.queue.state().hungry = more,
            Err(error) if error.is_lock_conflict() => {
                tracing::debug!("another process is taking work off the same queue");
            }
            Err(error) if error.is_serialization_conflict() => {
                worker.queue.back_off(clock::instant());
            }
            Err(error) => {
                let queue = worker.queue.state().queue.name().to_owned();
                tracing::warn!(queue, %error, "cannot take work off a queue; trying again");
            }
        }
        if worker.queue.state().forgotten {
            return;
        }
    }
}

struct Worker {
    engine: Arc<Engine>,
    queue: Arc<QueueState>,
}

impl Worker {
    /// Takes and begins as much as there is room for. True when a limit may have kept something back.
    async fn take_all(&self) -> Result<bool, StoreError> {
        self.settle_unanswered().await?;
        let queue = {
            let state = self.queue.state();
            if state.withdrawn {
                return Ok(false);
            }
            state.queue.clone()
        };
        if queue.is_one_per_partition() {
            self.sweep(&queue).await?;
            return Ok(true);
        }
        if queue.is_partitioned() {
            self.take_from_partitions(&queue).await?;
            return Ok(true);
        }
        Ok(self.take(&queue, None).await?.is_some())
    }

    /// Takes as much as there is room for; gives the limit that ended it.
    async fn take(
        &self,
        queue: &Queue,
        partition: Option<&str>,
    ) -> Result<Option<Reached>, StoreError> {
        while self.engine.phase() == Phase::Open {
            let free = self.queue.free(partition).min(CLAIM_LIMIT);
            if free == 0 {
                return Ok(Some(Reached::Asked));
            }
            let token = ids::token();
            let claim = self.claim(queue, partition, free, &token);
            let taken = self.answered(self.engine.store.claim(&claim).await, &token)?;
            self.begin_all(&token, taken.workflows).await;
            // There may be more: ask again as long as there is room.
            if taken.reached != Some(Reached::Asked) {
                return Ok(taken.reached);
            }
        }
        Ok(None)
    }

    /// Takes one workflow of every partition that has none running.
    async fn sweep(&self, queue: &Queue) -> Result<(), StoreError> {
        let most = usize::try_from(SWEEP).unwrap_or(usize::MAX);
        while self.engine.phase() == Phase::Open {
            let free = self.queue.free(None).min(most);
            if free == 0 {
                break;
            }
            let token = ids::token();
            let claim = self.claim(queue, None, free, &token);
            let taken = self.answered(self.engine.store.sweep(&claim).await, &token)?;
            let count = taken.len();
            self.begin_all(&token, taken).await;
            if count < free {
                break;
            }
        }
        Ok(())
    }

    /// Takes what each partition allows, one after the other.
    async fn take_from_partitions(&self, queue: &Queue) -> Result<(), StoreError> {
        let engine = &self.engine;
        let keys = engine.store.partitions(queue, &engine.identity).await?;
        for key in keys {
            if self.queue.free(None) == 0 {
                break;
            }
            match self.take(queue, Some(&key)).await {
                Ok(Some(Reached::Queue)) => break,
                Ok(_) => {}
                // Another process is at this partition: the others may be free.
                Err(error) if error.is_lock_conflict() || error.is_serialization_conflict() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn claim<'a>(
        &'a self,
        queue: &'a Queue,
        partition: Option<&'a str>,
        limit: usize,
        token: &'a str,
    ) -> Claim<'a> {
        Claim {
            queue,
            partition,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            identity: &self.engine.identity,
            token,
        }
    }

    /// Keeps the token of a claim that may have taken something although it failed: the next look begins that first.
    fn answered<T>(&self, claimed: Result<T, StoreError>, token: &str) -> Result<T, StoreError> {
        claimed.inspect_err(|error| {
            if !error.is_lock_conflict() && !error.is_serialization_conflict() {
                self.queue.state().unanswered.push(token.to_owned());
            }
        })
    }

    async fn settle_unanswered(&self) -> Result<(), StoreError> {
        loop {
            let (queue, token) = {
                let state = self.queue.state();
                let Some(token) = state.unanswered.first().cloned() else {
                    return Ok(());
                };
                (state.queue.name().to_owned(), token)
            };
            let claimed = self.engine.store.claimed(&queue, &token).await?;
            self.begin_all(&token, claimed).await;
            self.queue
                .state()
                .unanswered
                .retain(|other| *other != token);
        }
    }

    async fn begin_all(&self, token: &str, claimed: Vec<ClaimedWorkflow>) {
        for workflow in claimed {
            let seat = self.queue.seat(workflow.partition_key.clone());
            self.engine.begin_claimed(token, workflow, seat).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Queue, QueueState, clock};

    const BASE: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_queue_for_which_processes_compete_is_polled_less_often_and_more_often_again() {
        let now = clock::instant();
        let queue = QueueState::new(Queue::new("q"), now);
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
            let queue = QueueState::new(Queue::new("q").polling_interval(own), now);
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
        let queue = QueueState::new(Queue::new("q").worker_concurrency(1), now);

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
        let queue = QueueState::new(Queue::new("q").worker_concurrency(2), now);
        let seat = queue.seat(None);

        assert!(queue.withdraw() && !queue.state().forgotten);
        assert!(queue.is_due(now), "it is asked about when it comes back");
        queue.update(Queue::new("q").worker_concurrency(2));
        assert_eq!(queue.free(None), 1);

        drop(seat);
        assert!(!queue.withdraw() && queue.state().forgotten);
    }
}
