//! Lists workflows and steps, for people who look on: for a bounded time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::composed::Composed;
use super::filter::WorkflowFilter;
use super::row::WorkflowStatus;
use super::sql::{Param, Row, params};
use super::workflows::{COLUMNS, status};
use super::{Isolation, Store, StoreResult};
use crate::clock;
use crate::error::StoreError;
use crate::value;

const INTENT: &str = "list workflows";

/// How long a listing may take, unless set.
pub(crate) const LISTING_LIMIT: Duration = Duration::from_secs(30);

/// Which steps of a workflow to list; made of the workflow's id.
#[derive(Debug, Clone)]
#[must_use = "a filter lists nothing by itself"]
pub struct StepFilter {
    workflow_id: String,
    limit: Option<u32>,
    offset: Option<u32>,
    without_output: bool,
}

impl StepFilter {
    /// All steps of this workflow, in order.
    pub fn of(workflow_id: impl Into<String>) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            limit: None,
            offset: None,
            without_output: false,
        }
    }

    /// At most so many.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves so many out at the beginning.
    pub fn offset(mut self, offset: u32) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Does not read outputs and errors: they are `None`.
    pub fn without_output(mut self) -> Self {
        self.without_output = true;
        self
    }
}

impl From<&str> for StepFilter {
    fn from(workflow_id: &str) -> Self {
        Self::of(workflow_id)
    }
}

impl From<&String> for StepFilter {
    fn from(workflow_id: &String) -> Self {
        Self::of(workflow_id)
    }
}

impl From<String> for StepFilter {
    fn from(workflow_id: String) -> Self {
        Self::of(workflow_id)
    }
}

/// A recorded step of a workflow, or a recorded call of the library. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepStatus {
    /// Its number within the workflow, from 1.
    pub position: i32,
    /// The name under which it is recorded.
    pub name: String,
    /// Its result. What is in a format that cannot be read here is the text as recorded.
    pub output: Option<Json>,
    /// Its error, likewise.
    pub error: Option<Json>,
    /// The workflow that it started, or waited for.
    pub child_workflow_id: Option<String>,
    /// When it began.
    pub started_at_ms: Option<i64>,
    /// When it was recorded.
    pub completed_at_ms: Option<i64>,
}

impl dyn Store {
    /// Runs a statement that only reads, for at most `limit`.
    pub(super) async fn observe(
        &self,
        intent: &'static str,
        sql: Composed,
        limit: Duration,
    ) -> StoreResult<Vec<Row>> {
        let timed_out = || StoreError::TimedOut {
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        };
        if !self.is_shared() {
            let rows = clock::timeout(limit, self.read(intent, &sql.text, sql.params)).await;
            return rows.ok_or_else(timed_out)?;
        }
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        // To the server, 0 is no limit.
        let text = limit.as_millis().max(1).to_string();
        let set = "SELECT set_config('statement_timeout', $1, TRUE)";
        transaction.query(intent, set, params![text]).await?;
        match transaction.query(intent, &sql.text, sql.params).await {
            Err(error) if error.ran_out_of_time() => Err(timed_out()),
            rows => {
                transaction.rollback().await?;
                rows
            }
        }
    }

    /// Lists workflows.
    pub(crate) async fn list(
        &self,
        filter: &WorkflowFilter,
        limit: Duration,
    ) -> StoreResult<Vec<WorkflowStatus>> {
        let conditions = filter.conditions(!self.is_shared());
        let (input, input_table) = match filter.reads_input() {
            true => (
                "COALESCE(i.inputs, s.inputs)",
                "LEFT JOIN dbos.workflow_input i ON i.workflow_uuid = s.workflow_uuid",
            ),
            false => ("NULL", ""),
        };
        let (output, output_table) = match filter.reads_output() {
            true => (
                "COALESCE(o.output, s.output), COALESCE(o.error, s.error)",
                "LEFT JOIN dbos.workflow_output o ON o.workflow_uuid = s.workflow_uuid",
            ),
            false => ("NULL, NULL", ""),
        };
        let mut sql = Composed {
            text: format!(
                "SELECT {COLUMNS}, {input}, {output}
                 FROM dbos.workflow_status s {input_table} {output_table} WHERE {}",
                conditions.text
            ),
            params: conditions.params,
        };
        filter.page(&mut sql);
        // What is found by its ids takes no longer than there are ids.
        let rows = match filter.is_by_id() {
            true => self.read(INTENT, &sql.text, sql.params).await?,
            false => self.observe(INTENT, sql, limit).await?,
        };
        rows.into_iter().map(status).collect()
    }

    /// Lists the recorded steps of a workflow, in order.
    pub(crate) async fn list_steps(
        &self,
        filter: &StepFilter,
        limit: Duration,
    ) -> StoreResult<Vec<StepStatus>> {
        let output = match filter.without_output {
            true => "NULL, NULL",
            false => "output, error",
        };
        let mut sql = Composed {
            text: format!(
                "SELECT function_id, function_name, {output}, serialization, child_workflow_id,
                        started_at_epoch_ms, completed_at_epoch_ms
                 FROM dbos.operation_outputs WHERE workflow_uuid = $1 ORDER BY function_id"
            ),
            params: vec![Param::from(&filter.workflow_id)],
        };
        sql.limit(filter.limit, filter.offset);
        let rows = self.observe("list steps", sql, limit).await?;
        rows.into_iter().map(step).collect()
    }
}

fn step(mut row: Row) -> StoreResult<StepStatus> {
    let (output, error): (Option<String>, Option<String>) = (row.take(2)?, row.take(3)?);
    let format: Option<String> = row.take(4)?;
    let format = format.as_deref();
    Ok(StepStatus {
        position: row.take(0)?,
        name: row.take(1)?,
        output: output.map(|text| value::shown(format, &text)),
        error: error.map(|text| value::shown_error(format, &text)),
        child_workflow_id: row.take(5)?,
        started_at_ms: row.take(6)?,
        completed_at_ms: row.take(7)?,
    })
}
