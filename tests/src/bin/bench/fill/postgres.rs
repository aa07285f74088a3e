//! PostgreSQL: all rows of a chunk in one statement, on two connections.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use crate::rows::{FORMAT, INPUT, OUTPUT, STEP, WORKFLOW, now_ms};
use crate::run::Run;

const CONNECTIONS: usize = 2;

const ROWS: &str = "
    WITH given AS MATERIALIZED (
        SELECT gen_random_uuid()::text AS id, gen_random_uuid()::text AS token,
            $2::bigint - floor(random() * $3::bigint)::bigint AS at
        FROM generate_series(1, $1)
    ), statuses AS (
        INSERT INTO dbos.workflow_status (workflow_uuid, status, name, executor_id,
            application_version, application_id, recovery_attempts, creator_xid, serialization,
            created_at, updated_at, started_at_epoch_ms, completed_at)
        SELECT id, 'SUCCESS', $4, 'fill', 'fill', '', 1, token, $5, at, at + 5, at, at + 5
        FROM given
    ), inputs AS (
        INSERT INTO dbos.workflow_input (workflow_uuid, inputs, retention_timestamp)
        SELECT id, $6, at FROM given
    ), outputs AS (
        INSERT INTO dbos.workflow_output (workflow_uuid, output, retention_timestamp)
        SELECT id, $7, at + 5 FROM given
    )
    INSERT INTO dbos.operation_outputs (workflow_uuid, function_id, function_name, output,
        started_at_epoch_ms, completed_at_epoch_ms, serialization, retention_timestamp)
    SELECT id, 1, $8, $7, at + 1, at + 4, $5, at + 4 FROM given";

pub(super) async fn fill(run: &Run, span: i64) -> Result<()> {
    let sizes: Arc<Mutex<Vec<u32>>> = Arc::new(Mutex::new(super::chunks(run.n).collect()));
    let mut writers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let sizes = Arc::clone(&sizes);
        let mut connection = PgConnection::connect(&run.db).await?;
        // What a crash of the server takes away can be written again.
        sqlx::query("SET synchronous_commit = off")
            .execute(&mut connection)
            .await?;
        writers.spawn(async move {
            loop {
                let size = sizes.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(size) = size else {
                    return anyhow::Ok(());
                };
                sqlx::query(ROWS)
                    .bind(i32::try_from(size)?)
                    .bind(now_ms())
                    .bind(span)
                    .bind(WORKFLOW)
                    .bind(FORMAT)
                    .bind(INPUT)
                    .bind(OUTPUT)
                    .bind(STEP)
                    .execute(&mut connection)
                    .await?;
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.context("a writer ended abnormally")??;
    }
    Ok(())
}

pub(super) async fn analyze(run: &Run) -> Result<()> {
    let mut connection = PgConnection::connect(&run.db).await?;
    let tables = "dbos.workflow_status, dbos.workflow_input, dbos.workflow_output,
        dbos.operation_outputs";
    // As autovacuum would have done in all those days.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("VACUUM (ANALYZE) {tables}")))
        .execute(&mut connection)
        .await?;
    Ok(())
}
