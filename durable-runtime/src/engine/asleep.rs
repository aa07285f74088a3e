//! Workflows that sleep leave memory: of each only its id, its owner and its time stay, and it is taken up again from its
//! records shortly before its time.
//!
//! To the database nothing happens: the workflow stays pending and this process its owner, and what takes it away
//! (cancelling, resuming, a takeover) does so as if it ran. Here it counts as running: it keeps its place in its queue,
//! and a shutdown waits for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::execution::Execution;
use super::served_queue::Seat;
use super::{Engine, Phase};
use crate::clock;
use crate::store::{ClaimedWorkflow, Finished, StoreResult};

/// Sleeps that are no longer stay in memory, unless the builder says otherwise.
pub(crate) const IN_MEMORY: Duration = Duration::from_secs(10);
/// How long before its time a workflow is taken up: reading and replaying it should not make it late.
const LEAD_MS: i64 = 500;
/// What wakes sooner never leaves: it would be taken up at once.
const SHORTEST_MS: i64 = 2 * LEAD_MS;
/// How much longer a sleep has to be for each call, and for each kibibyte of records, that a replay goes through: so
/// replaying takes a small part of the time that is slept.
const EACH_MS: i64 = 10;
/// How many are taken up at once.
const BATCH: usize = 500;
/// When to try again with one that could not be read.
const RETRY_MS: i64 = 60_000;

/// The workflows that left memory.
#[derive(Debug, Default)]
pub(super) struct Asleep {
    sleepers: Mutex<Sleepers>,
    /// There is an earlier time than before.
    sooner: Notify,
}

#[derive(Debug, Default)]
struct Sleepers {
    by_id: BTreeMap<Arc<str>, Sleeper>,
    /// When they are to be taken up, in milliseconds since the Unix epoch; without those that are being taken up.
    by_time: BTreeSet<(i64, Arc<str>)>,
}

#[derive(Debug)]
struct Sleeper {
    token: Arc<str>,
    wake: i64,
    seat: Option<Seat>,
}

/// Which attempt of which workflow sleeps.
type Key = (Arc<str>, Arc<str>);

impl Asleep {
    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        // Insertions and removals leave the maps whole even if a panic interrupts their caller.
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().by_id.is_empty()
    }

    pub(super) fn contains(&self, workflow_id: &str) -> bool {
        self.lock().by_id.contains_key(workflow_id)
    }

    pub(super) fn tokens(&self) -> Vec<String> {
        let sleepers = self.lock();
        let tokens = sleepers.by_id.values();
        tokens.map(|sleeper| sleeper.token.to_string()).collect()
    }

    fn insert(&self, execution: &Execution, wake: i64) {
        let id: Arc<str> = execution.workflow_id.as_str().into();
        let sleeper = Sleeper {
            token: execution.token.as_str().into(),
            wake,
            seat: execution.take_seat(),
        };
        self.lock().by_id.insert(Arc::clone(&id), sleeper);
        self.wakes_at(wake, id);
    }

    fn wakes_at(&self, wake: i64, id: Arc<str>) {
        let mut sleepers = self.lock();
        let first = sleepers.by_time.first();
        let sooner = first.is_none_or(|(first, _)| wake < *first);
        sleepers.by_time.insert((wake, id));
        drop(sleepers);
        if sooner {
            self.sooner.notify_one();
        }
    }

    /// Forgets a workflow that does not sleep here any more. True when it did.
    pub(super) fn forget(&self, workflow_id: &str) -> bool {
        let mut sleepers = self.lock();
        let Some((id, sleeper)) = sleepers.by_id.remove_entry(workflow_id) else {
            return false;
        };
        sleepers.by_time.remove(&(sleeper.wake, id));
        drop(sleepers);
        // Its place in its queue is free with this.
        drop(sleeper);
        true
    }

    fn forget_attempt(&self, (id, token): &Key) -> bool {
        let same = |sleeper: &Sleeper| sleeper.token == *token;
        let is_same = self.lock().by_id.get(id).is_some_and(same);
        is_same && self.forget(id)
    }

    pub(super) fn forget_all(&self) {
        let sleepers = std::mem::take(&mut *self.lock());
        drop(sleepers);
    }

    /// Lets one be taken up now, to find out what became of it.
    pub(super) fn wake_now(&self, workflow_id: &str) {
        let id = {
            let mut sleepers = self.lock();
            let found = sleepers.by_id.get_key_value(workflow_id);
            let Some((id, wake)) = found.map(|(id, sleeper)| (Arc::clone(id), sleeper.wake)) else {
                return;
            };
            if !sleepers.by_time.remove(&(wake, Arc::clone(&id))) {
                return;
            }
            if let Some(sleeper) = sleepers.by_id.get_mut(&id) {
                sleeper.wake = 0;
            }
            id
        };
        self.wakes_at(0, id);
    }

    /// When the next one is to be taken up.
    fn next(&self) -> Option<i64> {
        let sleepers = self.lock();
        let first = sleepers.by_time.first();
        first.map(|(wake, _)| wake.saturating_sub(LEAD_MS))
    }

    /// Those that are to be taken up now, a batch at most.
    fn due(&self) -> Vec<Key> {
        let until = clock::now_ms().saturating_add(LEAD_MS);
        let mut sleepers = self.lock();
        let mut due = Vec::new();
        while due.len() < BATCH
            && sleepers
                .by_time
                .first()
                .is_some_and(|(wake, _)| *wake <= until)
            && let Some((_, id)) = sleepers.by_time.pop_first()
        {
            let sleeper = sleepers.by_id.get(&id);
            let token = sleeper.map(|sleeper| Arc::clone(&sleeper.token));
            due.extend(token.map(|token| (id, token)));
        }
        due
    }

    /// Puts one off that could not be taken up.
    fn put_off(&self, (id, token): &Key) {
        let wake = clock::now_ms().saturating_add(RETRY_MS);
        let mut sleepers = self.lock();
        match sleepers.by_id.get_mut(id) {
            Some(sleeper) if sleeper.token == *token => sleeper.wake = wake,
            _ => return,
        }
        drop(sleepers);
        self.wakes_at(wake, Arc::clone(id));
    }

    /// The place of one that is being taken up; `None` when it was taken away meanwhile.
    fn take_seat(&self, (id, token): &Key) -> Option<Option<Seat>> {
        let mut sleepers = self.lock();
        let sleeper = sleepers.by_id.get_mut(id)?;
        (sleeper.token == *token).then(|| sleeper.seat.take())
    }

    /// The next ones behind `cursor`, which moves on; from the first again after the last.
    pub(super) fn some(&self, cursor: &mut Option<Arc<str>>, count: usize) -> Vec<Key> {
        let sleepers = self.lock();
        let start = match cursor.take() {
            Some(last) => Bound::Excluded(last),
            None => Bound::Unbounded,
        };
        let range = sleepers
            .by_id
            .range::<Arc<str>, _>((start, Bound::Unbounded));
        let some: Vec<Key> = range
            .take(count)
            .map(|(id, sleeper)| (Arc::clone(id), Arc::clone(&sleeper.token)))
            .collect();
        if some.len() == count {
            *cursor = some.last().map(|(id, _)| Arc::clone(id));
        }
        some
    }
}

