//! Waiting for workflows to finish, whoever runs them.
//!
//! A workflow that ends in this process wakes its waiters at once, and those in other processes by a notification.
//! Besides, a statement a second asks the database about the workflows that are awaited or run here: other SDKs send no
//! notification.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{Engine, Phase, Stop};
use crate::clock;
use crate::store::Finished;

const POLL: Duration = Duration::from_secs(1);

/// Where the outcome of one workflow arrives.
#[derive(Debug)]
pub(crate) struct Slot {
    outcome: watch::Sender<Option<Arc<Finished>>>,
}

impl Slot {
    /// The outcome, once there is one. Cancel safe.
    pub(crate) async fn wait(&self) -> Arc<Finished> {
        let mut outcome = self.outcome.subscribe();
        loop {
            if let Some(finished) = outcome.borrow_and_update().clone() {
                return finished;
            }
            if outcome.changed().await.is_err() {
                // The sender is `self`: it cannot be gone while this runs.
                std::future::pending::<()>().await;
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.outcome.borrow().is_none()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Completions {
    slots: Mutex<BTreeMap<String, Weak<Slot>>>,
    /// How often finished workflows were let go on from here; changed and compared under the lock of the slots.
    revivals: AtomicU64,
    /// The workflows to ask about at once.
    urgent: Mutex<BTreeSet<String>>,
    /// The next look is due.
    all: AtomicBool,
    ask: Notify,
}

impl Completions {
    fn slots(&self) -> MutexGuard<'_, BTreeMap<String, Weak<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn urgent(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.urgent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of a workflow that is about to be started here: made before the start, so that no end is missed.
    pub(crate) fn slot(&self, workflow_id: &str) -> Arc<Slot> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(workflow_id).and_then(Weak::upgrade) {
            return slot;
        }
        let slot = Arc::new(Slot {
            outcome: watch::Sender::new(None),
        });
        slots.insert(workflow_id.to_owned(), Arc::downgrade(&slot));
        slot
    }

    /// Asks the database about a workflow now rather than within a second: it may have ended already.
    pub(crate) fn ask_about(&self, workflow_id: &str) {
        self.urgent().insert(workflow_id.to_owned());
        self.ask.notify_one();
    }

    /// Looks now rather than within a second.
    pub(super) fn ask_all(&self) {
        self.all.store(true, Ordering::Release);
        self.ask.notify_one();
    }

    /// True when somebody waits for the workflow.
    pub(super) fn is_awaited(&self, workflow_id: &str) -> bool {
        let slots = self.slots();
        let slot = slots.get(workflow_id);
        slot.is_some_and(|slot| slot.strong_count() > 0)
    }

    /// About how many workflows are awaited.
    pub(super) fn len(&self) -> usize {
        self.slots().len()
    }

    /// A finished workflow goes on: an outcome that was read before is not its outcome any more.
    pub(super) fn revived(&self) {
        let _slots = self.slots();
        self.revivals.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that happened.
    fn revivals(&self) -> u64 {
        self.revivals.load(Ordering::Relaxed)
    }

    /// A workflow ended, as the database was read after `revivals`; nothing happens when there was another one since.
    fn finish_as_read(&self, workflow_id: &str, finished: Finished, revivals: u64) {
        let slot = {
            let mut slots = self.slots();
            if self.revivals() != revivals {
                drop(slots);
                return self.ask_about(workflow_id);
            }
            slots.remove(workflow_id)
        };
        if let Some(slot) = slot.and_then(|slot| slot.upgrade()) {
            slot.outcome.send_replace(Some(Arc::new(finished)));
        }
    }

    /// A workflow ended.
    pub(crate) fn finish(&self, workflow_id: &str, finished: Finished) {
        let slot = self.slots().remove(workflow_id);
        if let Some(slot) = slot.and_then(|slot| slot.upgrade()) {
            slot.outcome.send_replace(Some(Arc::new(finished)));
        }
    }

    /// Those of the next `count` workflows behind `cursor` that somebody waits for.
    fn awaited(&self, cursor: &mut Cursor, count: usize) -> Vec<String> {
        let mut slots = self.slots();
        slots.retain(|_, slot| slot.strong_count() > 0);
        let empty = |slot: &Weak<Slot>| slot.upgrade().is_some_and(|slot| slot.is_empty());
        let some = cursor.next(&slots, count).into_iter();
        some.filter(|(_, slot)| empty(slot))
            .map(|(id, _)| id.clone())
            .collect()
    }
}

/// How far a round through many workflows came.
#[derive(Debug, Default)]
pub(super) struct Cursor(Option<String>);

impl Cursor {
    /// The next ones, from the first again after the last; all of them where there are no more than `count`.
    pub(super) fn next<'m, V>(
        &mut self,
        map: &'m BTreeMap<String, V>,
        count: usize,
    ) -> Vec<(&'m String, &'m V)> {
        let start = match self.0.take() {
            Some(last) if map.len() > count => Bound::Excluded(last),
            _ => Bound::Unbounded,
        };
        let range = map.range((start, Bound::Unbounded));
        let next: Vec<_> = range.take(count).collect();
        if next.len() == count {
            self.0 = next.last().map(|(id, _)| (*id).clone());
        }
        next
    }
}

impl Engine {
    /// Another process tells that a workflow ended, or was taken away.
    pub(super) fn may_have_ended(&self, workflow_id: &str) {
        let is_here = self.running().contains_key(workflow_id);
        if is_here || self.completions.is_awaited(workflow_id) {
            self.completions.ask_about(workflow_id);
        }
        self.asleep.wake_now(workflow_id);
    }

    /// Asks what became of these workflows.
    async fn ask(&self, ids: &[String]) {
        // Those that run before the question is asked: one that begins meanwhile is not what the answer is about.
        let running: HashMap<_, _> = {
            let running = self.running();
            let found = ids.iter().filter_map(|id| running.get_key_value(id));
            found
                .map(|(id, execution)| (id.clone(), Arc::clone(execution)))
                .collect()
        };
        let revivals = self.completions.revivals();
        match self.store.finished(ids).await {
            Ok(ended) => ended.into_iter().for_each(|(id, finished)| {
                if let Some(execution) = running.get(&id) {
                    execution.stop(Stop::Fenced);
                }
                self.completions.finish_as_read(&id, finished, revivals);
            }),
            Err(error) => {
                tracing::warn!(%error, "cannot ask for the outcome of workflows; asking again");
            }
        }
    }
}

/// Asks the database, until the engine stops, about the workflows that are awaited, whoever runs them, and about those
/// that run here: one that was cancelled or finished by somebody else ends where it waits. Of very many it asks about
/// some each second, one after the other. Those that sleep are looked after with the lease.
pub(super) async fn poll(engine: Arc<Engine>) {
    /// Ids in one statement.
    const CHUNK: usize = 1000;
    /// How many that run here, and how many that are awaited, in one second.
    const ROUND: usize = 4 * CHUNK;
    let (mut running, mut awaited) = (Cursor::default(), Cursor::default());
    let mut next = clock::instant() + POLL;
    loop {
        let wait = next.saturating_duration_since(clock::instant());
        tokio::select! {
            () = clock::sleep(wait) => {}
            () = engine.completions.ask.notified() => {}
            () = engine.reached(Phase::Stopped) => return,
        }
        let mut ids = std::mem::take(&mut *engine.completions.urgent());
        let now = clock::instant();
        if engine.completions.all.swap(false, Ordering::AcqRel) || now >= next {
            next = now + POLL;
            let some = |running: &mut Cursor| -> Vec<String> {
                let map = engine.running();
                let some = running.next(&map, ROUND).into_iter();
                some.map(|(id, _)| id.clone()).collect()
            };
            ids.extend(some(&mut running));
            let some = engine.completions.awaited(&mut awaited, ROUND).into_iter();
            ids.extend(some.filter(|id| !engine.asleep.contains(id)));
        }
        let ids: Vec<_> = ids.into_iter().collect();
        for ids in ids.chunks(CHUNK) {
            engine.ask(ids).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Cursor;

    #[test]
    fn a_round_asks_about_each_of_very_many_workflows_once() {
        let map: BTreeMap<String, ()> = (0..5).map(|id| (id.to_string(), ())).collect();
        let mut cursor = Cursor::default();
        let mut next = |count| {
            let next = cursor.next(&map, count);
            next.into_iter()
                .map(|(id, ())| id.clone())
                .collect::<String>()
        };

        assert_eq!(
            [next(2), next(2), next(2), next(2)],
            ["01", "23", "4", "01"]
        );
        assert_eq!(next(5), "01234", "there is room for all");
    }
}
