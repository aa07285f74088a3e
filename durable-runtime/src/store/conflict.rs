//! Why a record was not inserted.

use super::StoreResult;
use super::effect::Effect;
use super::record::{ExistingWorkflow, Found, Outcome, StartRecord, StepRecord};
use super::row::Status;
use super::sql::{Session, first, params};
use crate::error::StoreError;

const EXISTING: &str = "
    SELECT name, class_name, config_name, queue_name, status, creator_xid
    FROM dbos.workflow_status WHERE workflow_uuid = $1";

const HOLDER: &str = "
    SELECT workflow_uuid FROM dbos.workflow_status
    WHERE queue_name = $1 AND deduplication_id = $2 AND deduplication_id IS NOT NULL";

const OWNED: &str =
    "SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = $1 AND owner_xid = $2";

const RECORDED: &str = "
    SELECT s.owner_xid IS NOT DISTINCT FROM $3, o.function_id IS NOT NULL,
           o.function_name = $4 AND o.output IS NOT DISTINCT FROM $5
           AND (o.error IS NOT DISTINCT FROM $6 OR $9) AND o.child_workflow_id IS NOT DISTINCT FROM $7
           AND o.completed_at_epoch_ms = $8
    FROM dbos.workflow_status s
    LEFT JOIN dbos.operation_outputs o ON o.workflow_uuid = s.workflow_uuid AND o.function_id = $2
    WHERE s.workflow_uuid = $1";

/// What is there instead of a workflow that was not inserted.
pub(super) async fn existing(
    session: &mut Session<'_>,
    start: &StartRecord,
) -> StoreResult<Outcome> {
    let failed = || StoreError::statement("look for an existing workflow");
    let rows = session
        .query(EXISTING, params![&start.workflow_id])
        .await
        .map_err(failed())?;
    if let Some(mut row) = rows.into_iter().next() {
        if row.take::<Option<String>>(5)?.as_ref() == Some(&start.token) {
            return Ok(Outcome::Committed);
        }
        return Ok(Outcome::Exists(ExistingWorkflow {
            name: row.take(0)?,
            class: row.take(1)?,
            config: row.take(2)?,
            queue: row.take(3)?,
            status: row.take::<String>(4)?.parse().unwrap_or(Status::Pending),
        }));
    }
    if let Some(parent) = &start.parent {
        let params = params![&parent.workflow_id, &parent.token];
        if session
            .query(OWNED, params)
            .await
            .map_err(failed())?
            .is_empty()
        {
            return Ok(Outcome::Fenced);
        }
    }
    let params = params![&start.queue, &start.deduplication_id];
    match first(session.query(HOLDER, params).await.map_err(failed())?)? {
        Some(holder) => Ok(Outcome::Deduplicated { holder }),
        // Its holder let go of the id between the two statements: the batch is tried again.
        None => Err(failed()(sqlx::Error::Protocol(
            "a workflow was neither inserted nor kept off".to_owned(),
        ))),
    }
}

/// What is there instead of a checkpoint that was not inserted.
pub(super) async fn recorded(session: &mut Session<'_>, step: &StepRecord) -> StoreResult<Outcome> {
    let params = params![
        &step.workflow_id,
        step.position,
        &step.token,
        step.name.as_ref(),
        &step.output,
        &step.error,
        &step.child_workflow_id,
        step.completed_at,
        // Its error may be one that the record did not know: that of a message without a destination.
        step.effects.iter().any(Effect::is_message),
    ];
    let rows = session.query(RECORDED, params).await;
    let rows = rows.map_err(StoreError::statement("look for an existing checkpoint"))?;
    let Some(mut row) = rows.into_iter().next() else {
        return Ok(Outcome::Fenced);
    };
    let found = Found {
        owned: row.take(0)?,
        recorded: row.take(1)?,
        same: row.take::<Option<bool>>(2)? == Some(true),
    };
    Ok(found.outcome())
}
