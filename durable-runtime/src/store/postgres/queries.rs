//! Reads, and the rows that a launch announces.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use super::claim;
use crate::error::StoreError;
use crate::ids;
use crate::store::{Finished, Identity, QueueRow, Status, StepRow, StoreResult, WorkflowStatus};

const VERSION: &str = "
    INSERT INTO dbos.application_versions (version_id, version_name, application_name)
    VALUES ($1, $2, $3)
    ON CONFLICT (version_name) DO UPDATE SET application_name = excluded.application_name
    WHERE application_versions.application_name IS NULL";

const VERSION_OWNER: &str =
    "SELECT application_name FROM dbos.application_versions WHERE version_name = $1";

const QUEUE: &str = "
    INSERT INTO dbos.queues (name, concurrency, worker_concurrency, priority_enabled, partition_queue,
                        polling_interval_sec, application_name)
    VALUES ($1, $2, $3, TRUE, FALSE, $4, $5)
    ON CONFLICT (name) DO UPDATE
    SET concurrency = excluded.concurrency, worker_concurrency = excluded.worker_concurrency,
        polling_interval_sec = excluded.polling_interval_sec,
        application_name = excluded.application_name,
        updated_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint
    WHERE queues.application_name IS NULL OR queues.application_name = excluded.application_name";

const QUEUE_OWNER: &str = "SELECT application_name FROM dbos.queues WHERE name = $1";

const FINISHED: &str = "
    SELECT s.workflow_uuid, s.status, COALESCE(o.output, s.output), COALESCE(o.error, s.error)
    FROM dbos.workflow_status s LEFT JOIN dbos.workflow_output o ON o.workflow_uuid = s.workflow_uuid
    WHERE s.workflow_uuid = ANY($1::text[])
      AND s.status NOT IN ('PENDING', 'ENQUEUED', 'DELAYED')";

macro_rules! workflows {
    ($filter:literal) => {
        concat!(
            "SELECT s.workflow_uuid, s.name, s.status, s.queue_name, s.executor_id,
                 s.application_version, s.recovery_attempts, s.parent_workflow_id,
                 s.created_at, s.completed_at, COALESCE(i.inputs, s.inputs)
             FROM dbos.workflow_status s
             LEFT JOIN dbos.workflow_input i ON i.workflow_uuid = s.workflow_uuid ",
            $filter
        )
    };
}

const WORKFLOW: &str = workflows!("WHERE s.workflow_uuid = $1");
const ACTIVE: &str = workflows!(
    "WHERE s.name = $1 AND s.status IN ('PENDING', 'ENQUEUED', 'DELAYED')
     ORDER BY s.created_at, length(s.workflow_uuid), s.workflow_uuid"
);

pub(super) async fn register(
    connection: &mut PgConnection,
    identity: &Identity,
    queues: &[QueueRow],
) -> StoreResult<()> {
    let failed = || StoreError::statement("register the application version and the queues");
    let application = &identity.application_name;
    sqlx::query(VERSION)
        .bind(ids::token())
        .bind(&identity.application_version)
        .bind(application)
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    owned(
        connection,
        VERSION_OWNER,
        "application version",
        &identity.application_version,
        identity,
    )
    .await?;
    for queue in queues {
        sqlx::query(QUEUE)
            .bind(&queue.name)
            .bind(queue.concurrency)
            .bind(queue.worker_concurrency)
            .bind(queue.polling_interval.as_secs_f64())
            .bind(application)
            .execute(&mut *connection)
            .await
            .map_err(failed())?;
        owned(connection, QUEUE_OWNER, "queue", &queue.name, identity).await?;
    }
    Ok(())
}

/// Reads who owns a name, and checks it.
async fn owned(
    connection: &mut PgConnection,
    statement: &'static str,
    kind: &'static str,
    name: &str,
    identity: &Identity,
) -> StoreResult<()> {
    let owner: Option<String> = sqlx::query_scalar(statement)
        .bind(name)
        .fetch_one(connection)
        .await
        .map_err(StoreError::statement("read who owns a name"))?;
    identity.check_owner(kind, name, owner)
}

pub(super) async fn finished(
    pool: &PgPool,
    workflow_ids: &[String],
) -> StoreResult<Vec<(String, Finished)>> {
    let failed = || StoreError::statement("read outcomes");
    let rows = sqlx::query(FINISHED)
        .bind(workflow_ids)
        .fetch_all(pool)
        .await
        .map_err(failed())?;
    rows.into_iter()
        .map(|row| {
            let workflow_id: String = row.try_get(0).map_err(failed())?;
            let finished = Finished::from_row(
                &workflow_id,
                row.try_get(1).map_err(failed())?,
                row.try_get(2).map_err(failed())?,
                row.try_get(3).map_err(failed())?,
            )?;
            Ok((workflow_id, finished))
        })
        .collect()
}

pub(super) async fn workflow(
    pool: &PgPool,
    workflow_id: &str,
) -> StoreResult<Option<WorkflowStatus>> {
    let row = sqlx::query(WORKFLOW)
        .bind(workflow_id)
        .fetch_optional(pool)
        .await
        .map_err(StoreError::statement("read a workflow"))?;
    row.map(|row| status(&row)).transpose()
}

pub(super) async fn active(pool: &PgPool, name: &str) -> StoreResult<Vec<WorkflowStatus>> {
    let rows = sqlx::query(ACTIVE)
        .bind(name)
        .fetch_all(pool)
        .await
        .map_err(StoreError::statement("list workflows"))?;
    rows.iter().map(status).collect()
}

fn status(row: &PgRow) -> StoreResult<WorkflowStatus> {
    let failed = || StoreError::statement("read a workflow");
    let workflow_id: String = row.try_get(0).map_err(failed())?;
    let status: String = row.try_get(2).map_err(failed())?;
    let status = Status::from_str(&status).map_err(|reason| StoreError::Corrupt {
        workflow_id: workflow_id.clone(),
        reason,
    })?;
    Ok(WorkflowStatus {
        workflow_id,
        name: row
            .try_get::<Option<String>, _>(1)
            .map_err(failed())?
            .unwrap_or_default(),
        status,
        queue_name: row.try_get(3).map_err(failed())?,
        executor_id: row.try_get(4).map_err(failed())?,
        application_version: row.try_get(5).map_err(failed())?,
        recovery_attempts: row
            .try_get::<Option<i64>, _>(6)
            .map_err(failed())?
            .unwrap_or_default(),
        parent_workflow_id: row.try_get(7).map_err(failed())?,
        created_at_ms: row.try_get(8).map_err(failed())?,
        completed_at_ms: row.try_get(9).map_err(failed())?,
        input: row.try_get(10).map_err(failed())?,
    })
}

pub(super) async fn steps(pool: &PgPool, workflow_id: &str) -> StoreResult<Vec<StepRow>> {
    let failed = || StoreError::statement("read steps");
    let mut connection = pool.acquire().await.map_err(failed())?;
    let mut histories = claim::histories(&mut connection, &[workflow_id])
        .await
        .map_err(failed())?;
    Ok(histories.remove(workflow_id).unwrap_or_default())
}
