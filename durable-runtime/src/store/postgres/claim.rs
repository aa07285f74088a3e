//! Takes work off queues, and puts back what a dead process was running.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::error::StoreError;
use crate::store::{Claim, ClaimedWorkflow, Identity, StepRow, StoreResult};

/// Rows of one millisecond go by id, the shorter first: the children of one parent, whose ids end in their number, in
/// the order of their starts.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "WITH taken AS (
                SELECT workflow_uuid FROM dbos.workflow_status
                WHERE queue_name = $1 AND status = 'ENQUEUED'
                  AND (application_name IS NULL OR application_name = $3)
                  AND (application_version = $2 OR (application_version IS NULL AND $2 = COALESCE((
                       SELECT version_name FROM dbos.application_versions
                       WHERE application_name IS NULL OR application_name = $3
                       ORDER BY version_timestamp DESC LIMIT 1), $2)))
                ORDER BY priority, created_at, length(workflow_uuid), workflow_uuid
                LIMIT $6 FOR UPDATE ",
            $lock,
            ")
            UPDATE dbos.workflow_status s
            SET status = 'PENDING', owner_xid = $4, executor_id = $5, application_version = $2,
                application_name = COALESCE($3, s.application_name),
                recovery_attempts = s.recovery_attempts + 1,
                started_at_epoch_ms = (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
                updated_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
                workflow_deadline_epoch_ms = COALESCE(s.workflow_deadline_epoch_ms,
                    (EXTRACT(epoch FROM now()) * 1000.0)::bigint + s.workflow_timeout_ms)
            FROM taken WHERE s.workflow_uuid = taken.workflow_uuid AND s.status = 'ENQUEUED'
            RETURNING s.workflow_uuid, s.name, s.serialization, s.recovery_attempts,
                COALESCE((SELECT i.inputs FROM dbos.workflow_input i
                          WHERE i.workflow_uuid = s.workflow_uuid), s.inputs),
                s.priority, s.created_at"
        )
    };
}

/// Without a shared limit processes pass each other by.
const CLAIM: &str = claim!("SKIP LOCKED");
/// With one they all look at the same rows, and all but one give way.
const CLAIM_LIMITED: &str = claim!("NOWAIT");
const BEGIN_LIMITED: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ";

const CLAIMED: &str = "
    SELECT s.workflow_uuid, s.name, s.serialization, s.recovery_attempts,
        COALESCE((SELECT i.inputs FROM dbos.workflow_input i
                  WHERE i.workflow_uuid = s.workflow_uuid), s.inputs),
        s.priority, s.created_at
    FROM dbos.workflow_status s
    WHERE s.queue_name = $1 AND s.status = 'PENDING' AND s.owner_xid = $2";

const RUNNING: &str = "
    SELECT COUNT(*) FROM dbos.workflow_status
    WHERE queue_name = $1 AND status = 'PENDING'
      AND (application_name IS NULL OR application_name = $2)";

const HISTORY: &str = "
    SELECT function_id, function_name, output, error, child_workflow_id, workflow_uuid
    FROM dbos.operation_outputs WHERE workflow_uuid = ANY($1::text[])
    ORDER BY workflow_uuid, function_id";

const REENQUEUE: &str = "
    UPDATE dbos.workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
        queue_name = COALESCE(queue_name, '_dbos_internal_queue'),
        updated_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint
    WHERE status = 'PENDING' AND executor_id = $1 AND application_version = $2
      AND (application_name IS NULL OR application_name = $3)";

const DEAD_LETTER: &str = "
    UPDATE dbos.workflow_status
    SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', owner_xid = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, queue_name = NULL,
        updated_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
        completed_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint
    WHERE workflow_uuid = $1 AND status = 'PENDING' AND owner_xid = $2";

pub(super) async fn claim(pool: &PgPool, claim: &Claim<'_>) -> StoreResult<Vec<ClaimedWorkflow>> {
    let claimed = match claim.concurrency {
        None => claim_free(pool, claim).await,
        Some(concurrency) => match claim_limited(pool, claim, i64::from(concurrency)).await {
            Err(error) if lost_to_another(&error) => Ok(Vec::new()),
            done => done,
        },
    };
    claimed.map_err(StoreError::statement("take work off a queue"))
}

/// Another process took the same rows at the same moment: the next poll sees what is left.
fn lost_to_another(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "55P03"))
}

