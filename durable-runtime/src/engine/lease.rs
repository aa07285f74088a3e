//! Keeps this process's lease alive, and takes over what processes leave behind whose lease ran out.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::completions::Cursor;
use super::execution::{Execution, Stop};
use super::{Engine, Phase};
use crate::clock::{self, Instant};
use crate::store::{Others, Recovery, StoreResult, TAKE_OVER_BATCH};
use crate::task::{self, JoinHandle};

/// How long a lease lasts when it is not renewed, by the clock of the database.
pub(super) const LENGTH: Duration = Duration::from_secs(6);
/// How often it is renewed: with a search for work that comes after so long, else by itself a little later.
const PERIOD: Duration = Duration::from_secs(2);
const WITH_SEARCH: Duration = Duration::from_millis(1_800);
const BY_ITSELF: Duration = Duration::from_millis(2_500);
/// How long a renewal may take, and how long one that failed is put off.
pub(super) const ANSWER: Duration = Duration::from_secs(4);
const RETRY: Duration = Duration::from_millis(500);
/// How long a shutdown waits for a database that does not answer. The lease then runs out by itself.
const RELEASE: Duration = Duration::from_secs(2);

pub(super) const LENGTH_MS: i64 = 6_000;

/// How many that run, and how many that sleep, are looked after with one renewal: of more, one after the other.
const RUNNING: usize = 4000;
const ASLEEP: usize = 1000;

/// The lease of this process, for those who renew it.
#[derive(Debug, Default)]
pub(super) struct Tenancy {
    state: Mutex<State>,
    told: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// This process, as the lease names it; nothing before the lease is kept.
    token: Option<String>,
    /// The last renewal.
    renewed: Option<Instant>,
    /// What a search for work learned by its renewal.
    learned: Option<Option<Others>>,
}

impl Tenancy {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token, if a search for work that begins now is to renew the lease.
    pub(super) fn wanted(&self, now: Instant) -> Option<String> {
        let state = self.state();
        let renewed = state.renewed?;
        let is_due = now.saturating_duration_since(renewed) >= WITH_SEARCH;
        state.token.clone().filter(|_| is_due)
    }

    /// A search for work renewed the lease, or found that another process has it.
    pub(super) fn renewed(&self, learned: Option<Others>) {
        let mut state = self.state();
        state.renewed = Some(clock::instant());
        state.learned = Some(learned);
        drop(state);
        self.told.notify_one();
    }

    /// Completes when a search for work renewed the lease. Cancel safe.
    async fn learned(&self) -> Option<Others> {
        loop {
            if let Some(learned) = self.state().learned.take() {
                return learned;
            }
            self.told.notified().await;
        }
    }
}

/// Keeps the lease that the launch took, until the runtime stops and nothing runs any more; then releases it.
pub(super) fn keep(engine: Arc<Engine>, token: String) -> JoinHandle<()> {
    {
        let mut state = engine.tenancy.state();
        state.token = Some(token.clone());
        state.renewed = Some(clock::instant());
    }
    task::spawn(async move {
        let mut keeper = Keeper {
            engine: Arc::clone(&engine),
            token,
            renewed: clock::instant(),
            may_judge_from: clock::instant(),
            superseded: false,
            seen: HashSet::new(),
            running: Cursor::default(),
            asleep: None,
        };
        // What others left behind is taken over at once.
        let mut wait = Duration::ZERO;
        loop {
            let learned = tokio::select! {
                () = clock::sleep(wait) => None,
                learned = engine.tenancy.learned() => Some(learned),
                () = engine.reached(Phase::Stopped) => break,
            };
            let looked = match learned {
                None => keeper.look().await,
                Some(learned) => keeper.tend(learned).await,
            };
            wait = looked.unwrap_or_else(|error| {
                tracing::warn!(%error, "the lease of this process cannot be kept; trying again");
                RETRY
            });
        }
        engine.idle().await;
        keeper.release().await;
    })
}

struct Keeper {
    engine: Arc<Engine>,
    /// This process, as the lease names it.
    token: String,
    renewed: Instant,
    /// Before that, a lease that ran out proves nothing.
    may_judge_from: Instant,
    /// Another process has the lease of this executor id.
    superseded: bool,
    /// The tokens of what ran at the last look.
    seen: HashSet<String>,
    running: Cursor,
    asleep: Option<Arc<str>>,
}

impl Keeper {
    /// Renews the lease and does what is to be done; says when to look again.
    async fn look(&mut self) -> StoreResult<Duration> {
        let engine = Arc::clone(&self.engine);
        let identity = &engine.identity;
        let renewal = engine.store.renew_lease(identity, &self.token, LENGTH_MS);
        let Some(renewed) = clock::timeout(ANSWER, renewal).await else {
            tracing::warn!(
                "the database does not answer the renewal of this process's lease; trying again"
            );
            return Ok(RETRY);
        };
        let renewed = renewed?;
        engine.tenancy.state().renewed = Some(clock::instant());
        self.tend(renewed).await
    }

    /// Does what is to be done after a renewal; says when to look again.
    async fn tend(&mut self, renewed: Option<Others>) -> StoreResult<Duration> {
        let now = clock::instant();
        if now.duration_since(self.renewed) > LENGTH - PERIOD {
            // The database was away, or this process stood still. It may have been so for the others, too: they have
            // as long as a lease lasts to come back.
            self.may_judge_from = now + LENGTH;
        }
        self.renewed = now;
        let mut all = true;
        match renewed {
            None => self.is_superseded(),
            Some(others) => {
                self.is_alive().await?;
                all = self.take_over(others).await?;
            }
        }
        self.stop_lost().await?;
        if !all {
            return Ok(Duration::ZERO);
        }
        let next = renewed.and_then(|others| others.next_ms);
        let next = next.map_or(BY_ITSELF, |next| {
            Duration::from_millis(u64::try_from(next).unwrap_or_default().saturating_add(5))
        });
        Ok(next.min(BY_ITSELF))
    }

