//! What calls that manage workflows have in common, wherever they come from.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::Operation;
use crate::clock;
use crate::engine::Execution;
use crate::error::{Error, Result};
use crate::store::{Outcome, Record};
use crate::value::{self, Value};

/// One workflow id or several: made of a text, or of an array or vector of texts.
#[derive(Debug, Clone)]
pub struct WorkflowIds(pub(crate) Vec<String>);

impl From<String> for WorkflowIds {
    fn from(id: String) -> Self {
        Self(vec![id])
    }
}

impl From<&str> for WorkflowIds {
    fn from(id: &str) -> Self {
        Self(vec![id.to_owned()])
    }
}

impl From<&String> for WorkflowIds {
    fn from(id: &String) -> Self {
        Self(vec![id.clone()])
    }
}

impl<I: Into<String>> From<Vec<I>> for WorkflowIds {
    fn from(ids: Vec<I>) -> Self {
        Self(ids.into_iter().map(Into::into).collect())
    }
}

impl<I: Into<String>, const N: usize> From<[I; N]> for WorkflowIds {
    fn from(ids: [I; N]) -> Self {
        Self(ids.into_iter().map(Into::into).collect())
    }
}

impl<I: AsRef<str>> From<&[I]> for WorkflowIds {
    fn from(ids: &[I]) -> Self {
        Self(ids.iter().map(|id| id.as_ref().to_owned()).collect())
    }
}

impl<I: AsRef<str>> From<&Vec<I>> for WorkflowIds {
    fn from(ids: &Vec<I>) -> Self {
        Self::from(ids.as_slice())
    }
}

/// The waits for a database that is away.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Does something to workflows as a recorded call of another one; after a crash before the record, once more. A
/// database that is away is waited for: its absence is no result of the call. When the workflow itself is what is
/// changed, it ends here.
pub(crate) async fn changed<T: Value, F>(operation: Operation, change: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let execution = Arc::clone(&operation.execution);
    let until_answered = async {
        let mut wait = FIRST_WAIT;
        loop {
            match change().await {
                Err(error) if error.is_transient() => {
                    wait = put_off(&execution, &error, wait).await;
                }
                _ if execution.is_stopped() => return std::future::pending().await,
                done => return done,
            }
        }
    };
    operation.run(until_answered).await
}

/// Does something to other workflows as a recorded call, in the transaction of the record: both happen once, or
/// neither. `value` is its result.
pub(crate) async fn changed_once<T: Value, F>(
    operation: Operation,
    value: T,
    change: impl Fn(Record) -> F,
) -> Result<T>
where
    F: Future<Output = Result<Result<(), Outcome>>>,
{
    let watched = operation.watched();
    watched
        .around(change_or_replay(operation, value, change))
        .await
}

async fn change_or_replay<T: Value, F>(
    operation: Operation,
    value: T,
    change: impl Fn(Record) -> F,
) -> Result<T>
where
    F: Future<Output = Result<Result<(), Outcome>>>,
{
    if let Some(row) = operation.recorded().await {
        return operation.replayed(row).await;
    }
    let execution = &operation.execution;
    execution.durable().await;
    let what = || "the result of a call of a workflow".to_owned();
    let mut step = operation.step(clock::now_ms());
    step.output = Some(value::encode(&value, what)?);
    let mut wait = FIRST_WAIT;
    loop {
        match change(Record::Step(Arc::new(step.clone()))).await {
            Ok(Ok(())) => return Ok(value),
            Ok(Err(outcome)) => return execution.lost(operation.position, &outcome).await,
            Err(error) if error.is_transient() => {
                wait = put_off(execution, &error, wait).await;
                if is_recorded(&operation).await {
                    return Ok(value);
                }
            }
            Err(error) => {
                let error = error.to_record();
                step.output = None;
                step.error = Some(error.to_json());
                operation.record(step);
                // As a replay will read it, so that the workflow's code takes the same way both times.
                return Err(Error::from_record(error));
            }
        }
    }
}

/// True when the commit of the call's record, which was not answered, did happen.
async fn is_recorded(operation: &Operation) -> bool {
    let execution = &operation.execution;
    let mut wait = FIRST_WAIT;
    loop {
        match execution.engine.store.steps(&execution.workflow_id).await {
            Ok(rows) => return rows.iter().any(|row| row.position == operation.position),
            Err(error) => wait = put_off(execution, &error.into(), wait).await,
        }
    }
}

/// Waits; gives the time to wait the next time.
async fn put_off(execution: &Execution, error: &Error, wait: Duration) -> Duration {
    let workflow_id = &execution.workflow_id;
    tracing::warn!(workflow_id, %error, "a call of a workflow waits for the database");
    clock::sleep(wait).await;
    (wait * 2).min(LONGEST_WAIT)
}

/// What came of a change that has no record that could be refused.
pub(crate) fn outside(done: Result<Result<(), Outcome>>) -> Result<()> {
    done?.map_err(|outcome| Error::Setup(format!("what was asked for did not happen: {outcome:?}")))
}

/// The text of attributes, which are a JSON object.
pub(crate) fn json_object(attributes: &Json) -> Result<String> {
    if !attributes.is_object() {
        return Err(Error::Misuse(format!(
            "the attributes of a workflow are a JSON object, not {attributes}"
        )));
    }
    Ok(attributes.to_string())
}
