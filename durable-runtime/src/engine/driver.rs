//! Drives one execution: polls the workflow's future, and commits what it hands over while it waits.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::beside::Beside;
use super::execution::{Execution, Pending, Stop};
use super::{Engine, Phase};
use crate::error::{Error, ErrorRecord};
use crate::journal::Closed;
use crate::store::{Channel, CompletionRecord, Finished, Outcome, Record};
use crate::task;

/// A batch of this execution's records that is being committed.
struct InFlight {
    pending: Vec<Pending>,
    outcomes: BoxFuture<'static, Result<Vec<Outcome>, Closed>>,
}

impl InFlight {
    fn submit(execution: &Execution, pending: Vec<Pending>) -> Self {
        let records = pending
            .iter()
            .map(|pending| pending.record.clone())
            .collect();
        let outcomes = execution
            .engine
            .journal
            .submit(&execution.workflow_id, records)
            .boxed();
        Self { pending, outcomes }
    }
}

impl Engine {
    /// Begins to run a workflow that is ours.
    pub(super) fn run(self: &Arc<Self>, execution: Arc<Execution>, input: String) {
        let workflow_id = execution.workflow_id.clone();
        self.begins(&execution);
        if self.phase() == Phase::Stopped {
            execution.stop(Stop::Shutdown);
        }
        let engine = Arc::clone(self);
        task::spawn(async move {
            let end = drive(&execution, input).await;
            if let End::Asleep(wake) = end
                && engine.falls_asleep(&execution, wake)
            {
                return;
            }
            engine.ends(&execution);
            execution.leave_seat();
            match end {
                End::Finished(finished) => {
                    engine.completions.finish(&workflow_id, finished);
                    engine.notifier.wrote(Channel::Completions, workflow_id);
                }
                // Whoever owns the workflow now writes its outcome; ours counts for nothing.
                End::Elsewhere | End::Asleep(_) => engine.went(&workflow_id).await,
            }
            engine.ended.notify_waiters();
        });
    }
}

/// What became of an execution.
enum End {
    /// Its workflow ended, and its outcome is durable.
    Finished(Finished),
    /// Its workflow did not end here.
    Elsewhere,
    /// Its workflow sleeps, and is to be taken up at this time.
    Asleep(i64),
}

/// Why a body is polled no more before its end.
enum Left {
    Stopped(Stop),
    /// It sleeps until this time at least.
    Asleep(i64),
}

/// Runs the workflow until it ends, or leaves memory, and makes the outcome durable.
async fn drive(execution: &Arc<Execution>, input: String) -> End {
    let workflow_id = execution.workflow_id.as_str();
    let name = execution.workflow.name;
    let body = (execution.workflow.run)(Arc::clone(execution), input);
    let ended = match poll_body(execution, body).await {
        Err(Left::Asleep(wake)) => return End::Asleep(wake),
        Err(Left::Stopped(stop)) => Err(stop),
        Ok(result) => Ok(result),
    };
    let ended = ended.and_then(|result| match execution.shortened(&result) {
        Some(error) => Err(Stop::Failed(error)),
        None => Ok(result),
    });
    let result = match ended {
        Ok(result) => result.map_err(|error| error.to_json()),
        Err(Stop::Failed(error)) => {
            let error = execution.explained(error).await;
            tracing::error!(workflow_id, workflow = name, %error, "a workflow cannot go on");
            Err(error.to_record().to_json())
        }
        Err(stop) => {
            if matches!(stop, Stop::Shutdown) {
                commit_rest(execution).await;
            }
            tracing::debug!(
                workflow_id,
                workflow = name,
                ?stop,
                "an execution ends without an outcome"
            );
            return End::Elsewhere;
        }
    };
    match complete(execution, &result).await {
        Ok(Outcome::Refused(error)) => {
            // What was refused is a record that was to be committed with the outcome, or the outcome itself.
            let error = execution.failure().unwrap_or_else(|| {
                Error::Setup(format!(
                    "the result of workflow `{name}` was refused by the database: {error}"
                ))
            });
            let result = Err(error.to_record().to_json());
            let outcome = complete(execution, &result).await;
            match outcome {
                Ok(Outcome::Committed) => End::Finished(finished(result)),
                _ => End::Elsewhere,
            }
        }
        Ok(Outcome::Committed) => End::Finished(finished(result)),
        Ok(_) | Err(Closed) => End::Elsewhere,
    }
}

fn finished(result: Result<String, String>) -> Finished {
    match result {
        Ok(output) => Finished::Output(output),
        Err(error) => Finished::Error(error),
    }
}

