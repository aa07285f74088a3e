//! Runs workflows: launch, drive one execution, replay, recovery, queues, waiting for results.

mod asleep;
mod authorization;
mod beside;
mod called;
mod completions;
mod debounce;
mod dispatch;
mod divergence;
mod driver;
mod dry;
mod execution;
mod explained;
mod guard;
mod launch;
mod lease;
mod management;
mod notify;
mod options;
mod queues;
mod registry;
mod retry;
mod scheduler;
mod schedules;
mod served_queue;
mod start;
mod timers;
mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

pub(crate) use asleep::IN_MEMORY;
pub(crate) use completions::Slot;
pub(crate) use debounce::{Debounce, Debounced, debounced};
pub(crate) use driver::panic_text;
pub(crate) use dry::DryEnd;
pub use dry::OpenCall;
pub(crate) use execution::{Carried, Execution, Stop};
pub(crate) use explained::Watched;
pub use guard::ForeignWakes;
pub(crate) use launch::Settings;
pub(crate) use management::queue_or_internal;
pub(crate) use notify::payload;
pub use options::DuplicationPolicy;
pub(crate) use options::{StartOptions, Timeout, milliseconds};
pub(crate) use registry::{Registered, Registry};
pub(crate) use retry::patiently;
pub(crate) use schedules::ScheduleChange;
pub(crate) use start::{StartRequest, Target};

use crate::journal::Journal;
use crate::state::States;
use crate::store::{Identity, Recovered, Recovery, Store, StoreResult};
use crate::task::JoinHandle;
use asleep::Asleep;
use completions::Completions;
use lease::Tenancy;
use notify::Notifier;
use queues::Queues;
use timers::Timers;

/// The queue on which DBOS puts what has no queue of its own: recovered, resumed and forked workflows.
pub(crate) const INTERNAL_QUEUE: &str = "_dbos_internal_queue";

/// Everything that a launched runtime shares.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Journal,
    pub(crate) registry: Registry,
    pub(crate) identity: Identity,
    pub(crate) completions: Completions,
    pub(crate) notifier: Notifier,
    pub(crate) states: Arc<States>,
    /// It only connects: it runs no workflows, and what it starts has no executor.
    pub(crate) is_client: bool,
    /// What happens when the code of a workflow waits for something that is no durable call.
    foreign_wakes: ForeignWakes,
    /// Told when this process changed a schedule.
    schedules_changed: Notify,
    queues: Queues,
    running: Mutex<BTreeMap<String, Arc<Execution>>>,
    /// What sleeps and is not in memory. It counts as running.
    asleep: Asleep,
    /// Longer sleeps leave memory.
    sleep_in_memory: Duration,
    timers: Timers,
    tenancy: Tenancy,
    /// Keeps the lease of this process, and releases it in the end.
    keeper: Mutex<Option<JoinHandle<()>>>,
    /// Woken whenever an execution ends.
    ended: Notify,
    phase: watch::Sender<Phase>,
}

/// How far the runtime is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Takes work.
    Open,
    /// Takes no new work from queues; what runs may finish.
    Draining,
    /// Runs nothing more.
    Stopped,
}

impl Engine {
    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Execution>>> {
        // Insertions and removals leave the map whole even if a panic interrupts their caller.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that an execution begins. An earlier one of the same workflow lost it to this one, and ends.
    fn begins(&self, execution: &Arc<Execution>) {
        let earlier = {
            let mut running = self.running();
            // Never in neither place: whoever looks for it would take it for ended.
            let earlier = running.insert(execution.workflow_id.clone(), Arc::clone(execution));
            self.asleep.forget(&execution.workflow_id);
            earlier
        };
        if let Some(earlier) = earlier {
            earlier.stop(Stop::Fenced);
        }
        if let Some(deadline) = execution.deadline {
            self.due_at(deadline);
        }
    }

    /// Puts the interrupted workflows of executors back on their queues, and says which.
    pub(crate) async fn recover(&self, recovery: &Recovery<'_>) -> StoreResult<Vec<String>> {
        let recovered = self.store.reenqueue(recovery).await?;
        let workflow_id = |workflow: Recovered| {
            self.wake_queue(&workflow.queue);
            workflow.workflow_id
        };
        Ok(recovered.into_iter().map(workflow_id).collect())
    }

    /// Takes note that an execution ended, which may have lost its place to a later one.
    fn ends(&self, execution: &Arc<Execution>) {
        let mut running = self.running();
        if running
            .get(&execution.workflow_id)
            .is_some_and(|current| Arc::ptr_eq(current, execution))
        {
            running.remove(&execution.workflow_id);
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Completes when the runtime reaches `phase`.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        // The sender lives as long as the engine, so this ends only by the phase being reached.
        let _ = phases.wait_for(|now| *now >= phase).await;
    }

    /// Stops without waiting: nothing new begins and every execution ends at its next await. What was recorded stays.
    pub(crate) fn stop(&self) {
        self.phase.send_if_modified(|phase| {
            let before = *phase;
            *phase = Phase::Stopped;
            before != Phase::Stopped
        });
        let running: Vec<_> = self.running().values().cloned().collect();
        for execution in running {
            execution.stop(Stop::Shutdown);
        }
        self.asleep.forget_all();
        self.ended.notify_waiters();
    }

    /// Takes no new work, lets running workflows finish for at most `grace`, then stops and commits what was recorded.
    pub(crate) async fn shutdown(&self, grace: std::time::Duration) {
        self.phase.send_if_modified(|phase| {
            let open = *phase == Phase::Open;
            if open {
                *phase = Phase::Draining;
            }
            open
        });
        let unfinished = crate::clock::timeout(grace, self.idle()).await.is_none();
        if unfinished {
            tracing::info!(
                workflows = self.running().len() + self.asleep.len(),
                "stopping workflows that did not finish in time; they go on at the next launch"
            );
        }
        self.stop();
        self.idle().await;
        self.journal.close().await;
        self.tell_others().await;
        let keeper = self
            .keeper
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(keeper) = keeper
            && let Err(error) = keeper.await
        {
            tracing::error!(%error, "the keeper of the lease ended abnormally");
        }
        self.store.close().await;
    }

    /// Completes when nothing runs here.
    async fn idle(&self) {
        loop {
            let ended = self.ended.notified();
            let is_idle = {
                let running = self.running();
                running.is_empty() && self.asleep.is_empty()
            };
            if is_idle {
                return;
            }
            ended.await;
        }
    }
}
