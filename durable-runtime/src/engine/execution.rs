//! One attempt to run one workflow: its positions, its history, and the records it has not yet made durable.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::task::AtomicWaker;
use tokio::sync::{Notify, oneshot};

use super::beside::Arrivals;
use super::called::Called;
use super::dry::Dry;
use super::guard::{ForeignWakes, Guard};
use super::served_queue::{Seat, ServedQueue};
use super::{Engine, Registered};
use crate::error::Error;
use crate::queue::Queue;
use crate::store::{Outcome, Record, StepRow};
use crate::value::Format;

/// Why an execution ends before its workflow does. Workflow code never sees it: the future is dropped where it waits.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    /// The workflow was cancelled, finished elsewhere, or taken over: whatever this execution still does is void.
    Fenced,
    /// The runtime is shutting down.
    Shutdown,
    /// The workflow cannot go on, and ends with this error.
    Failed(Error),
}

/// A record that waits to be made durable.
#[derive(Debug)]
pub(crate) struct Pending {
    sequence: u64,
    pub(crate) record: Record,
    /// The result of a pure step: it may wait for the next commit that happens anyway.
    pure: bool,
    /// Where the outcome goes, when the call needs to know it.
    reply: Option<oneshot::Sender<Outcome>>,
}

#[derive(Debug)]
pub(super) struct State {
    /// The number of the last call made.
    pub(super) position: i32,
    /// What was recorded before and not asked for yet.
    pub(super) history: BTreeMap<i32, StepRow>,
    /// The number of the last record that there was.
    pub(super) last_recorded: i32,
    /// A call was made that has no record: the workflow does something that it had not finished before.
    pub(super) is_live: bool,
    pending: Vec<Pending>,
    next_sequence: u64,
    /// Records that are not yet durable, pending or on their way.
    outstanding: BTreeSet<u64>,
    /// How many calls wait until records are durable.
    waiting: usize,
    /// How many pure step bodies run.
    pure_running: usize,
    /// When the sleeps end that the workflow waits for, by their positions.
    sleeping: BTreeMap<i32, i64>,
    /// How many bytes its records have.
    recorded_bytes: usize,
    stop: Option<Stop>,
}

/// What there is to know of an execution that does nothing but sleep.
#[derive(Debug)]
pub(super) struct Sleeps {
    /// When the first of them ends.
    pub(super) until: i64,
    /// How many calls were made.
    pub(super) calls: i64,
    /// How many bytes were recorded.
    pub(super) bytes: i64,
}

/// What an execution begins with.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) workflow: Registered,
    pub(crate) workflow_id: String,
    pub(crate) token: String,
    pub(crate) deadline: Option<i64>,
    pub(crate) caller: CallerIdentity,
    /// The format that its outcome is written in.
    pub(crate) format: Format,
    pub(crate) history: Vec<StepRow>,
    /// Its place among the workflows of its queue that run here.
    pub(crate) seat: Option<Seat>,
}

/// On whose behalf a workflow runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallerIdentity {
    pub(crate) user: Option<String>,
    /// The role that allowed it.
    pub(crate) role: Option<String>,
    /// A JSON array of strings.
    pub(crate) roles: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) engine: Arc<Engine>,
    pub(crate) workflow: Registered,
    pub(crate) workflow_id: String,
    /// The `owner_xid` of this attempt.
    pub(crate) token: String,
    /// When it is cancelled, in milliseconds since the Unix epoch.
    pub(crate) deadline: Option<i64>,
    pub(crate) caller: CallerIdentity,
    /// The format that its outcome is written in.
    pub(crate) format: Format,
    state: Mutex<State>,
    /// Held while a message is taken: two receivers never take the same one.
    pub(crate) receiving: tokio::sync::Mutex<()>,
    /// A stream is being read.
    pub(crate) reading: AtomicBool,
    pub(crate) called: Called,
    settled: Notify,
    stop_waker: AtomicWaker,
    /// None where the code may wait for what it likes.
    pub(super) guard: Option<Guard>,
    /// Calls that are to run beside the code.
    pub(super) spawned: Arrivals,
    seat: Mutex<Option<Seat>>,
    /// It only follows its records, and does nothing.
    pub(super) dry: Option<Dry>,
}

impl Execution {
    pub(super) fn new(engine: Arc<Engine>, attempt: Attempt) -> Arc<Self> {
        Self::with(engine, attempt, None)
    }

