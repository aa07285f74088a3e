//! Takes work off queues, and puts back what a dead process was running.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::error::StoreError;
use crate::store::{Claim, ClaimedWorkflow, Identity, StepRow, StoreResult};

/// The rows of a queue that this process may take. The planner needs the status as a literal to use the partial
/// index of what is in flight.
macro_rules! candidates {
    () => {
        "queue_name = ?1 AND status = 'ENQUEUED' AND status IN ('ENQUEUED', 'PENDING')
         AND (application_name IS NULL OR application_name = ?3)
         AND (application_version = ?2 OR (application_version IS NULL AND ?2 = COALESCE((
              SELECT version_name FROM application_versions
              WHERE application_name IS NULL OR application_name = ?3
              ORDER BY version_timestamp DESC LIMIT 1), ?2)))"
    };
}

const HAS_WORK: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM workflow_status WHERE ",
    candidates!(),
    ")"
);

const RUNNING: &str = "
    SELECT COUNT(*) FROM workflow_status
    WHERE queue_name = ?1 AND status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')
      AND (application_name IS NULL OR application_name = ?2)";

/// Rows of one millisecond go in the order of their insertion.
const CLAIM: &str = concat!(
    "UPDATE workflow_status
     SET status = 'PENDING', owner_xid = ?4, executor_id = ?5, application_version = ?2,
         application_name = COALESCE(?3, application_name),
         recovery_attempts = recovery_attempts + 1,
         started_at_epoch_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER),
         updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
         workflow_deadline_epoch_ms = COALESCE(workflow_deadline_epoch_ms,
             CAST(unixepoch('subsec') * 1000 AS INTEGER) + workflow_timeout_ms)
     WHERE workflow_uuid IN (
         SELECT workflow_uuid FROM workflow_status WHERE ",
    candidates!(),
    "    ORDER BY priority, created_at, rowid LIMIT ?6)
     RETURNING workflow_uuid, name, serialization, recovery_attempts,
         COALESCE((SELECT i.inputs FROM workflow_input i
                   WHERE i.workflow_uuid = workflow_status.workflow_uuid), inputs),
         priority, created_at, rowid"
);

const CLAIMED: &str = "
    SELECT s.workflow_uuid, s.name, s.serialization, s.recovery_attempts,
        COALESCE((SELECT i.inputs FROM workflow_input i
                  WHERE i.workflow_uuid = s.workflow_uuid), s.inputs),
        s.priority, s.created_at, s.rowid
    FROM workflow_status s
    WHERE s.queue_name = ?1 AND s.status = 'PENDING' AND s.status IN ('ENQUEUED', 'PENDING')
      AND s.owner_xid = ?2";

const HISTORY: &str = "
    SELECT function_id, function_name, output, error, child_workflow_id, workflow_uuid
    FROM operation_outputs WHERE workflow_uuid IN (SELECT value FROM json_each(?1))
    ORDER BY workflow_uuid, function_id";

const REENQUEUE: &str = "
    UPDATE workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
        queue_name = COALESCE(queue_name, '_dbos_internal_queue'),
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE status = 'PENDING' AND executor_id = ?1 AND application_version = ?2
      AND (application_name IS NULL OR application_name = ?3)";

const DEAD_LETTER: &str = "
    UPDATE workflow_status
    SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', owner_xid = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, queue_name = NULL,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
        completed_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE workflow_uuid = ?1 AND status = 'PENDING' AND owner_xid = ?2";

pub(super) async fn has_work(
    connection: &mut SqliteConnection,
    claim: &Claim<'_>,
) -> StoreResult<bool> {
    sqlx::query_scalar(HAS_WORK)
        .bind(claim.queue)
        .bind(&claim.identity.application_version)
        .bind(&claim.identity.application_name)
        .fetch_one(connection)
        .await
        .map_err(StoreError::statement("look at a queue"))
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    claim: &Claim<'_>,
) -> StoreResult<Vec<ClaimedWorkflow>> {
    claim_rows(connection, claim)
        .await
        .map_err(StoreError::statement("take work off a queue"))
}

