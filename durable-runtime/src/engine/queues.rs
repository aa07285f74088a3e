//! The queues that this process serves: those that are in the database.
//!
//! One statement a second reads the table of queues and tells which of them have work, for all together; a queue with
//! a shorter polling interval has it asked more often, one with a longer interval is left out in between. What this
//! process enqueues itself is taken up at once. The statement tells as well when the next deadline or delay ends, and
//! every other one renews the lease of this process: an idle process sends nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::served_queue::ServedQueue;
use super::{Engine, Phase, lease, timers, worker};
use crate::error::{Error, Result};
use crate::store::{Lease, Search, Served};
use crate::{clock, ids, task};

/// How often the table of queues is read.
const RESCAN: Duration = Duration::from_secs(1);
/// The longest wait after a failing database.
const LONGEST: Duration = Duration::from_secs(10);

/// The queues that this process serves.
#[derive(Debug, Default)]
pub(super) struct Queues {
    /// Serves no others than these, and the internal one.
    listen: Option<Vec<String>>,
    states: Mutex<HashMap<String, Arc<ServedQueue>>>,
    /// One reading of the table at a time: an earlier one must not undo what a later one found.
    scanning: tokio::sync::Mutex<()>,
}

impl Queues {
    pub(super) fn new(listen: Option<Vec<String>>) -> Self {
        Self {
            listen,
            ..Self::default()
        }
    }

    fn states(&self) -> MutexGuard<'_, HashMap<String, Arc<ServedQueue>>> {
        // Insertions and removals leave the map whole even if a panic interrupts their caller.
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long until a queue is to be polled, or the table to be read.
    fn wait(&self) -> Duration {
        let now = clock::instant();
        let waits = self.states().values().map(|queue| queue.wait(now)).min();
        // Processes that started together do not ask together.
        waits
            .map_or(RESCAN, |wait| wait.min(RESCAN))
            .mul_f64(0.95 + ids::fraction() / 10.0)
    }
}

impl Engine {
    /// Tells the queue that there is work, if this process serves it.
    pub(super) fn wake_queue(&self, name: &str) {
        let queue = self.queues.states().get(name).cloned();
        if let Some(queue) = queue {
            queue.wake();
        }
    }

    /// Tells every queue that there may be work.
    pub(super) fn wake_queues(&self) {
        let queues: Vec<_> = self.queues.states().values().cloned().collect();
        queues.iter().for_each(|queue| queue.wake());
    }

    /// Takes note of the queues as they are in the database, and wakes those that have work.
    pub(crate) async fn rescan_queues(self: &Arc<Self>) -> Result<()> {
        match self.is_client {
            true => Ok(()),
            false => self.search(false).await,
        }
    }

    /// Looks for work. With `tends` the lease is renewed on this occasion, if it is time.
    async fn search(self: &Arc<Self>, tends: bool) -> Result<()> {
        let _turn = self.queues.scanning.lock().await;
        let now = clock::instant();
        let skip: Vec<String> = {
            let states = self.queues.states();
            let skipped = states.iter().filter(|(_, queue)| !queue.is_due(now));
            skipped.map(|(name, _)| name.clone()).collect()
        };
        let token = tends.then(|| self.tenancy.wanted(now)).flatten();
        let search = Search {
            identity: &self.identity,
            skip: &skip,
            listen: self.queues.listen.as_deref(),
            horizon_ms: timers::HORIZON_MS,
            lease: token.as_deref().map(|token| Lease {
                token,
                length_ms: lease::LENGTH_MS,
            }),
        };
        let found = match token {
            None => self.store.scan(&search).await?,
            Some(_) => match clock::timeout(lease::ANSWER, self.store.scan(&search)).await {
                Some(found) => found?,
                None => return Err(Error::Setup("the database does not answer".to_owned())),
            },
        };
        self.take_note(found.queues, &skip);
        self.looked_ahead(found.next_due);
        if let Some(renewed) = found.renewed {
            self.tenancy.renewed(renewed);
        }
        Ok(())
    }

    fn take_note(self: &Arc<Self>, found: Vec<Served>, skipped: &[String]) {
        let now = clock::instant();
        let mut states = self.queues.states();
        let mut gone = std::mem::take(&mut *states);
        for Served { queue, has_work } in found {
            let name = queue.name().to_owned();
            let state = gone.remove(&name).unwrap_or_else(|| {
                let state = ServedQueue::new(queue.clone(), now);
                task::spawn(worker::serve(Arc::clone(self), Arc::clone(&state)));
                state
            });
            state.update(queue);
            if !skipped.contains(&name) {
                state.polled(has_work, now);
            }
            states.insert(name, state);
        }
        for (name, state) in gone {
            // What still runs counts if the queue comes back.
            if state.withdraw() {
                states.insert(name, state);
            }
        }
    }
}

/// Looks for work until the runtime shuts down.
pub(super) async fn scan(engine: Arc<Engine>) {
    let mut wait = engine.queues.wait();
    loop {
        tokio::select! {
            () = clock::sleep(wait) => {}
            () = engine.reached(Phase::Draining) => return,
        }
        wait = match engine.search(true).await {
            Ok(()) => engine.queues.wait(),
            Err(error) => {
                tracing::warn!(%error, "cannot look for work on the queues; trying again");
                (wait.max(RESCAN) * 2).min(LONGEST)
            }
        };
    }
}