impl Execution {
    /// When the workflow has to be taken up again, if it may leave memory now: nothing is done, written or waited for
    /// but sleeps, and none ends soon.
    pub(super) fn may_leave(&self) -> Option<i64> {
        let sleeps = self.only_sleeps()?;
        // Its deadline is watched for in memory.
        let wake = self
            .deadline
            .map_or(sleeps.until, |at| at.min(sleeps.until));
        let replay = (sleeps.calls + sleeps.bytes / 1024).saturating_mul(EACH_MS);
        let longest = super::milliseconds(self.engine.sleep_in_memory);
        let longest = longest.saturating_add(replay).max(SHORTEST_MS);
        (wake.saturating_sub(clock::now_ms()) >= longest).then_some(wake)
    }
}

impl Engine {
    /// Lets a workflow leave memory until `wake`. False when it is not this attempt's any more, or nothing runs any more.
    pub(super) fn falls_asleep(&self, execution: &Arc<Execution>, wake: i64) -> bool {
        let mut running = self.running();
        let current = running.get(&execution.workflow_id);
        let is_current = current.is_some_and(|current| Arc::ptr_eq(current, execution));
        if !is_current || execution.is_stopped() || self.phase() == Phase::Stopped {
            return false;
        }
        running.remove(&execution.workflow_id);
        self.asleep.insert(execution, wake);
        true
    }

    /// Takes workflows up whose time comes. Who lost theirs meanwhile forget them.
    async fn take_up(self: &Arc<Self>, due: Vec<Key>) {
        let mut parts = vec![due];
        while let Some(mut part) = parts.pop() {
            match self.persist(|| self.read_asleep(&part)).await {
                Ok(found) => self.begin_woken(part, found).await,
                Err(_) if self.phase() == Phase::Stopped => return,
                Err(error) if part.len() <= 1 => {
                    for key in &part {
                        let workflow_id = &*key.0;
                        tracing::error!(workflow_id, %error, "a workflow that slept cannot be read; trying again");
                        self.asleep.put_off(key);
                    }
                }
                // One of them cannot be read, and the others can.
                Err(_) => {
                    let half = part.split_off(part.len() / 2);
                    parts.extend([part, half]);
                }
            }
        }
    }

    async fn read_asleep(&self, keys: &[Key]) -> StoreResult<Vec<ClaimedWorkflow>> {
        let pairs: Vec<_> = keys.iter().map(|(id, token)| (&**id, &**token)).collect();
        self.store.owned(&pairs).await
    }

