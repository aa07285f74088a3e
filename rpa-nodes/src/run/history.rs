use durable_runtime::Client;
use serde::Serialize;
use serde_json::Value;

use super::failure::StartError;
use super::report::{find, request_of};
use crate::browser::PageNote;
use crate::fault::Fault;
use crate::record::{Record, VisitStatus};
use crate::secrets;
use crate::value::Object;

/// One visit of a run. Serialized, it is a line of the JSON contract of `rpa history`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VisitLine {
    /// The node.
    pub node: String,
    /// Which visit of it, from 1.
    pub visit: u32,
    /// How it ended.
    pub status: VisitStatus,
    /// What it took.
    pub inputs: Object,
    /// What it gave.
    pub outputs: Object,
    /// Why it failed.
    pub error: Option<Fault>,
    /// When it began, in UTC.
    pub started_at: Option<String>,
    /// When it was recorded, in UTC.
    pub completed_at: Option<String>,
    /// The port by which control left, if the node chose one.
    pub exit: Option<String>,
    /// The variables that it set, with what they were before and after.
    pub changes: Vec<Change>,
    /// What it logged.
    pub logs: Vec<String>,
    /// What it left to be seen in a browser: where the page was, the selector that healed another one, the picture of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageNote>,
}

/// A variable that a visit set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The variable.
    pub variable: String,
    /// What it was; null if it was not there.
    pub before: Value,
    /// What it is from then on.
    pub after: Value,
}

/// The visits of a run, in the order in which they are recorded.
///
/// # Errors
/// There is no such run, or the database cannot be read.
pub async fn history(client: &Client, id: &str) -> Result<Vec<VisitLine>, StartError> {
    let row = find(client, id).await?;
    let mut variables = Object::new();
    if let Some(request) = request_of(&row) {
        variables = request.variables;
    }
    let mut lines = visits(client, id).await?;
    for line in &mut lines {
        for change in &mut line.changes {
            let before = variables.insert(change.variable.clone(), change.after.clone());
            change.before = before.unwrap_or_default();
            secrets::shown(&mut change.before);
            secrets::shown(&mut change.after);
        }
        line.outputs.values_mut().for_each(secrets::shown);
    }
    Ok(lines)
}

/// The visits as they are recorded.
pub(super) async fn visits(client: &Client, id: &str) -> Result<Vec<VisitLine>, StartError> {
    let steps = client.steps(id).await?;
    let lines = steps.into_iter().filter_map(|step| {
        let (node, visit) = step.name.strip_prefix("node:")?.rsplit_once('#')?;
        let record: Record = serde_json::from_value(step.output?).ok()?;
        let changes = record.set.into_iter().map(|(variable, after)| Change {
            variable,
            before: Value::Null,
            after,
        });
        Some(VisitLine {
            node: node.to_owned(),
            visit: visit.parse().ok()?,
            status: record.status,
            inputs: record.inputs,
            outputs: record.outputs,
            error: record.error,
            started_at: moment(step.started_at_ms),
            completed_at: moment(step.completed_at_ms),
            exit: record.exit,
            changes: changes.collect(),
            logs: record.logs.into_iter().map(|line| line.text).collect(),
            page: record.page,
        })
    });
    // What a person decided on is told by the last word on it.
    let mut last: Vec<VisitLine> = Vec::new();
    for line in lines {
        last.retain(|known| {
            known.status != VisitStatus::Uncertain
                || (&known.node, known.visit) != (&line.node, line.visit)
        });
        last.push(line);
    }
    Ok(last)
}

fn moment(milliseconds: Option<i64>) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(milliseconds?).ok()?;
    Some(format!("{moment:.3}"))
}
