//! What calls that manage workflows have in common, wherever they come from.

use std::future::Future;
use std::time::Duration;

use serde_json::Value as Json;

use super::Operation;
use crate::clock;
use crate::error::{Error, Result};
use crate::value::Value;

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

/// Does something to workflows as a recorded call of another one. A database that is away is waited for: its absence
/// is no result of the call. When the workflow itself is what is changed, it ends here.
pub(crate) async fn changed<T: Value, F>(operation: Operation, change: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    const FIRST: Duration = Duration::from_millis(5);
    const LONGEST: Duration = Duration::from_secs(5);
    let execution = std::sync::Arc::clone(&operation.execution);
    let until_answered = async {
        let mut wait = FIRST;
        loop {
            let done = change().await;
            match done {
                Err(error) if error.is_transient() => {
                    tracing::warn!(workflow_id = execution.workflow_id, %error, "a call of a workflow waits for the database");
                    clock::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST);
                }
                done if execution.is_stopped() => {
                    drop(done);
                    std::future::pending().await
                }
                done => return done,
            }
        }
    };
    operation.run(until_answered).await
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