    pub(super) fn with(engine: Arc<Engine>, attempt: Attempt, dry: Option<Dry>) -> Arc<Self> {
        let history = attempt.history.into_iter();
        let foreign = match dry.is_some() || attempt.workflow.code.awaits_others() {
            true => ForeignWakes::Ignore,
            false => engine.foreign_wakes,
        };
        let history: BTreeMap<_, _> = history.map(|row| (row.position, row)).collect();
        let recorded_bytes = history.values().map(StepRow::size).sum();
        let last_recorded = history.keys().next_back().copied().unwrap_or_default();
        Arc::new(Self {
            engine,
            workflow: attempt.workflow,
            workflow_id: attempt.workflow_id,
            token: attempt.token,
            deadline: attempt.deadline,
            caller: attempt.caller,
            format: attempt.format,
            state: Mutex::new(State {
                position: 0,
                history,
                last_recorded,
                is_live: false,
                pending: Vec::new(),
                next_sequence: 0,
                outstanding: BTreeSet::new(),
                waiting: 0,
                pure_running: 0,
                sleeping: BTreeMap::new(),
                recorded_bytes,
                stop: None,
            }),
            receiving: tokio::sync::Mutex::new(()),
            reading: AtomicBool::new(false),
            called: Called::default(),
            settled: Notify::new(),
            stop_waker: AtomicWaker::new(),
            guard: Guard::new(foreign),
            spawned: Arrivals::new(),
            seat: Mutex::new(attempt.seat),
            dry,
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // No code of a user's runs under this lock; every change leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next position: calls are numbered from 1, in the order in which the workflow makes them.
    pub(crate) fn claim_position(&self) -> i32 {
        let mut state = self.state();
        state.position += 1;
        state.position
    }

    /// Gives a position back that turned out not to be needed, if no other was taken since.
    pub(crate) fn return_position(&self, position: i32) {
        let mut state = self.state();
        if state.position == position {
            state.position -= 1;
        }
    }

    /// Takes the next position if this marker is recorded there, or if nothing is and the marker may be `new`.
    /// `None`: not taken. `Some(None)`: it is recorded. `Some(Some(position))`: it is to be recorded there.
    pub(crate) fn claim_marker(&self, marker: &str, new: bool) -> Option<Option<i32>> {
        let mut state = self.state();
        let position = state.position + 1;
        let found = match state.history.get(&position) {
            Some(row) if row.name == marker => {
                state.history.remove(&position);
                None
            }
            Some(_) => return None,
            None if new => {
                state.is_live = true;
                Some(position)
            }
            None => return None,
        };
        state.position = position;
        Some(found)
    }

    /// What was recorded at a position, on a replay. A record of another call ends the execution: this never returns.
    /// Nor does it in a dry run, when nothing is recorded: the call would begin here.
    pub(crate) async fn recorded(
        &self,
        position: i32,
        called: &str,
        location: &Location<'_>,
    ) -> Option<StepRow> {
        let row = self.looked_up(position, called, location).await;
        match (&self.dry, row) {
            (Some(dry), None) => {
                dry.stays_at(self.open_call(position, called, location))
                    .await
            }
            (_, row) => row,
        }
    }

    /// As [`Self::recorded`], for a call that does nothing itself: a dry run goes on in it.
    pub(crate) async fn looked_up(
        &self,
        position: i32,
        called: &str,
        location: &Location<'_>,
    ) -> Option<StepRow> {
        self.called.note(position, called);
        let row = {
            let mut state = self.state();
            let row = state.history.remove(&position);
            state.is_live |= row.is_none();
            row?
        };
        if row.name == called {
            return Some(row);
        }
        self.fail(self.unexpected(position, row.name, called, location))
            .await
    }

    /// A call's place in the source, with its site in the workflow where it has one.
    pub(super) fn place(&self, location: &Location<'_>) -> String {
        match self.workflow.code.site(location) {
            Some(site) => format!("{location} ({})", site.label),
            None => location.to_string(),
        }
    }

    /// True when the call at a position has no record, and would begin now.
    pub(crate) fn begins_at(&self, position: i32) -> bool {
        let mut state = self.state();
        let begins = !state.history.contains_key(&position);
        state.is_live |= begins;
        begins && self.dry.is_none()
    }

    /// Ends the execution with an error that its code cannot catch.
    pub(crate) async fn fail<T>(&self, error: Error) -> T {
        self.stop(Stop::Failed(error));
        std::future::pending().await
    }

    /// Ends the execution. The first reason counts.
    pub(crate) fn stop(&self, stop: Stop) {
        if matches!(stop, Stop::Fenced) {
            // It no longer counts for its queue, even if its code takes a while to notice.
            self.leave_seat();
        }
        self.state().stop.get_or_insert(stop);
        self.stop_waker.wake();
    }

    /// Lets another workflow of the queue begin in its place.
    pub(super) fn leave_seat(&self) {
        drop(self.take_seat());
    }

    pub(super) fn take_seat(&self) -> Option<Seat> {
        self.seat().take()
    }

    /// The queue whose next workflow is to take the place of this one.
    pub(super) fn succession(&self) -> Option<(Queue, Arc<ServedQueue>)> {
        self.seat().as_ref().and_then(Seat::succession)
    }

    fn seat(&self) -> MutexGuard<'_, Option<Seat>> {
        // It is only taken out, which leaves it whole.
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when it ends before its workflow does.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stop.is_some()
    }

    pub(super) fn stopped(&self, context: &std::task::Context<'_>) -> Option<Stop> {
        self.stop_waker.register(context.waker());
        self.state().stop.clone()
    }

    /// The error that the workflow ends with whatever its code says, if there is one.
    pub(super) fn failure(&self) -> Option<Error> {
        match &self.state().stop {
            Some(Stop::Failed(error)) => Some(error.clone()),
            _ => None,
        }
    }

    /// Hands a record over. It becomes durable with the next commit; [`Self::durable`] waits for that.
    pub(crate) fn record(
        &self,
        record: Record,
        pure: bool,
        reply: Option<oneshot::Sender<Outcome>>,
    ) {
        if self.dry.is_some() {
            return;
        }
        let mut state = self.state();
        state.recorded_bytes = state.recorded_bytes.saturating_add(record.size());
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        state.outstanding.insert(sequence);
        state.pending.push(Pending {
            sequence,
            record,
            pure,
            reply,
        });
    }

    /// Completes when every record handed over before is durable: the gate in front of each effect. Cancel safe.
    pub(crate) async fn durable(&self) {
        let mark = self.state().next_sequence;
        self.durable_except(mark, &BTreeSet::new()).await;
    }

    /// As [`Self::durable`], for records before `mark` that are not in `carried`.
    async fn durable_except(&self, mark: u64, carried: &BTreeSet<u64>) {
        let _waiting = Waiting::new(self);
        loop {
            let settled = self.settled.notified();
            if !self
                .state()
                .outstanding
                .range(..mark)
                .any(|sequence| !carried.contains(sequence))
            {
                return;
            }
            settled.await;
        }
    }

    /// Takes the pending records, to be committed with the rows of a transaction step, and waits for those that are
    /// already on their way.
    pub(crate) async fn carry(self: &Arc<Self>) -> Carried {
        let (pending, mark) = {
            let mut state = self.state();
            (std::mem::take(&mut state.pending), state.next_sequence)
        };
        let sequences = pending.iter().map(|pending| pending.sequence).collect();
        let carried = Carried {
            execution: Arc::clone(self),
            pending,
        };
        self.durable_except(mark, &sequences).await;
        carried
    }

    /// What to commit now, while the workflow waits for something: nothing if there is nothing, or if only results of
    /// pure steps are pending and another pure step runs, whose result they can wait for.
    pub(super) fn take_pending(&self) -> Vec<Pending> {
        let mut state = self.state();
        let only_pure = state.pending.iter().all(|pending| pending.pure);
        if only_pure && state.pure_running > 0 && state.waiting == 0 {
            return Vec::new();
        }
        std::mem::take(&mut state.pending)
    }

    /// What is left at the end of the workflow.
    pub(super) fn take_rest(&self) -> Vec<Pending> {
        std::mem::take(&mut self.state().pending)
    }

    /// Takes note of what became of records.
    pub(crate) fn settle(
        &self,
        pending: impl IntoIterator<Item = Pending>,
        outcomes: impl IntoIterator<Item = Outcome>,
    ) {
        for (pending, outcome) in pending.into_iter().zip(outcomes) {
            match &outcome {
                Outcome::Committed => self.wrote(&pending.record),
                Outcome::Succeeded(_)
                | Outcome::Exists(_)
                | Outcome::Deduplicated { .. }
                | Outcome::NoDestination { .. } => {}
                Outcome::Fenced => self.stop(Stop::Fenced),
                Outcome::RecordedTwice => {
                    let position = if let Record::Step(step) = &pending.record {
                        step.position
                    } else {
                        0
                    };
                    self.stop(Stop::Failed(Error::StepRecordedTwice {
                        id: self.workflow_id.clone(),
                        position,
                    }));
                }
                Outcome::Refused(error) => {
                    let what = match &pending.record {
                        Record::Step(step) => {
                            format!("the result of `{}` (position {})", step.name, step.position)
                        }
                        Record::Start(start) => {
                            format!("the start of workflow `{}`", start.workflow_id)
                        }
                        Record::Completion(_) | Record::Succession(_) => {
                            "the result of the workflow".to_owned()
                        }
                    };
                    self.stop(Stop::Failed(Error::Setup(format!(
                        "{what} was refused by the database: {error}"
                    ))));
                }
            }
            self.state().outstanding.remove(&pending.sequence);
            if let Some(reply) = pending.reply {
                // The call may have been dropped by the workflow (a lost race): then nobody wants to know.
                let _ = reply.send(outcome);
            }
        }
        self.settled.notify_waiters();
    }

    /// Tells those who wait for what a record wrote.
    fn wrote(&self, record: &Record) {
        if let Record::Step(step) = record {
            for effect in &step.effects {
                self.engine.notifier.wrote_effect(&step.workflow_id, effect);
            }
        }
    }

    /// Takes note that this execution no longer owns its workflow, or found two results for one position.
    pub(crate) async fn lost<T>(&self, position: i32, outcome: &Outcome) -> T {
        if let Outcome::RecordedTwice = outcome {
            return self
                .fail(Error::StepRecordedTwice {
                    id: self.workflow_id.clone(),
                    position,
                })
                .await;
        }
        self.stop(Stop::Fenced);
        std::future::pending().await
    }

    /// Marks that the workflow waits for a sleep, until the guard is dropped.
    pub(crate) fn sleeps(&self, position: i32, until_ms: i64) -> Sleeping<'_> {
        self.state().sleeping.insert(position, until_ms);
        Sleeping {
            execution: self,
            position,
        }
    }

    /// Tells of the sleeps when nothing else is waited for, done or written. `None` as well where the code may wait for
    /// what it likes: nobody could tell.
    pub(super) fn only_sleeps(&self) -> Option<Sleeps> {
        let guard = self.guard.as_ref()?;
        let (count, sleeps) = {
            let state = self.state();
            let is_quiet = state.outstanding.is_empty() && state.stop.is_none();
            let until = state.sleeping.values().min().filter(|_| is_quiet)?;
            let sleeps = Sleeps {
                until: *until,
                calls: state.position.into(),
                bytes: i64::try_from(state.recorded_bytes).unwrap_or(i64::MAX),
            };
            (state.sleeping.len(), sleeps)
        };
        (guard.waits_only_for(count) && self.spawned.is_idle()).then_some(sleeps)
    }

    /// Marks that a pure step body runs, until the guard is dropped.
    pub(crate) fn pure_runs(self: &Arc<Self>) -> PureRuns {
        self.state().pure_running += 1;
        PureRuns(Arc::clone(self))
    }
}

/// Records that ride in a transaction step. Dropped without being settled, they are pending again.
#[derive(Debug)]
pub(crate) struct Carried {
    execution: Arc<Execution>,
    pending: Vec<Pending>,
}

impl Carried {
    pub(crate) fn records(&self) -> Vec<Record> {
        self.pending
            .iter()
            .map(|pending| pending.record.clone())
            .collect()
    }

