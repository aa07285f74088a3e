//! SQLite: the ids of a chunk in a temporary table, and from there a statement a table. Of ten million ids made by chance,
//! each alone would have to look for its pages: so they are written in their order, and most indexes are made afterwards.
//! Four times from the first to the last: pages come to be as full as by chance, and not quite full.

use std::str::FromStr;

use anyhow::Result;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use crate::rows::{FORMAT, INPUT, OUTPUT, STEP, WORKFLOW, now_ms};
use crate::run::Run;

const TABLE: &str = "CREATE TEMP TABLE given (id TEXT, token TEXT, at INTEGER)";
const GIVEN: &str = "
    WITH RECURSIVE series (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM series WHERE number < ?1
    ), hexes AS MATERIALIZED (
        SELECT number, lower(hex(randomblob(16))) AS id, lower(hex(randomblob(16))) AS token,
            abs(random() % ?3) AS ago
        FROM series
    )
    INSERT INTO temp.given
    SELECT printf('%08x', (?4 + number) * 4 * 0xffffffff / ?5 % 0xffffffff) || '-' || substr(id, 9, 4) || '-4' || substr(id, 14, 3) || '-8'
            || substr(id, 18, 3) || '-' || substr(id, 21),
        substr(token, 1, 8) || '-' || substr(token, 9, 4) || '-4' || substr(token, 14, 3) || '-8'
            || substr(token, 18, 3) || '-' || substr(token, 21),
        ?2 - ago
    FROM hexes";
/// Those that belong to no constraint.
const INDEXES: &str = "
    SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
        AND tbl_name IN ('workflow_status', 'workflow_input', 'workflow_output', 'operation_outputs')";
const STATUS: &str = "
    INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, application_version,
        application_id, recovery_attempts, creator_xid, serialization, created_at, updated_at,
        started_at_epoch_ms, completed_at)
    SELECT id, 'SUCCESS', ?1, 'fill', 'fill', '', 1, token, ?2, at, at + 5, at, at + 5
    FROM temp.given";
const INPUTS: &str = "
    INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp)
    SELECT id, ?1, at FROM temp.given";
const OUTPUTS: &str = "
    INSERT INTO workflow_output (workflow_uuid, output, retention_timestamp)
    SELECT id, ?1, at + 5 FROM temp.given";
const STEPS: &str = "
    INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output,
        started_at_epoch_ms, completed_at_epoch_ms, serialization, retention_timestamp)
    SELECT id, 1, ?1, ?2, at + 1, at + 4, ?3, at + 4 FROM temp.given";

pub(super) async fn fill(run: &Run, span: i64) -> Result<()> {
    let mut connection = SqliteConnectOptions::from_str(&run.db)?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        // Random keys touch pages everywhere.
        .pragma("cache_size", "-512000")
        .connect()
        .await?;
    sqlx::query(TABLE).execute(&mut connection).await?;
    let indexes: Vec<(String, String)> = sqlx::query_as(INDEXES).fetch_all(&mut connection).await?;
    for (name, _) in &indexes {
        let drop = format!("DROP INDEX {name}");
        sqlx::query(AssertSqlSafe(drop))
            .execute(&mut connection)
            .await?;
    }
    let mut before = 0;
    for size in super::chunks(run.n) {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let writer = &mut *transaction;
        sqlx::query("DELETE FROM temp.given")
            .execute(&mut *writer)
            .await?;
        sqlx::query(GIVEN)
            .bind(size)
            .bind(now_ms())
            .bind(span)
            .bind(before)
            .bind(run.n)
            .execute(&mut *writer)
            .await?;
        before += i64::from(size);
        sqlx::query(STATUS)
            .bind(WORKFLOW)
            .bind(FORMAT)
            .execute(&mut *writer)
            .await?;
        sqlx::query(INPUTS)
            .bind(INPUT)
            .execute(&mut *writer)
            .await?;
        sqlx::query(OUTPUTS)
            .bind(OUTPUT)
            .execute(&mut *writer)
            .await?;
        sqlx::query(STEPS)
            .bind(STEP)
            .bind(OUTPUT)
            .bind(FORMAT)
            .execute(&mut *writer)
            .await?;
        transaction.commit().await?;
    }
    for (_, sql) in indexes {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn analyze(run: &Run) -> Result<()> {
    let mut connection = SqliteConnection::connect(&run.db).await?;
    sqlx::query("ANALYZE").execute(&mut connection).await?;
    Ok(())
}
