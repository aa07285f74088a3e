//! Deadlines and delays: what is due is looked for every second, with the search for work or without it, and settled at
//! its moment.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::execution::{Execution, Stop};
use super::{Engine, Phase};
use crate::clock::{self, Instant};
use crate::store::{Finished, StoreResult};

/// How often is looked at least.
const PERIOD: Duration = Duration::from_secs(1);
const PERIOD_MS: i64 = 1_000;
/// How far a search for work looks ahead: past the next search.
pub(super) const HORIZON_MS: i64 = 2 * PERIOD_MS;
/// As long as searches for work look ahead at least this often, nothing else does.
const RECENT: Duration = Duration::from_millis(1_500);
/// And at most, however many deadlines there are.
const PAUSE: Duration = Duration::from_millis(20);
/// When to look again at something due that another process holds at this moment.
const HELD: Duration = Duration::from_millis(100);

/// The deadlines and delays that this process brought into the world, as far as they end before the next look that
/// would find them anyway.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// In milliseconds since the Unix epoch.
    times: Mutex<BTreeSet<i64>>,
    noted: Notify,
    /// When a search for work last looked ahead.
    looked: Mutex<Option<Instant>>,
}

impl Timers {
    fn times(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True while searches for work look ahead.
    fn is_told(&self) -> bool {
        let looked = *self.looked();
        looked.is_some_and(|looked| clock::instant().duration_since(looked) < RECENT)
    }

    /// Completes after `longest`, or when something that was noted is due.
    async fn due(&self, longest: Duration) {
        clock::sleep(PAUSE).await;
        let mut longest = pin!(clock::sleep(longest.saturating_sub(PAUSE)));
        loop {
            let noted = self.noted.notified();
            let next = self.times().first().copied();
            let left = next.map_or(i64::MAX, |next| next.saturating_sub(clock::now_ms()));
            let Ok(left @ 1..) = u64::try_from(left) else {
                return;
            };
            tokio::select! {
                () = &mut longest => match self.is_told() {
                    true => longest.set(clock::sleep(PERIOD)),
                    false => return,
                },
                () = clock::sleep(Duration::from_millis(left)) => {}
                () = noted => {}
            }
        }
    }

    /// Forgets what the look that begins now will see.
    fn begin(&self) {
        let mut times = self.times();
        *times = times.split_off(&clock::now_ms().saturating_add(1));
    }
}

impl Engine {
    /// A search for work tells in how many milliseconds something is due.
    pub(super) fn looked_ahead(&self, next_due: Option<i64>) {
        *self.timers.looked() = Some(clock::instant());
        if let Some(next) = next_due {
            self.due_at(clock::now_ms().saturating_add(next.max(0)));
        }
    }

    /// Takes note of a deadline, or of the end of a delay, of a workflow that is in the database or about to be.
    pub(crate) fn due_at(&self, time_ms: i64) {
        if time_ms < clock::now_ms().saturating_add(HORIZON_MS) && !self.is_client {
            let is_new = self.timers.times().insert(time_ms);
            if is_new {
                self.timers.noted.notify_one();
            }
        }
    }

    /// Does what is due; says when to look again.
    async fn settle_due(&self) -> StoreResult<Duration> {
        self.timers.begin();
        let mut wait = PERIOD;
        while let Some(next) = self.store.next_due(&self.identity, PERIOD_MS).await? {
            if let Ok(next @ 1..) = u64::try_from(next) {
                wait = Duration::from_millis(next);
                break;
            }
            // Only what runs now: what is cancelled here may be resumed, and run again, before it is stopped.
            let running = self.executions();
            let Some(due) = self.store.settle_due(&self.identity).await? else {
                wait = HELD;
                break;
            };
            for workflow_id in &due.cancelled {
                tracing::info!(workflow_id, "a workflow is cancelled at its deadline");
                stop(&running, workflow_id);
                self.completions.finish(workflow_id, Finished::Cancelled);
            }
            due.promoted.iter().for_each(|queue| self.wake_queue(queue));
            if due.cancelled.is_empty() && due.promoted.is_empty() {
                wait = HELD;
                break;
            }
        }
        self.stop_overdue().await?;
        Ok(wait)
    }

    /// Stops what another process cancelled at its deadline.
    async fn stop_overdue(&self) -> StoreResult<()> {
        let now = clock::now_ms();
        let overdue = |execution: &Arc<Execution>| execution.deadline.is_some_and(|at| at <= now);
        let mut overdue: Vec<_> = self.executions().into_iter().filter(overdue).collect();
        overdue.retain(|execution| !execution.is_stopped());
        self.stop_lost(&overdue).await
    }
}

fn stop(running: &[Arc<Execution>], workflow_id: &str) {
    let runs = running
        .iter()
        .find(|execution| execution.workflow_id == workflow_id);
    if let Some(execution) = runs {
        execution.stop(Stop::Fenced);
    }
}

/// Looks for what is due until the runtime stops.
pub(super) async fn serve(engine: Arc<Engine>) {
    loop {
        let wait = engine.settle_due().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look for deadlines and delays; trying again");
            PERIOD
        });
        tokio::select! {
            () = engine.timers.due(wait) => {}
            () = engine.reached(Phase::Stopped) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, PERIOD, RECENT, Timers, clock};

    #[tokio::test]
    async fn while_searches_for_work_look_ahead_nothing_else_does() {
        let timers = Timers::default();
        assert!(!timers.is_told(), "nothing looked yet");

        *timers.looked() = Some(clock::instant());
        assert!(timers.is_told());
        assert!(
            RECENT > PERIOD.mul_f64(1.05),
            "a search may be late by its jitter"
        );

        *timers.looked() = clock::instant().checked_sub(RECENT);
        assert!(!timers.is_told());
        clock::timeout(Duration::from_secs(30), timers.due(Duration::ZERO))
            .await
            .expect("it looks for itself");
    }
}
