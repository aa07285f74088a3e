//! Reads workflows: their state and their outcomes.

use super::row::{Finished, Status, WorkflowStatus};
use super::sql::{Row, params};
use super::{Store, StoreResult};
use crate::error::StoreError;

macro_rules! workflows {
    ($filter:literal) => {
        concat!(
            "SELECT s.workflow_uuid, s.status, s.name, s.class_name, s.config_name,
                 s.application_name, s.application_version, s.queue_name, s.queue_partition_key,
                 s.deduplication_id, s.priority, s.executor_id, s.recovery_attempts,
                 s.parent_workflow_id, s.forked_from, s.was_forked_from, s.schedule_name,
                 s.authenticated_user, s.assumed_role, s.authenticated_roles, s.created_at,
                 s.updated_at, s.started_at_epoch_ms, s.completed_at, s.workflow_timeout_ms,
                 s.workflow_deadline_epoch_ms, s.delay_until_epoch_ms,
                 {pg:s.attributes::text}{lite:s.attributes}, s.serialization,
                 COALESCE(i.inputs, s.inputs), COALESCE(o.output, s.output),
                 COALESCE(o.error, s.error)
             FROM dbos.workflow_status s
             LEFT JOIN dbos.workflow_input i ON i.workflow_uuid = s.workflow_uuid
             LEFT JOIN dbos.workflow_output o ON o.workflow_uuid = s.workflow_uuid ",
            $filter
        )
    };
}

const WORKFLOW: &str = workflows!("WHERE s.workflow_uuid = $1");
const ACTIVE: &str = workflows!(
    "WHERE s.name = $1 AND s.status IN ('PENDING', 'ENQUEUED', 'DELAYED')
     ORDER BY s.created_at, {pg:length(s.workflow_uuid), s.workflow_uuid}{lite:s.rowid}"
);

const FINISHED: &str = "
    SELECT s.workflow_uuid, s.status, COALESCE(o.output, s.output), COALESCE(o.error, s.error),
           s.serialization
    FROM dbos.workflow_status s LEFT JOIN dbos.workflow_output o ON o.workflow_uuid = s.workflow_uuid
    WHERE s.workflow_uuid IN {each:$1}
      AND s.status NOT IN ('PENDING', 'ENQUEUED', 'DELAYED')";

impl dyn Store {
    /// The state of one workflow.
    pub(crate) async fn workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowStatus>> {
        let rows = self
            .read("read a workflow", WORKFLOW, params![workflow_id])
            .await?;
        rows.into_iter().next().map(status).transpose()
    }

    /// The workflows of this name that have not finished, oldest first.
    pub(crate) async fn active(&self, name: &str) -> StoreResult<Vec<WorkflowStatus>> {
        let rows = self.read("list workflows", ACTIVE, params![name]).await?;
        rows.into_iter().map(status).collect()
    }

    /// Those of the workflows that have finished, with their outcome.
    pub(crate) async fn finished(
        &self,
        workflow_ids: &[String],
    ) -> StoreResult<Vec<(String, Finished)>> {
        let rows = self
            .read("read outcomes", FINISHED, params![workflow_ids])
            .await?;
        let finished = |mut row: Row| {
            let workflow_id: String = row.take(0)?;
            let status: String = row.take(1)?;
            let (output, error) = (row.take(2)?, row.take(3)?);
            let format: Option<String> = row.take(4)?;
            let finished =
                Finished::from_row(&workflow_id, &status, output, error, format.as_deref())?;
            Ok((workflow_id, finished))
        };
        rows.into_iter().map(finished).collect()
    }
}

pub(super) fn status(mut row: Row) -> StoreResult<WorkflowStatus> {
    let workflow_id: String = row.take(0)?;
    let corrupt = |reason| StoreError::Corrupt {
        workflow_id: workflow_id.clone(),
        reason,
    };
    let status: Status = row.take::<String>(1)?.parse().map_err(corrupt)?;
    let attributes: Option<String> = row.take(27)?;
    let attributes = attributes.and_then(|text| serde_json::from_str(&text).ok());
    Ok(WorkflowStatus {
        status,
        name: row.take::<Option<_>>(2)?.unwrap_or_default(),
        class_name: row.take(3)?,
        config_name: row.take(4)?,
        application_name: row.take(5)?,
        application_version: row.take(6)?,
        queue_name: row.take(7)?,
        queue_partition_key: row.take(8)?,
        deduplication_id: row.take(9)?,
        priority: row.take(10)?,
        executor_id: row.take(11)?,
        recovery_attempts: row.take::<Option<_>>(12)?.unwrap_or_default(),
        parent_workflow_id: row.take(13)?,
        forked_from: row.take(14)?,
        was_forked_from: row.take(15)?,
        schedule_name: row.take(16)?,
        authenticated_user: row.take(17)?,
        assumed_role: row.take(18)?,
        authenticated_roles: row.take(19)?,
        created_at_ms: row.take(20)?,
        updated_at_ms: row.take(21)?,
        dequeued_at_ms: row.take(22)?,
        completed_at_ms: row.take(23)?,
        timeout_ms: row.take(24)?,
        deadline_ms: row.take(25)?,
        delay_until_ms: row.take(26)?,
        attributes: attributes.filter(|attributes: &serde_json::Value| !attributes.is_null()),
        serialization: row.take(28)?,
        input: row.take(29)?,
        output: row.take(30)?,
        error: row.take(31)?,
        workflow_id,
    })
}
