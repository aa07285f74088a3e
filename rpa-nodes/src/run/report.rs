use std::collections::{BTreeMap, BTreeSet};

use durable_runtime::{Client, Status, WorkflowStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Asked, asked};
use super::failure::StartError;
use super::request::Request;
use crate::browser::BrowserState;
use crate::secrets;
use crate::value::Object;
use crate::walk::Walk;

/// The status of a run that waits until a person decides.
pub(super) const NEEDS_ATTENTION: &str = "NEEDS_ATTENTION";

/// What a run came to, as far as its records tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether every live branch reached its end and nothing failed.
    pub success: bool,
    /// What the workflow is called.
    pub workflow_name: String,
    /// Visits of nodes.
    pub executed_nodes: u64,
    /// Nodes that were visited.
    pub distinct_nodes: usize,
    /// Nodes in the file.
    pub total_nodes: usize,
    /// The node that failed.
    pub failed_node_id: Option<String>,
    /// Why.
    pub error: Option<String>,
    /// What is not as the author may think.
    pub warnings: Vec<String>,
    /// Nodes that no visit came to.
    pub unreached: Vec<String>,
    /// What each node gave when it last ran.
    pub outputs: BTreeMap<String, Value>,
    /// The variables at the end.
    pub variables: Object,
    /// What was logged, in order.
    pub logs: Vec<String>,
    /// The browsers that are still open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) browsers: Vec<BrowserState>,
}

/// A report with what only the database knows. Serialized, it is the JSON contract of `rpa run`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Result {
    /// Whether the run succeeded.
    pub success: bool,
    /// The id of the run.
    pub workflow_id: String,
    /// What the workflow is called.
    pub workflow_name: String,
    /// `SUCCESS`, `ERROR`, or `NEEDS_ATTENTION` if it waits until a person decides.
    pub status: &'static str,
    /// What a person has to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Asked>,
    /// Visits of nodes.
    pub executed_nodes: u64,
    /// Nodes that were visited.
    pub distinct_nodes: usize,
    /// Nodes in the file.
    pub total_nodes: usize,
    /// The node that failed.
    pub failed_node_id: Option<String>,
    /// Why.
    pub error: Option<String>,
    /// What is not as the author may think.
    pub warnings: Vec<String>,
    /// Nodes that no visit came to.
    pub unreached: Vec<String>,
    /// What each node gave when it last ran.
    pub outputs: BTreeMap<String, Value>,
    /// The variables at the end.
    pub variables: Object,
    /// What was logged, in order.
    pub logs: Vec<String>,
    /// From the start of the run to its end, interruptions included.
    pub duration_ms: i64,
    /// Whether the run was there before this call: interrupted, or finished.
    pub recovered: bool,
    /// Whether the run would have survived a crash.
    pub durable: bool,
}

impl Report {
    /// The report on a walk that ended, of a workflow that was repaired before it began.
    pub(crate) fn new(walk: &Walk, repairs: &[String]) -> Self {
        let account = walk.account();
        let failure = walk.failure().or(account.failures.first());
        let mut warnings = repairs.to_vec();
        warnings.extend(account.warnings.iter().cloned());
        let unreached = walk.unreached();
        let others = account
            .failures
            .iter()
            .filter(|fault| Some(*fault) != failure);
        warnings.extend(others.map(|fault| format!("{}: failed: {fault}", fault.node)));
        if !unreached.is_empty() {
            warnings.push(format!(
                "{} of {} nodes were not reached: {}",
                unreached.len(),
                walk.plan().nodes().len(),
                unreached.join(", ")
            ));
        }
        Self {
            success: failure.is_none(),
            workflow_name: walk.plan().name.clone(),
            executed_nodes: account.executed,
            distinct_nodes: account.visits.len(),
            total_nodes: walk.plan().nodes().len(),
            failed_node_id: failure.map(|fault| fault.node.clone()),
            error: failure.map(ToString::to_string),
            warnings,
            unreached,
            outputs: walk.final_scope().outputs().clone(),
            variables: walk.final_scope().variables().clone(),
            logs: account.logs.iter().map(|line| line.text.clone()).collect(),
            browsers: walk.browsers().to_vec(),
        }
    }