    async fn begin_woken(self: &Arc<Self>, due: Vec<Key>, found: Vec<ClaimedWorkflow>) {
        let mut found: HashMap<String, ClaimedWorkflow> = found
            .into_iter()
            .map(|workflow| (workflow.workflow_id.clone(), workflow))
            .collect();
        for key in due {
            match found.remove(&*key.0) {
                Some(workflow) => {
                    if let Some(seat) = self.asleep.take_seat(&key) {
                        self.begin_claimed(&key.1, workflow, seat).await;
                    }
                    // It runs by now, or was refused.
                    self.asleep.forget_attempt(&key);
                }
                None => self.lost_asleep(&key).await,
            }
        }
        self.ended.notify_waiters();
    }

    /// A workflow that slept here is another's, or nobody's.
    async fn lost_asleep(&self, key: &Key) {
        if self.asleep.forget_attempt(key) {
            self.went(&key.0).await;
        }
    }

    /// Whoever waits for a workflow that this process has no more learns what became of it.
    pub(super) async fn went(&self, workflow_id: &str) {
        if self.phase() == Phase::Stopped || !self.completions.is_awaited(workflow_id) {
            return;
        }
        match self.store.workflow(workflow_id).await {
            Ok(None) => self.completions.finish(workflow_id, Finished::Gone),
            _ => self.completions.ask_about(workflow_id),
        }
    }

    /// Looks which of some that sleep were taken away.
    pub(super) async fn look_after_some(
        &self,
        cursor: &mut Option<Arc<str>>,
        count: usize,
    ) -> StoreResult<()> {
        let some = self.asleep.some(cursor, count);
        if some.is_empty() {
            return Ok(());
        }
        let pairs: Vec<_> = some.iter().map(|(id, token)| (&**id, &**token)).collect();
        let lost = self.store.lost(&pairs).await?;
        for key in some
            .iter()
            .filter(|(id, _)| lost.iter().any(|lost| **lost == **id))
        {
            self.lost_asleep(key).await;
        }
        if !lost.is_empty() {
            self.ended.notify_waiters();
        }
        Ok(())
    }
}

/// Takes workflows up at their time, until the runtime stops.
pub(super) async fn serve(engine: Arc<Engine>) {
    loop {
        // When very many awake together, they come into memory as fast as they leave it.
        engine.journal.keeps_up().await;
        let due = engine.asleep.due();
        if !due.is_empty() {
            engine.take_up(due).await;
            continue;
        }
        let next = engine.asleep.next();
        tokio::select! {
            () = clock::sleep_until(next.unwrap_or(i64::MAX)) => {}
            () = engine.asleep.sooner.notified() => {}
            () = engine.reached(Phase::Stopped) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Asleep, Sleeper, clock};

    fn asleep(wakes: &[(&str, i64)]) -> Asleep {
        let asleep = Asleep::default();
        for (id, wake) in wakes {
            let sleeper = Sleeper {
                token: "token".into(),
                wake: *wake,
                seat: None,
            };
            asleep.lock().by_id.insert((*id).into(), sleeper);
            asleep.wakes_at(*wake, (*id).into());
        }
        asleep
    }

    fn due(asleep: &Asleep) -> Vec<String> {
        let due = asleep.due().into_iter();
        due.map(|(id, _)| id.to_string()).collect()
    }

    #[test]
    fn what_is_due_is_taken_up_once_and_in_order() {
        let later = clock::now_ms() + 3_600_000;
        let asleep = asleep(&[("later", later), ("second", 2), ("first", 1)]);

        assert_eq!(due(&asleep), ["first", "second"]);
        assert_eq!(due(&asleep), [""; 0]);
        assert_eq!(asleep.len(), 3, "they are here until they run");
    }

    #[test]
    fn what_is_forgotten_is_not_taken_up() {
        let asleep = asleep(&[("one", 1), ("two", 1)]);

        assert!(asleep.forget("one"));
        assert!(!asleep.forget("one"));

        assert_eq!(due(&asleep), ["two"]);
        let other = ("two".into(), "another attempt".into());
        assert!(!asleep.forget_attempt(&other));
        assert!(asleep.take_seat(&other).is_none());
    }

    #[test]
    fn one_that_may_be_another_s_is_taken_up_at_once() {
        let later = clock::now_ms() + 3_600_000;
        let asleep = asleep(&[("one", later), ("two", later)]);

        asleep.wake_now("one");
        asleep.wake_now("unknown");

        assert_eq!(due(&asleep), ["one"]);
        asleep.wake_now("one");
        assert_eq!(due(&asleep), [""; 0], "it is being taken up");
    }

    #[test]
    fn one_that_cannot_be_read_is_tried_again_later() {
        let asleep = asleep(&[("one", 1)]);
        let key = asleep.due().remove(0);

        asleep.put_off(&key);

        assert_eq!(due(&asleep), [""; 0]);
        assert!(asleep.next().is_some_and(|next| next > clock::now_ms()));
    }
}
