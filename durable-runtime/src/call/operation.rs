use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::clock;
use crate::context::WorkflowContext;
use crate::engine::{Execution, Watched};
use crate::error::{Error, ErrorRecord, Result};
use crate::store::{Effect, Outcome, Record, StepRecord, StepRow};
use crate::value::{self, Stored, Value};

/// A call of the library itself within a workflow: a sleep, a message, a look at another workflow. It takes a position
/// as a step does, and is recorded under a name that begins with `DBOS.`.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) execution: Arc<Execution>,
    pub(crate) position: i32,
    name: Cow<'static, str>,
    location: &'static Location<'static>,
}

impl Operation {
    /// Takes the next position of the workflow: when the call is made, not when it is first polled.
    #[track_caller]
    pub(crate) fn claim(ctx: &WorkflowContext, name: impl Into<Cow<'static, str>>) -> Self {
        let execution = Arc::clone(ctx.execution());
        let position = execution.claim_position();
        Self {
            execution,
            position,
            name: name.into(),
            location: Location::caller(),
        }
    }

    /// The call at a position that was taken before.
    pub(crate) fn at(
        execution: Arc<Execution>,
        position: i32,
        name: &'static str,
        location: &'static Location<'static>,
    ) -> Self {
        Self {
            execution,
            position,
            name: name.into(),
            location,
        }
    }

    /// This call, for the guard of the workflow: what waits in it goes around its future.
    pub(crate) fn watched(&self) -> Watched {
        self.execution.watched(self.name.clone(), self.location)
    }

    /// What was recorded here before, on a replay.
    pub(crate) async fn recorded(&self) -> Option<StepRow> {
        self.execution
            .recorded(self.position, &self.name, self.location)
            .await
    }

    /// The same, of a call that does nothing itself: a dry run goes on in it.
    pub(crate) async fn looked_up(&self) -> Option<StepRow> {
        self.execution
            .looked_up(self.position, &self.name, self.location)
            .await
    }

    /// Waits until a recorded time. A dry run does not wait.
    pub(crate) async fn sleep_until(&self, time_ms: i64) {
        match self.execution.dry_sleep(time_ms) {
            None => {
                let _sleeping = self.execution.sleeps(self.position, time_ms);
                clock::sleep_until(time_ms).await;
            }
            Some(true) => {}
            Some(false) => {
                let call = self
                    .execution
                    .open_call(self.position, &self.name, self.location);
                self.execution.stay(call).await;
            }
        }
    }

    /// The record of this call, without a result yet.
    pub(crate) fn step(&self, started_at: i64) -> StepRecord {
        StepRecord {
            workflow_id: self.execution.workflow_id.clone(),
            token: self.execution.token.clone(),
            position: self.position,
            name: self.name.clone(),
            started_at,
            completed_at: clock::now_ms(),
            ..StepRecord::default()
        }
    }

    /// The value or error that was recorded here before, on a replay, as its writer wrote it.
    pub(crate) async fn recorded_value(&self) -> Option<Result<Stored>> {
        let row = self.recorded().await?;
        Some(match row.error {
            Some(error) => Err(Error::from_record(ErrorRecord::from_json(&error))),
            None => match row.output {
                Some(output) => Ok(Stored::new(output, row.serialization)),
                None => Ok(Stored::null()),
            },
        })
    }

    /// The record of this call with a value as its writer wrote it, or an error.
    pub(crate) fn step_with(&self, started_at: i64, result: &Result<Stored>) -> StepRecord {
        let mut step = self.step(started_at);
        match result {
            Ok(stored) => {
                step.output = Some(stored.text.clone());
                step.serialization.clone_from(&stored.format);
            }
            Err(error) => step.error = Some(error.to_record().to_json()),
        }
        step
    }

    /// Hands the record over; it becomes durable before the next effect of the workflow.
    pub(crate) fn record(&self, step: StepRecord) {
        self.execution
            .record(Record::Step(Arc::new(step)), false, None);
    }

    /// Hands the record over with what is written in its transaction, and waits for what becomes of it. When this
    /// execution no longer owns its workflow, it never returns.
    pub(crate) async fn commit(&self, mut step: StepRecord, effects: Vec<Effect>) -> Outcome {
        step.effects = effects;
        let (reply, outcome) = oneshot::channel();
        self.execution
            .record(Record::Step(Arc::new(step)), false, Some(reply));
        match outcome.await {
            Ok(outcome) if outcome.is_accepted() => outcome,
            Ok(outcome) => self.execution.lost(self.position, &outcome).await,
            // The execution is stopped: its future is dropped here.
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives the recorded result, or runs `body` and records what it gives. A crash between the two runs it again, so
    /// it has to bear that.
    pub(crate) async fn run<T: Value>(self, body: impl Future<Output = Result<T>>) -> Result<T> {
        let watched = self.watched();
        watched.around(self.run_or_replay(body)).await
    }

    async fn run_or_replay<T: Value>(self, body: impl Future<Output = Result<T>>) -> Result<T> {
        if let Some(row) = self.recorded().await {
            return self.replayed(row).await;
        }
        self.execution.durable().await;
        let started_at = clock::now_ms();
        let result = body.await;
        let mut step = self.step(started_at);
        match &result {
            Ok(value) => {
                step.output = Some(value::encode(value, || {
                    format!("the result of `{}`", self.name)
                })?)
            }
            Err(error) => step.error = Some(error.to_record().to_json()),
        }
        self.record(step);
        as_replayed(result)
    }

    /// Gives the recorded value, or chooses one and records it. Nobody outside saw it, so its record may wait for the
    /// next commit that happens anyway.
    pub(crate) fn chosen<T: Value>(
        self,
        choose: impl FnOnce() -> T + Send,
    ) -> impl Future<Output = T> + Send {
        let watched = self.watched();
        watched.around(async move {
            if let Some(row) = self.recorded().await {
                return match self.replayed(row).await {
                    Ok(value) => value,
                    Err(error) => self.execution.fail(error).await,
                };
            }
            let mut step = self.step(clock::now_ms());
            let value = choose();
            match value::encode(&value, || format!("the result of `{}`", self.name)) {
                Ok(text) => step.output = Some(text),
                Err(error) => return self.execution.fail(error).await,
            }
            let record = Record::Step(Arc::new(step));
            self.execution.record(record, true, None);
            value
        })
    }

    /// Reads a recorded result. One that does not fit the type ends the workflow with an error.
    pub(crate) async fn replayed<T: Value>(&self, row: StepRow) -> Result<T> {
        if let Some(error) = row.error {
            return Err(Error::from_record(ErrorRecord::from_json(&error)));
        }
        let text = row.output.as_deref().unwrap_or("null");
        let what = || {
            format!(
                "the recorded result of `{}` (position {}, workflow `{}`)",
                self.name, self.position, self.execution.workflow_id
            )
        };
        match value::decode(text, what) {
            Ok(value) => Ok(value),
            Err(error) => self.execution.fail(error).await,
        }
    }
}

/// As a replay will read it, so that the workflow's code takes the same way both times.
pub(crate) fn as_replayed<T>(result: Result<T>) -> Result<T> {
    result.map_err(|error| Error::from_record(error.to_record()))
}
