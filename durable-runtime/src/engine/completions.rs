//! Waiting for workflows to finish, whoever runs them.
//!
//! A workflow that ends in this process wakes its waiters at once, and those in other processes by a notification.
//! Besides, one statement a second asks the database, for all workflows together that are awaited or run here: other
//! SDKs send no notification.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
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
    slots: Mutex<HashMap<String, Weak<Slot>>>,
    /// How often finished workflows were let go on from here; changed and compared under the lock of the slots.
    revivals: AtomicU64,
    ask: Notify,
}

impl Completions {
    fn slots(&self) -> MutexGuard<'_, HashMap<String, Weak<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Asks the database now rather than within a second: the workflow may have ended already.
    pub(crate) fn ask_now(&self) {
        self.ask.notify_one();
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
                return self.ask_now();
            }
            slots.remove(workflow_id)
        };
        if let Some(slot) = slot.and_then(|slot| slot.upgrade()) {
            slot.outcome.send_replace(Some(Arc::new(finished)));
        }
    }

    /// Another process tells that workflows ended.
    pub(super) fn may_have_ended(&self, workflow_ids: &[String]) {
        let slots = self.slots();
        let awaited = workflow_ids.iter().any(|id| slots.contains_key(id));
        drop(slots);
        if awaited {
            self.ask_now();
        }
    }

    /// A workflow ended.
    pub(crate) fn finish(&self, workflow_id: &str, finished: Finished) {
        let slot = self.slots().remove(workflow_id);
        if let Some(slot) = slot.and_then(|slot| slot.upgrade()) {
            slot.outcome.send_replace(Some(Arc::new(finished)));
        }
    }

    /// The workflows that somebody waits for.
    fn awaited(&self) -> Vec<String> {
        let mut slots = self.slots();
        slots.retain(|_, slot| slot.strong_count() > 0);
        let empty = |slot: &Weak<Slot>| slot.upgrade().is_some_and(|slot| slot.is_empty());
        slots
            .iter()
            .filter(|(_, slot)| empty(slot))
            .map(|(id, _)| id.clone())
            .collect()
    }
}

/// Asks the database, until the engine stops, about the workflows that are awaited, whoever runs them, and about those
/// that run here: one that was cancelled or finished by somebody else ends where it waits.
pub(super) async fn poll(engine: Arc<Engine>) {
    /// Ids in one statement.
    const CHUNK: usize = 1000;
    loop {
        tokio::select! {
            () = clock::sleep(POLL) => {}
            () = engine.completions.ask.notified() => {}
            () = engine.reached(Phase::Stopped) => return,
        }
        // Those that run before the question is asked: one that begins meanwhile is not what the answer is about.
        let running = engine.running().clone();
        let mut ids: BTreeSet<_> = running.keys().cloned().collect();
        ids.extend(engine.completions.awaited());
        let ids: Vec<_> = ids.into_iter().collect();
        for ids in ids.chunks(CHUNK) {
            let revivals = engine.completions.revivals();
            match engine.store.finished(ids).await {
                Ok(ended) => ended.into_iter().for_each(|(id, finished)| {
                    if let Some(execution) = running.get(&id) {
                        execution.stop(Stop::Fenced);
                    }
                    engine.completions.finish_as_read(&id, finished, revivals);
                }),
                Err(error) => {
                    tracing::warn!(%error, "cannot ask for the outcome of workflows; asking again")
                }
            }
        }
    }
}