    /// Adds what only the database knows.
    pub(crate) fn complete(
        mut self,
        id: String,
        duration_ms: i64,
        recovered: bool,
        durable: bool,
    ) -> Result {
        self.outputs.values_mut().for_each(secrets::shown);
        self.variables.values_mut().for_each(secrets::shown);
        Result {
            success: self.success,
            workflow_id: id,
            workflow_name: self.workflow_name,
            status: if self.success { "SUCCESS" } else { "ERROR" },
            question: None,
            executed_nodes: self.executed_nodes,
            distinct_nodes: self.distinct_nodes,
            total_nodes: self.total_nodes,
            failed_node_id: self.failed_node_id,
            error: self.error,
            warnings: self.warnings,
            unreached: self.unreached,
            outputs: self.outputs,
            variables: self.variables,
            logs: self.logs,
            duration_ms,
            recovered,
            durable,
        }
    }
}

/// How far a run is. Serialized, it is what `rpa status ID --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunStatus {
    /// The id of the run.
    pub workflow_id: String,
    /// What the workflow is called.
    pub workflow_name: String,
    /// The status that the database has: `PENDING` while it runs or waits to be taken up again, `SUCCESS`, `ERROR`,
    /// `CANCELLED`, `MAX_RECOVERY_ATTEMPTS_EXCEEDED`, `ENQUEUED`, `DELAYED`; or `NEEDS_ATTENTION` if it waits until a person
    /// decides.
    pub status: &'static str,
    /// What a person has to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Asked>,
    /// The node that was visited last.
    pub current_node: Option<String>,
    /// Visits that are recorded.
    pub executed_nodes: usize,
    /// Nodes that were visited.
    pub distinct_nodes: usize,
    /// Nodes in the file.
    pub total_nodes: usize,
    /// The part of the nodes that were visited, in per cent. A loop stays where it is while it turns.
    pub progress: usize,
    /// Why it failed.
    pub error: Option<String>,
}

/// Looks how far a run is.
///
/// # Errors
/// There is no such run, or the database cannot be read.
pub async fn status(client: &Client, id: &str) -> std::result::Result<RunStatus, StartError> {
    let row = find(client, id).await?;
    let request = request_of(&row);
    let visits = super::history::visits(client, id).await?;
    let distinct: BTreeSet<&str> = visits.iter().map(|visit| visit.node.as_str()).collect();
    let nodes = request.as_ref().and_then(|request| {
        request
            .document
            .get("nodes")?
            .as_object()
            .map(|nodes| nodes.len())
    });
    let total = nodes.unwrap_or_default();
    let name = request.as_ref().and_then(|request| {
        request
            .document
            .pointer("/metadata/name")?
            .as_str()
            .map(str::to_owned)
    });
    let error = row.error_value();
    let message = error
        .as_ref()
        .and_then(|error| error.get("message")?.as_str().map(str::to_owned));
    let question = asked(client, id).await?;
    Ok(RunStatus {
        workflow_id: id.to_owned(),
        workflow_name: name.unwrap_or_default(),
        status: match question {
            Some(_) => NEEDS_ATTENTION,
            None => row.status.as_str(),
        },
        question,
        current_node: visits.last().map(|visit| visit.node.clone()),
        executed_nodes: visits.len(),
        distinct_nodes: distinct.len(),
        total_nodes: total,
        progress: match row.status {
            Status::Success => 100,
            _ => distinct.len() * 100 / total.max(1),
        },
        error: message,
    })
}

/// The row of a run.
pub(super) async fn find(
    client: &Client,
    id: &str,
) -> std::result::Result<WorkflowStatus, StartError> {
    match client.status(id).await {
        Ok(row) => Ok(row),
        Err(durable_runtime::Error::NoSuchWorkflow { .. }) => {
            Err(StartError::NoSuchRun { id: id.to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}

/// What a run was started with, if it is one of this program.
pub(crate) fn request_of(row: &WorkflowStatus) -> Option<Request> {
    let input: Value = serde_json::from_str(row.input.as_deref()?).ok()?;
    let request = input.pointer("/positionalArgs/0")?.clone();
    serde_json::from_value(request).ok()
}