async fn claim_rows(
    connection: &mut SqliteConnection,
    claim: &Claim<'_>,
) -> sqlx::Result<Vec<ClaimedWorkflow>> {
    let identity = claim.identity;
    let mut limit = claim.limit;
    if let Some(concurrency) = claim.concurrency {
        let running: i64 = sqlx::query_scalar(RUNNING)
            .bind(claim.queue)
            .bind(&identity.application_name)
            .fetch_one(&mut *connection)
            .await?;
        limit = limit.min(i64::from(concurrency) - running);
        if limit <= 0 {
            return Ok(Vec::new());
        }
    }
    let rows = sqlx::query(CLAIM)
        .bind(claim.queue)
        .bind(&identity.application_version)
        .bind(&identity.application_name)
        .bind(claim.token)
        .bind(&identity.executor_id)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    with_histories(connection, rows).await
}

pub(super) async fn claimed(
    connection: &mut SqliteConnection,
    queue: &str,
    token: &str,
) -> StoreResult<Vec<ClaimedWorkflow>> {
    let read = async {
        let rows = sqlx::query(CLAIMED)
            .bind(queue)
            .bind(token)
            .fetch_all(&mut *connection)
            .await?;
        with_histories(connection, rows).await
    };
    read.await
        .map_err(StoreError::statement("read what was taken off a queue"))
}

async fn with_histories(
    connection: &mut SqliteConnection,
    mut rows: Vec<SqliteRow>,
) -> sqlx::Result<Vec<ClaimedWorkflow>> {
    let order = |row: &SqliteRow| -> (i64, i64, i64) {
        (
            row.try_get(5).unwrap_or_default(),
            row.try_get(6).unwrap_or_default(),
            row.try_get(7).unwrap_or_default(),
        )
    };
    rows.sort_by_key(order);
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        claimed.push(ClaimedWorkflow {
            workflow_id: row.try_get(0)?,
            name: row.try_get::<Option<String>, _>(1)?.unwrap_or_default(),
            serialization: row.try_get(2)?,
            recovery_attempts: row.try_get::<Option<i64>, _>(3)?.unwrap_or_default(),
            input: row.try_get(4)?,
            history: Vec::new(),
        });
    }
    let ids: Vec<&str> = claimed
        .iter()
        .map(|workflow| workflow.workflow_id.as_str())
        .collect();
    let mut histories = histories(connection, &ids).await?;
    for workflow in &mut claimed {
        workflow.history = histories.remove(&workflow.workflow_id).unwrap_or_default();
    }
    Ok(claimed)
}

/// The recorded steps of these workflows, by workflow.
pub(super) async fn histories(
    connection: &mut SqliteConnection,
    workflow_ids: &[&str],
) -> sqlx::Result<HashMap<String, Vec<StepRow>>> {
    let mut histories: HashMap<String, Vec<StepRow>> = HashMap::new();
    let ids = serde_json::to_string(workflow_ids).unwrap_or_default();
    for row in sqlx::query(HISTORY).bind(ids).fetch_all(connection).await? {
        histories.entry(row.try_get(5)?).or_default().push(StepRow {
            position: row.try_get(0)?,
            name: row.try_get(1)?,
            output: row.try_get(2)?,
            error: row.try_get(3)?,
            child_workflow_id: row.try_get(4)?,
        });
    }
    Ok(histories)
}

pub(super) async fn reenqueue(
    connection: &mut SqliteConnection,
    identity: &Identity,
) -> StoreResult<u64> {
    let done = sqlx::query(REENQUEUE)
        .bind(&identity.executor_id)
        .bind(&identity.application_version)
        .bind(&identity.application_name)
        .execute(connection)
        .await
        .map_err(StoreError::statement("recover workflows"))?;
    Ok(done.rows_affected())
}

pub(super) async fn dead_letter(
    connection: &mut SqliteConnection,
    workflow_id: &str,
    token: &str,
) -> StoreResult<()> {
    sqlx::query(DEAD_LETTER)
        .bind(workflow_id)
        .bind(token)
        .execute(connection)
        .await
        .map_err(StoreError::statement("give a workflow up"))?;
    Ok(())
}