    /// The transaction was committed, with these outcomes.
    pub(crate) fn settle(mut self, outcomes: Vec<Outcome>) {
        let pending = std::mem::take(&mut self.pending);
        self.execution.settle(pending, outcomes);
    }

    /// The transaction was committed, as was found out later.
    pub(crate) fn settle_all(self) {
        let outcomes = self.pending.iter().map(|_| Outcome::Committed).collect();
        self.settle(outcomes);
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        let mut state = self.execution.state();
        self.pending.append(&mut state.pending);
        state.pending = std::mem::take(&mut self.pending);
    }
}

#[derive(Debug)]
pub(crate) struct PureRuns(Arc<Execution>);

impl Drop for PureRuns {
    fn drop(&mut self) {
        self.0.state().pure_running -= 1;
    }
}

/// A sleep that is waited for.
#[derive(Debug)]
pub(crate) struct Sleeping<'e> {
    execution: &'e Execution,
    position: i32,
}

impl Drop for Sleeping<'_> {
    fn drop(&mut self) {
        self.execution.state().sleeping.remove(&self.position);
    }
}

/// Counts a waiting call, until it is dropped.
struct Waiting<'e>(&'e Execution);

impl<'e> Waiting<'e> {
    fn new(execution: &'e Execution) -> Self {
        execution.state().waiting += 1;
        Self(execution)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}
