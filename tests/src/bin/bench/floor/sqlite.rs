//! SQLite: a statement a table and batch, the rows as JSON, on the one connection that writes; WAL and
//! `synchronous = FULL`, or as the run has it.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::Result;
use durable_runtime::Synchronous;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use super::Shape;
use crate::rows::{self, Batch, FORMAT, INPUT, OUTPUT, STEP, WORKFLOW};
use crate::run::Run;

/// Workflows that are over, or that begin.
const STATUS: &str = "
    INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, application_version,
        application_id, recovery_attempts, queue_name, owner_xid, creator_xid, serialization,
        completed_at)
    SELECT value ->> 0, ?2, ?3, ?4, ?4, '', ?7 IS NULL, ?7,
        CASE WHEN ?2 = 'PENDING' THEN value ->> 1 END, value ->> 1, ?6, ?5
    FROM jsonb_each(?1)";
const INPUTS: &str = "
    INSERT INTO workflow_input (workflow_uuid, inputs) SELECT value ->> 0, ?2 FROM jsonb_each(?1)";
const CLAIMED: &str = "
    UPDATE workflow_status SET status = 'PENDING', owner_xid = creator_xid, updated_at = ?2,
        started_at_epoch_ms = ?2, recovery_attempts = 1
    WHERE workflow_uuid IN (SELECT value ->> 0 FROM jsonb_each(?1))";
const STEPS: &str = "
    INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output,
        started_at_epoch_ms, completed_at_epoch_ms, serialization)
    SELECT value ->> 0, 1, ?2, ?3, ?4, ?4, ?5 FROM jsonb_each(?1)";
const OUTPUTS: &str = "
    INSERT INTO workflow_output (workflow_uuid, output) SELECT value ->> 0, ?2 FROM jsonb_each(?1)";
const COMPLETED: &str = "
    UPDATE workflow_status SET status = 'SUCCESS', owner_xid = NULL, updated_at = ?2,
        completed_at = ?2
    WHERE workflow_uuid IN (SELECT value ->> 0 FROM jsonb_each(?1))";
const ONE_STEP: &str = "
    INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output,
        started_at_epoch_ms, completed_at_epoch_ms, serialization)
    VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)";
const BEGIN: &str = "BEGIN IMMEDIATE";

/// Writes n workflows; says how long it took, and in how many commits.
pub(super) async fn batches(run: &Run, shape: Shape) -> Result<(Duration, u64)> {
    let mut connection = connect(run).await?;
    let begin = Instant::now();
    let mut commits = 0;
    for size in rows::sizes(run.n) {
        commits += write(&mut connection, &Batch::new(size), &run.id, shape).await?;
    }
    Ok((begin.elapsed(), commits))
}

async fn write(
    connection: &mut SqliteConnection,
    batch: &Batch,
    executor: &str,
    shape: Shape,
) -> sqlx::Result<u64> {
    let now = rows::now_ms();
    let completed_at = (shape == Shape::Rows).then_some(now);
    let pairs: Vec<_> = batch.ids.iter().zip(&batch.tokens).collect();
    let given = serde_json::to_string(&pairs).unwrap_or_default();
    let given = given.as_str();
    let mut transaction = connection.begin_with(BEGIN).await?;
    sqlx::query(STATUS)
        .bind(given)
        .bind(shape.status())
        .bind(WORKFLOW)
        .bind(executor)
        .bind(completed_at)
        .bind(FORMAT)
        .bind(shape.queue())
        .execute(&mut *transaction)
        .await?;
    sqlx::query(INPUTS)
        .bind(given)
        .bind(INPUT)
        .execute(&mut *transaction)
        .await?;
    if shape != Shape::Rows {
        transaction.commit().await?;
        transaction = connection.begin_with(BEGIN).await?;
    }
    if shape == Shape::Queued {
        sqlx::query(CLAIMED)
            .bind(given)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        transaction = connection.begin_with(BEGIN).await?;
    }
    sqlx::query(STEPS)
        .bind(given)
        .bind(STEP)
        .bind(OUTPUT)
        .bind(now)
        .bind(FORMAT)
        .execute(&mut *transaction)
        .await?;
    if shape != Shape::Rows {
        transaction.commit().await?;
        transaction = connection.begin_with(BEGIN).await?;
        sqlx::query(COMPLETED)
            .bind(given)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query(OUTPUTS)
        .bind(given)
        .bind(OUTPUT)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(shape.commits())
}

/// Commits the rows of the steps of one workflow.
pub(crate) struct Commits {
    connection: SqliteConnection,
    workflow: String,
    position: i32,
}

impl Commits {
    pub(super) async fn open(run: &Run) -> Result<Self> {
        Ok(Self {
            connection: connect(run).await?,
            workflow: Uuid::new_v4().to_string(),
            position: 0,
        })
    }

    pub(super) async fn one_more(&mut self) -> Result<()> {
        self.position += 1;
        sqlx::query(ONE_STEP)
            .bind(&self.workflow)
            .bind(i64::from(self.position))
            .bind(STEP)
            .bind(OUTPUT)
            .bind(rows::now_ms())
            .bind(FORMAT)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

async fn connect(run: &Run) -> Result<SqliteConnection> {
    // As the runtime has it.
    let options = SqliteConnectOptions::from_str(&run.db)?
        .pragma("temp_store", "MEMORY")
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match run.synchronous {
            Synchronous::Normal => SqliteSynchronous::Normal,
            _ => SqliteSynchronous::Full,
        });
    Ok(options.connect().await?)
}
