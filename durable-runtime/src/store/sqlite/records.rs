//! Writes records, inside a transaction that the caller began.

use crate::error::StoreError;
use std::str::FromStr;

use sqlx::{Row, SqliteConnection};

use crate::store::{
    CompletionRecord, ExistingWorkflow, Outcome, Record, StartRecord, Status, StepRecord,
    StoreResult,
};
use crate::value::PORTABLE_JSON;

const START: &str = "
    INSERT INTO workflow_status (
        workflow_uuid, status, name, executor_id, application_version, application_id,
        recovery_attempts, queue_name, priority, owner_xid, creator_xid, parent_workflow_id,
        serialization, application_name)
    SELECT ?1, ?2, ?3, ?4, ?5, '', ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
    WHERE ?11 IS NULL
       OR EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = ?11 AND owner_xid = ?14)
    ON CONFLICT (workflow_uuid) DO NOTHING";

const INPUT: &str = "
    INSERT INTO workflow_input (workflow_uuid, inputs) VALUES (?1, ?2)
    ON CONFLICT (workflow_uuid) DO NOTHING";

const EXISTING: &str =
    "SELECT name, status, creator_xid FROM workflow_status WHERE workflow_uuid = ?1";

const STEP: &str = "
    INSERT INTO operation_outputs (
        workflow_uuid, function_id, function_name, output, error, child_workflow_id,
        started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name)
    SELECT s.workflow_uuid, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, s.application_name
    FROM workflow_status s
    WHERE s.workflow_uuid = ?1 AND s.owner_xid = ?2
      AND (?11 IS NULL OR EXISTS (
          SELECT 1 FROM workflow_status c WHERE c.workflow_uuid = ?7 AND c.name = ?11))
    ON CONFLICT (workflow_uuid, function_id) DO NOTHING";

const RECORDED: &str = "
    SELECT s.owner_xid IS ?3, o.function_id IS NOT NULL,
           o.function_name IS ?4 AND o.output IS ?5 AND o.error IS ?6
           AND o.child_workflow_id IS ?7 AND o.completed_at_epoch_ms IS ?8
    FROM workflow_status s
    LEFT JOIN operation_outputs o ON o.workflow_uuid = s.workflow_uuid AND o.function_id = ?2
    WHERE s.workflow_uuid = ?1";

const COMPLETE: &str = "
    UPDATE workflow_status
    SET status = ?3, deduplication_id = NULL, owner_xid = NULL,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
        completed_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE workflow_uuid = ?1 AND status = 'PENDING' AND owner_xid = ?2";

const OUTPUT: &str = "
    INSERT INTO workflow_output (workflow_uuid, output, error) VALUES (?1, ?2, ?3)
    ON CONFLICT (workflow_uuid) DO UPDATE SET output = excluded.output, error = excluded.error";

/// Writes all records, in order; tells what became of each.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    batch: &[Record],
) -> StoreResult<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(batch.len());
    for record in batch {
        let outcome = match record {
            Record::Start(start) => write_start(connection, start).await,
            Record::Step(step) => write_step(connection, step).await,
            Record::Completion(completion) => write_completion(connection, completion).await,
        };
        outcomes.push(outcome.map_err(StoreError::statement("write a record"))?);
    }
    Ok(outcomes)
}

async fn write_start(
    connection: &mut SqliteConnection,
    start: &StartRecord,
) -> sqlx::Result<Outcome> {
    let runs = start.queue.is_none();
    let status = if runs {
        Status::Pending
    } else {
        Status::Enqueued
    };
    let parent = start.parent.as_ref();
    let inserted = sqlx::query(START)
        .bind(&start.workflow_id)
        .bind(status.as_str())
        .bind(start.name)
        .bind(&start.executor_id)
        .bind(&start.application_version)
        .bind(i64::from(runs))
        .bind(&start.queue)
        .bind(start.priority)
        .bind(runs.then_some(&start.token))
        .bind(&start.token)
        .bind(parent.map(|parent| &parent.workflow_id))
        .bind(PORTABLE_JSON)
        .bind(&start.application_name)
        .bind(parent.map(|parent| &parent.token))
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if inserted == 1 {
        sqlx::query(INPUT)
            .bind(&start.workflow_id)
            .bind(&start.input)
            .execute(connection)
            .await?;
        return Ok(Outcome::Committed);
    }
    let existing = sqlx::query(EXISTING)
        .bind(&start.workflow_id)
        .fetch_optional(connection)
        .await?;
    let Some(row) = existing else {
        return Ok(Outcome::Fenced);
    };
    if row.try_get::<Option<&str>, _>(2)? == Some(&start.token) {
        return Ok(Outcome::Committed);
    }
    let status = Status::from_str(row.try_get(1)?).unwrap_or(Status::Pending);
    Ok(Outcome::Exists(ExistingWorkflow {
        name: row.try_get(0)?,
        status,
    }))
}

async fn write_step(connection: &mut SqliteConnection, step: &StepRecord) -> sqlx::Result<Outcome> {
    let has_value = step.output.is_some() || step.error.is_some();
    let inserted = sqlx::query(STEP)
        .bind(&step.workflow_id)
        .bind(&step.token)
        .bind(step.position)
        .bind(step.name.as_ref())
        .bind(&step.output)
        .bind(&step.error)
        .bind(&step.child_workflow_id)
        .bind(step.started_at)
        .bind(step.completed_at)
        .bind(has_value.then_some(PORTABLE_JSON))
        .bind(step.child_name)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if inserted == 1 {
        return Ok(Outcome::Committed);
    }
    let found = sqlx::query(RECORDED)
        .bind(&step.workflow_id)
        .bind(step.position)
        .bind(&step.token)
        .bind(step.name.as_ref())
        .bind(&step.output)
        .bind(&step.error)
        .bind(&step.child_workflow_id)
        .bind(step.completed_at)
        .fetch_optional(connection)
        .await?;
    let Some(row) = found else {
        return Ok(Outcome::Fenced);
    };
    let (owned, recorded, same): (bool, bool, Option<bool>) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(match (owned, recorded) {
        (false, _) => Outcome::Fenced,
        (true, true) if same == Some(true) => Outcome::Committed,
        (true, true) => Outcome::RecordedTwice,
        // The child has another name: its start is answered with that, and there is nothing to link.
        (true, false) => Outcome::Committed,
    })
}

async fn write_completion(
    connection: &mut SqliteConnection,
    completion: &CompletionRecord,
) -> sqlx::Result<Outcome> {
    let status = if completion.result.is_ok() {
        Status::Success
    } else {
        Status::Error
    };
    let completed = sqlx::query(COMPLETE)
        .bind(&completion.workflow_id)
        .bind(&completion.token)
        .bind(status.as_str())
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if completed == 0 {
        return Ok(Outcome::Fenced);
    }
    sqlx::query(OUTPUT)
        .bind(&completion.workflow_id)
        .bind(completion.result.as_ref().ok())
        .bind(completion.result.as_ref().err())
        .execute(connection)
        .await?;
    Ok(Outcome::Committed)
}
