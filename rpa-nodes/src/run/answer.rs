//! Questions that runs ask, and their answers.

use durable_runtime::Client;
use serde::Serialize;
use serde_json::Value;

use super::failure::StartError;
use crate::doubt::{Decision, Question};
use crate::record::{Record, VisitStatus};

/// A question that nobody answered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The run that asks: the one that was looked at, or a child of it.
    pub workflow_id: String,
    /// What it asks.
    #[serde(flatten)]
    pub question: Question,
}

/// The question that a run, or a workflow that it runs, waits to be answered.
///
/// # Errors
/// There is no such run, or the database cannot be read.
pub async fn asked(client: &Client, id: &str) -> Result<Option<Asked>, StartError> {
    // One look at everything: an answer that arrives meanwhile is there as a message, or was received.
    let document = match client.export_with_children(id).await {
        Ok(document) => document,
        Err(durable_runtime::Error::NoSuchWorkflow { .. }) => {
            return Err(StartError::NoSuchRun { id: id.to_owned() });
        }
        Err(error) => return Err(error.into()),
    };
    // A run that is taken up again is on a queue for a moment.
    let running = rows(&document, "workflow_status").filter(|row| {
        let status = row.get("status").and_then(Value::as_str);
        matches!(status, Some("PENDING" | "ENQUEUED"))
    });
    let mut open = running.filter_map(|row| {
        let id = row.get("workflow_uuid")?.as_str()?;
        let question = open_question(&document, id)?;
        Some(Asked {
            workflow_id: id.to_owned(),
            question,
        })
    });
    Ok(open.next())
}

fn rows<'d>(document: &'d Value, table: &str) -> impl Iterator<Item = &'d Value> + use<'d> {
    document
        .get(table)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The question of one workflow: its last visit asked it, and no message answers it.
fn open_question(document: &Value, id: &str) -> Option<Question> {
    let text = |row: &Value, column: &str| row.get(column)?.as_str().map(str::to_owned);
    let number = |row: &Value| row.get("function_id").and_then(Value::as_i64).unwrap_or(0);
    let mut steps: Vec<&Value> = rows(document, "operation_outputs")
        .filter(|row| row.get("workflow_uuid").is_some_and(|it| it == id))
        .collect();
    steps.sort_by_key(|row| number(row));
    let last = steps.iter().rposition(|row| {
        text(row, "function_name").is_some_and(|name| name.starts_with("node:"))
    })?;
    let is_received = steps
        .iter()
        .skip(last + 1)
        .any(|row| text(row, "function_name").is_some_and(|name| name == "DBOS.recv"));
    let record: Record = serde_json::from_str(&text(steps.get(last)?, "output")?).ok()?;
    if is_received || record.status != VisitStatus::Uncertain {
        return None;
    }
    let question = record.question?;
    let is_answered = rows(document, "notifications").any(|row| {
        row.get("destination_uuid").is_some_and(|it| it == id)
            && row
                .get("topic")
                .is_some_and(|topic| *topic == question.topic())
            && row.get("consumed").is_none_or(|consumed| consumed != true)
    });
    (!is_answered).then_some(question)
}

/// Answers the question that a run asks. The run goes on when a process runs it again.
///
/// # Errors
/// There is no such run, it asks nothing, or the database cannot be written.
pub async fn answer(client: &Client, id: &str, decision: &Decision) -> Result<Asked, StartError> {
    let Some(asked) = asked(client, id).await? else {
        return Err(StartError::NoQuestion { id: id.to_owned() });
    };
    let topic = asked.question.topic();
    client
        .send(&asked.workflow_id, Some(&topic), decision)
        .await?;
    Ok(asked)
}