async fn claim_free(pool: &PgPool, claim: &Claim<'_>) -> sqlx::Result<Vec<ClaimedWorkflow>> {
    let mut connection = pool.acquire().await?;
    let claimed = take(&mut connection, CLAIM, claim, claim.limit).await?;
    with_histories(&mut connection, claimed).await
}

async fn claim_limited(
    pool: &PgPool,
    claim: &Claim<'_>,
    concurrency: i64,
) -> sqlx::Result<Vec<ClaimedWorkflow>> {
    let mut transaction = pool.begin_with(BEGIN_LIMITED).await?;
    let running: i64 = sqlx::query_scalar(RUNNING)
        .bind(claim.queue)
        .bind(&claim.identity.application_name)
        .fetch_one(&mut *transaction)
        .await?;
    let limit = claim.limit.min(concurrency - running);
    if limit <= 0 {
        return Ok(Vec::new());
    }
    let claimed = take(&mut transaction, CLAIM_LIMITED, claim, limit).await?;
    let claimed = with_histories(&mut transaction, claimed).await?;
    transaction.commit().await?;
    Ok(claimed)
}

async fn take(
    connection: &mut PgConnection,
    statement: &'static str,
    claim: &Claim<'_>,
    limit: i64,
) -> sqlx::Result<Vec<ClaimedWorkflow>> {
    let rows = sqlx::query(statement)
        .bind(claim.queue)
        .bind(&claim.identity.application_version)
        .bind(&claim.identity.application_name)
        .bind(claim.token)
        .bind(&claim.identity.executor_id)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    in_order(rows)
}

fn in_order(rows: Vec<PgRow>) -> sqlx::Result<Vec<ClaimedWorkflow>> {
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let order: (i32, i64) = (row.try_get(5)?, row.try_get(6)?);
        let workflow = ClaimedWorkflow {
            workflow_id: row.try_get(0)?,
            name: row.try_get::<Option<String>, _>(1)?.unwrap_or_default(),
            serialization: row.try_get(2)?,
            recovery_attempts: row.try_get::<Option<i64>, _>(3)?.unwrap_or_default(),
            input: row.try_get(4)?,
            history: Vec::new(),
        };
        claimed.push((order, workflow));
    }
    claimed.sort_by(|(left_order, left), (right_order, right)| {
        let key = |workflow: &ClaimedWorkflow| workflow.workflow_id.len();
        left_order
            .cmp(right_order)
            .then_with(|| key(left).cmp(&key(right)))
            .then_with(|| left.workflow_id.cmp(&right.workflow_id))
    });
    Ok(claimed.into_iter().map(|(_, workflow)| workflow).collect())
}

pub(super) async fn claimed(
    pool: &PgPool,
    queue: &str,
    token: &str,
) -> StoreResult<Vec<ClaimedWorkflow>> {
    let read = async {
        let mut connection = pool.acquire().await?;
        let rows = sqlx::query(CLAIMED)
            .bind(queue)
            .bind(token)
            .fetch_all(&mut *connection)
            .await?;
        with_histories(&mut connection, in_order(rows)?).await
    };
    read.await
        .map_err(StoreError::statement("read what was taken off a queue"))
}

async fn with_histories(
    connection: &mut PgConnection,
    mut claimed: Vec<ClaimedWorkflow>,
) -> sqlx::Result<Vec<ClaimedWorkflow>> {
    if claimed.is_empty() {
        return Ok(claimed);
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
    connection: &mut PgConnection,
    workflow_ids: &[&str],
) -> sqlx::Result<HashMap<String, Vec<StepRow>>> {
    let mut histories: HashMap<String, Vec<StepRow>> = HashMap::new();
    for row in sqlx::query(HISTORY)
        .bind(workflow_ids)
        .fetch_all(connection)
        .await?
    {
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

pub(super) async fn reenqueue(pool: &PgPool, identity: &Identity) -> StoreResult<u64> {
    let done = sqlx::query(REENQUEUE)
        .bind(&identity.executor_id)
        .bind(&identity.application_version)
        .bind(&identity.application_name)
        .execute(pool)
        .await
        .map_err(StoreError::statement("recover workflows"))?;
    Ok(done.rows_affected())
}

pub(super) async fn dead_letter(pool: &PgPool, workflow_id: &str, token: &str) -> StoreResult<()> {
    sqlx::query(DEAD_LETTER)
        .bind(workflow_id)
        .bind(token)
        .execute(pool)
        .await
        .map_err(StoreError::statement("give a workflow up"))?;
    Ok(())
}