    fn is_superseded(&mut self) {
        if !self.superseded {
            tracing::error!(
                executor_id = self.engine.identity.executor_id,
                "another process was launched with this executor id and took up what this one was running; give each process an id of its own"
            );
        }
        self.superseded = true;
    }

    /// The lease is ours. If it was another's before, that one is gone, and left things behind under our id.
    async fn is_alive(&mut self) -> StoreResult<()> {
        if !self.superseded {
            return Ok(());
        }
        let running = self.engine.executions();
        let spare = running.iter().map(|execution| execution.token.clone());
        let spare: Vec<_> = spare.chain(self.engine.asleep.tokens()).collect();
        let executor_ids = [self.engine.identity.executor_id.clone()];
        let recovery = Recovery {
            spare: &spare,
            ..Recovery::of(&executor_ids, &self.engine.identity)
        };
        let recovered = self.engine.store.reenqueue(&recovery).await?;
        recovered
            .iter()
            .for_each(|workflow| self.engine.wake_queue(&workflow.queue));
        self.superseded = false;
        Ok(())
    }

    /// Takes over what dead executors left behind; false when there may be more.
    async fn take_over(&self, others: Others) -> StoreResult<bool> {
        if others.dead == 0 || clock::instant() < self.may_judge_from {
            return Ok(true);
        }
        let queues = self.engine.store.take_over(&self.engine.identity).await?;
        if !queues.is_empty() {
            tracing::info!(
                workflows = queues.len(),
                "workflows of executors whose lease ran out go on elsewhere"
            );
        }
        queues
            .iter()
            .for_each(|queue| self.engine.wake_queue(queue));
        self.engine.store.forget_leases().await?;
        Ok(queues.len() < TAKE_OVER_BATCH)
    }

    /// Stops what runs here and belongs to somebody else by now: cancelled, resumed or taken over. What is younger than
    /// the last look learns that from its next record, or at the next look.
    async fn stop_lost(&mut self) -> StoreResult<()> {
        let (running, some): (Vec<_>, Vec<_>) = {
            let running = self.engine.running();
            let some = self.running.next(&running, RUNNING).into_iter();
            let tokens = running.values().map(|execution| execution.token.clone());
            (
                tokens.collect(),
                some.map(|(_, it)| Arc::clone(it)).collect(),
            )
        };
        let (older, _): (Vec<_>, Vec<_>) = some
            .into_iter()
            .partition(|execution| self.seen.contains(&execution.token));
        self.engine.stop_lost(&older).await?;
        self.seen = running.into_iter().collect();
        self.engine.look_after_some(&mut self.asleep, ASLEEP).await
    }

    async fn release(&self) {
        let identity = &self.engine.identity;
        let released = self.engine.store.release_lease(identity, &self.token);
        let problem = match clock::timeout(RELEASE, released).await {
            Some(Ok(())) => return,
            Some(Err(error)) => error.to_string(),
            None => "the database does not answer".to_owned(),
        };
        tracing::warn!(problem, "the lease of this process runs out by itself");
    }
}

impl Engine {
    /// What runs here now.
    pub(super) fn executions(&self) -> Vec<Arc<Execution>> {
        self.running().values().cloned().collect()
    }

    /// Stops those of the executions that no longer own their workflow.
    pub(super) async fn stop_lost(&self, executions: &[Arc<Execution>]) -> StoreResult<()> {
        /// Executions in one statement.
        const CHUNK: usize = 1000;
        for executions in executions.chunks(CHUNK) {
            let pairs = executions.iter();
            let pairs: Vec<_> = pairs
                .map(|execution| (execution.workflow_id.as_str(), execution.token.as_str()))
                .collect();
            let lost: HashSet<_> = self.store.lost(&pairs).await?.into_iter().collect();
            let lost = executions
                .iter()
                .filter(|execution| lost.contains(&execution.workflow_id));
            lost.for_each(|execution| execution.stop(Stop::Fenced));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Others, Tenancy, WITH_SEARCH, clock};

    #[tokio::test]
    async fn every_other_search_of_one_a_second_renews_the_lease() {
        let tenancy = Tenancy::default();
        assert_eq!(
            tenancy.wanted(clock::instant()),
            None,
            "no lease is kept yet"
        );
        tenancy.state().token = Some("ours".to_owned());
        tenancy.renewed(None);
        let renewed = tenancy.state().renewed.expect("it was renewed");

        let after = |milliseconds| tenancy.wanted(renewed + Duration::from_millis(milliseconds));
        assert_eq!(after(1_050), None);
        assert_eq!(after(1_900), Some("ours".to_owned()));
        assert!(WITH_SEARCH < super::BY_ITSELF && super::BY_ITSELF * 2 < super::LENGTH);
    }

    #[tokio::test]
    async fn the_keeper_learns_what_a_search_learned_from_its_renewal() {
        let tenancy = Tenancy::default();
        let others = Others {
            dead: 2,
            next_ms: Some(7),
        };
        tenancy.renewed(Some(others));

        let learned = tenancy
            .learned()
            .await
            .map(|others| (others.dead, others.next_ms));
        assert_eq!(learned, Some((2, Some(7))));
        tenancy.renewed(None);
        assert!(tenancy.learned().await.is_none(), "another process has it");
    }
}
