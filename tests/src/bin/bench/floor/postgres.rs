//! PostgreSQL: a statement a table and batch, the rows as arrays, on two connections.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Shape;
use crate::rows::{self, Batch, FORMAT, INPUT, OUTPUT, STEP, WORKFLOW};
use crate::run::Run;

const CONNECTIONS: usize = 2;

/// A workflow that is over, or one that begins.
const STATUS: &str = "
    INSERT INTO dbos.workflow_status (workflow_uuid, status, name, executor_id,
        application_version, application_id, recovery_attempts, queue_name, owner_xid, creator_xid,
        serialization, completed_at)
    SELECT id, $3, $4, $5, $5, '', CASE WHEN $8 IS NULL THEN 1 ELSE 0 END, $8,
        CASE WHEN $3 = 'PENDING' THEN token END, token, $7, $6
    FROM unnest($1::text[], $2::text[]) AS given (id, token)";
const INPUTS: &str = "
    INSERT INTO dbos.workflow_input (workflow_uuid, inputs) SELECT unnest($1::text[]), $2";
const CLAIMED: &str = "
    UPDATE dbos.workflow_status SET status = 'PENDING', owner_xid = creator_xid, updated_at = $2,
        started_at_epoch_ms = $2, recovery_attempts = 1
    WHERE workflow_uuid = ANY($1::text[])";
const STEPS: &str = "
    INSERT INTO dbos.operation_outputs (workflow_uuid, function_id, function_name, output,
        started_at_epoch_ms, completed_at_epoch_ms, serialization)
    SELECT unnest($1::text[]), 1, $2, $3, $4, $4, $5";
const OUTPUTS: &str = "
    INSERT INTO dbos.workflow_output (workflow_uuid, output) SELECT unnest($1::text[]), $2";
const COMPLETED: &str = "
    UPDATE dbos.workflow_status SET status = 'SUCCESS', owner_xid = NULL, updated_at = $2,
        completed_at = $2
    WHERE workflow_uuid = ANY($1::text[])";
const ONE_STEP: &str = "
    INSERT INTO dbos.operation_outputs (workflow_uuid, function_id, function_name, output,
        started_at_epoch_ms, completed_at_epoch_ms, serialization)
    VALUES ($1, $2, $3, $4, $5, $5, $6)";

/// Writes n workflows; says how long it took, and in how many commits.
pub(super) async fn batches(run: &Run, shape: Shape) -> Result<(Duration, u64)> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(run).await?);
    }
    let sizes: Arc<Mutex<Vec<u32>>> = Arc::new(Mutex::new(rows::sizes(run.n).collect()));
    let begin = Instant::now();
    let mut writers = JoinSet::new();
    for mut connection in connections {
        let (sizes, executor) = (Arc::clone(&sizes), run.id.clone());
        writers.spawn(async move {
            let mut commits = 0;
            loop {
                let size = sizes.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(size) = size else {
                    return anyhow::Ok(commits);
                };
                commits += write(&mut connection, &Batch::new(size), &executor, shape).await?;
            }
        });
    }
    let mut commits = 0;
    while let Some(written) = writers.join_next().await {
        commits += written.context("a writer ended abnormally")??;
    }
    Ok((begin.elapsed(), commits))
}

async fn write(
    connection: &mut PgConnection,
    batch: &Batch,
    executor: &str,
    shape: Shape,
) -> sqlx::Result<u64> {
    let now = rows::now_ms();
    let completed_at = (shape == Shape::Rows).then_some(now);
    let mut transaction = connection.begin().await?;
    sqlx::query(STATUS)
        .bind(&batch.ids)
        .bind(&batch.tokens)
        .bind(shape.status())
        .bind(WORKFLOW)
        .bind(executor)
        .bind(completed_at)
        .bind(FORMAT)
        .bind(shape.queue())
        .execute(&mut *transaction)
        .await?;
    sqlx::query(INPUTS)
        .bind(&batch.ids)
        .bind(INPUT)
        .execute(&mut *transaction)
        .await?;
    if shape != Shape::Rows {
        transaction.commit().await?;
        transaction = connection.begin().await?;
    }
    if shape == Shape::Queued {
        sqlx::query(CLAIMED)
            .bind(&batch.ids)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        transaction = connection.begin().await?;
    }
    sqlx::query(STEPS)
        .bind(&batch.ids)
        .bind(STEP)
        .bind(OUTPUT)
        .bind(now)
        .bind(FORMAT)
        .execute(&mut *transaction)
        .await?;
    if shape != Shape::Rows {
        transaction.commit().await?;
        transaction = connection.begin().await?;
        sqlx::query(COMPLETED)
            .bind(&batch.ids)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query(OUTPUTS)
        .bind(&batch.ids)
        .bind(OUTPUT)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(shape.commits())
}

/// Commits the rows of the steps of one workflow.
pub(crate) struct Commits {
    connection: PgConnection,
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
            .bind(self.position)
            .bind(STEP)
            .bind(OUTPUT)
            .bind(rows::now_ms())
            .bind(FORMAT)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

async fn connect(run: &Run) -> Result<PgConnection> {
    let options = PgConnectOptions::from_str(&run.db)?;
    Ok(options.connect().await?)
}
