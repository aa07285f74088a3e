//! Brings the DBOS system database in a PostgreSQL database to this crate's schema version.
//!
//! - A database at that version, or a later one, is only read: no lock, no write.
//! - All else happens under the advisory lock that every DBOS SDK takes for migrations.
//! - The fresh schema is one transaction. A step is one transaction with its version, except the
//!   steps that build or drop an index beside running traffic: those cannot run in one, so they
//!   bear being repeated, and their version follows in a second statement.

mod steps;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use self::steps::{STEPS, Step};
use crate::store::migrations::{MigrationError, Need, VERSION};

const LOCK: i64 = 1_234_567_890;
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
const LOCK_RETRY: Duration = Duration::from_millis(100);

const SCHEMA: &str = include_str!("schema.sql");
const ENQUEUE_WORKFLOW: &str = include_str!("enqueue_workflow.sql");

/// Creates or upgrades the system tables in schema `dbos`.
///
/// # Cancel safety
///
/// The migration lock belongs to the session: close the connection when this future is dropped
/// unfinished.
pub(crate) async fn migrate(connection: &mut PgConnection) -> Result<(), MigrationError> {
    // A version below the shared ones may be another SDK's migration in progress, so nothing
    // but "current" is concluded before the lock is held.
    if recorded_version(connection).await? >= VERSION {
        return Ok(());
    }
    lock(connection, LOCK_TIMEOUT).await?;
    let outcome = migrate_locked(connection).await;
    let released = sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(connection)
        .await;
    outcome?;
    released?;
    Ok(())
}

async fn recorded_version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let exists: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_tables
                        WHERE schemaname = 'dbos' AND tablename = 'dbos_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !exists {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM dbos.dbos_migrations")
        .fetch_one(connection)
        .await
}

/// Takes the migration lock, asking again and again rather than waiting inside one statement:
/// the open snapshot of a waiting statement would hold up the index builds of the lock's holder.
async fn lock(connection: &mut PgConnection, timeout: Duration) -> Result<(), MigrationError> {
    let start = Instant::now();
    loop {
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *connection)
            .await?;
        if taken {
            return Ok(());
        }
        if start.elapsed() >= timeout {
            return Err(MigrationError::Locked {
                database: database_name(connection).await?,
                holder: lock_holder(connection).await?,
                waited: start.elapsed(),
            });
        }
        tokio::time::sleep(LOCK_RETRY).await;
    }
}

async fn lock_holder(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let holder: Option<String> = sqlx::query_scalar(
        "SELECT format('server process %s (%s)', pid, coalesce(nullif(application_name, ''), 'unnamed'))
         FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND granted AND objsubid = 1
           AND classid = ($1 >> 32)::int8::oid AND objid = ($1 & 4294967295)::int8::oid
           AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         LIMIT 1",
    )
    .bind(LOCK)
    .fetch_optional(connection)
    .await?;
    Ok(holder.unwrap_or_else(|| "another session".to_owned()))
}

async fn database_name(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT format('database %I', current_database())")
        .fetch_one(connection)
        .await
}

async fn migrate_locked(connection: &mut PgConnection) -> Result<(), MigrationError> {
    let found = recorded_version(connection).await?;
    match Need::at(found) {
        Some(Need::Nothing) => Ok(()),
        Some(Need::Everything) => create(connection)
            .await
            .map_err(|cause| MigrationError::Step {
                version: VERSION,
                cause,
            }),
        Some(Need::StepsAfter(version)) => upgrade(connection, version).await,
        None => Err(MigrationError::BeforeSharedVersions {
            database: database_name(connection).await?,
            found,
        }),
    }
}

async fn create(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // IF NOT EXISTS would ask for the right to create schemas even where the schema was made
    // beforehand for a role that lacks it.
    let exists: bool = sqlx::query_scalar("SELECT to_regnamespace('dbos') IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await?;
    if !exists {
        sqlx::query("CREATE SCHEMA dbos")
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    sqlx::raw_sql(ENQUEUE_WORKFLOW)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("INSERT INTO dbos.dbos_migrations (version) VALUES ($1)")
        .bind(VERSION)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

async fn upgrade(connection: &mut PgConnection, from: i64) -> Result<(), MigrationError> {
    for step in STEPS.iter().filter(|step| step.version > from) {
        tracing::info!(version = step.version, "migrating the system database");
        apply(connection, step)
            .await
            .map_err(|cause| MigrationError::Step {
                version: step.version,
                cause,
            })?;
    }
    Ok(())
}

async fn apply(connection: &mut PgConnection, step: &Step) -> Result<(), sqlx::Error> {
    if step.online {
        drop_invalid_indexes(connection).await?;
        sqlx::query(step.sql).execute(&mut *connection).await?;
        return record_version(connection, step.version).await;
    }
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(step.sql).execute(&mut *transaction).await?;
    record_version(&mut transaction, step.version).await?;
    transaction.commit().await
}

async fn record_version(connection: &mut PgConnection, version: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE dbos.dbos_migrations SET version = $1")
        .bind(version)
        .execute(connection)
        .await?;
    Ok(())
}

/// Drops what interrupted index builds left behind: an invalid index serves no query, yet it
/// counts as existing when the build is repeated.
async fn drop_invalid_indexes(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let statements: Vec<String> = sqlx::query_scalar(
        "SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %s', indexrelid::regclass)
         FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
         WHERE NOT indisvalid AND relnamespace = 'dbos'::regnamespace",
    )
    .fetch_all(&mut *connection)
    .await?;
    for statement in statements {
        tracing::warn!(statement, "an index build was interrupted earlier");
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