/// Polls the body to its end. Whenever it waits, what it has handed over is committed; one batch at a time, so that
/// the next one gathers meanwhile.
async fn poll_body(
    execution: &Arc<Execution>,
    mut body: BoxFuture<'static, Result<String, ErrorRecord>>,
) -> Result<Result<String, ErrorRecord>, Left> {
    let mut beside = Beside::new(execution);
    let body = poll_fn(move |context| {
        let polled = execution.poll_guarded(body.as_mut(), context);
        if polled.is_pending() {
            beside.poll(context);
        }
        polled
    });
    let mut body = AssertUnwindSafe(body).catch_unwind();
    let mut in_flight: Option<InFlight> = None;
    let ended = poll_fn(|context| {
        loop {
            if let Some(stop) = execution.stopped(context) {
                return Poll::Ready(Err(Left::Stopped(stop)));
            }
            if let Poll::Ready(ended) = body.poll_unpin(context) {
                // A call that failed the workflow does not let it end as if nothing had been.
                return Poll::Ready(match execution.failure() {
                    Some(error) => Err(Left::Stopped(Stop::Failed(error))),
                    None => Ok(ended),
                });
            }
            if in_flight.is_none() {
                let pending = execution.take_pending();
                if !pending.is_empty() {
                    in_flight = Some(InFlight::submit(execution, pending));
                }
            }
            let Some(flight) = &mut in_flight else {
                return match execution.may_leave() {
                    Some(wake) => Poll::Ready(Err(Left::Asleep(wake))),
                    None => Poll::Pending,
                };
            };
            match flight.outcomes.poll_unpin(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(outcomes) => settle(execution, in_flight.take(), outcomes),
            }
        }
    })
    .await;
    if let Some(mut flight) = in_flight {
        let outcomes = (&mut flight.outcomes).await;
        settle(execution, Some(flight), outcomes);
    }
    let result = ended?;
    Ok(result.unwrap_or_else(|panic| {
        let workflow = execution.workflow.name.to_owned();
        Err(Error::WorkflowPanicked {
            workflow,
            message: panic_text(panic.as_ref()),
        }
        .to_record())
    }))
}

fn settle(execution: &Execution, flight: Option<InFlight>, outcomes: Result<Vec<Outcome>, Closed>) {
    match (flight, outcomes) {
        (Some(flight), Ok(outcomes)) => execution.settle(flight.pending, outcomes),
        _ => execution.stop(Stop::Shutdown),
    }
}

/// Commits what is left of an execution that is stopped: the next one need not do it again.
async fn commit_rest(execution: &Execution) {
    let rest = execution.take_rest();
    let records: Vec<Record> = rest.iter().map(|pending| pending.record.clone()).collect();
    if records.is_empty() {
        return;
    }
    let submitted = execution
        .engine
        .journal
        .submit(&execution.workflow_id, records);
    if let Ok(outcomes) = submitted.await {
        execution.settle(rest, outcomes);
    }
}

/// Commits what is left together with the outcome of the workflow, in the format of its row.
async fn complete(
    execution: &Execution,
    result: &Result<String, String>,
) -> Result<Outcome, Closed> {
    let format = execution.format;
    let written = result.as_ref().map(|output| format.write_value(output));
    let result = match written {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(reason)) => {
            let what = format!("the result of workflow `{}`", execution.workflow.name);
            let error = Error::unwritable(what, &reason);
            Err(format.write_error(&error.to_record().to_json()))
        }
        Err(error) => Err(format.write_error(error)),
    };
    let completion = CompletionRecord {
        workflow_id: execution.workflow_id.clone(),
        token: execution.token.clone(),
        result,
    };
    let mut rest = execution.take_rest();
    let mut records: Vec<Record> = rest.iter().map(|pending| pending.record.clone()).collect();
    records.push(Record::Completion(Arc::new(completion)));
    let succession = execution.engine.succession(execution);
    let (succession, queue) = succession.unzip();
    records.extend(succession);
    let submitted = pin!(
        execution
            .engine
            .journal
            .submit(&execution.workflow_id, records)
    );
    let mut outcomes = submitted.await?;
    let successors = queue.and_then(|queue| Some((queue, outcomes.pop()?)));
    let last = outcomes.pop().unwrap_or(Outcome::Fenced);
    execution.settle(rest.drain(..), outcomes);
    if let Some((queue, Outcome::Succeeded(successors))) = successors {
        let engine = &execution.engine;
        engine.succeed(execution, &queue, successors).await;
    }
    Ok(last)
}

/// The text that a panic was raised with.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}
