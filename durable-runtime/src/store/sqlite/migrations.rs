//! Brings the DBOS system database in a SQLite file to this crate's schema version.
//!
//! - A file at that version, or a later one, is only read.
//! - All else is one immediate transaction: two processes that start on one file take turns, and
//!   an interrupted migration leaves the file as it was.
//! - Columns that default to the current time in milliseconds spell it with `strftime`:
//!   `unixepoch('subsec')` is NULL, and an insert fails, where the file is opened with a SQLite
//!   before 3.42, as the one in Debian 12 and in many builds of Python.

mod steps;
#[cfg(test)]
mod tests;

use sqlx::{Connection, SqliteConnection};

use self::steps::STEPS;
use crate::store::migrations::{MigrationError, Need, VERSION};

const SCHEMA: &str = include_str!("schema.sql");

/// Creates or upgrades the system tables.
///
/// Waits for another writer for as long as the connection's `busy_timeout` says.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrationError> {
    if recorded_version(connection).await? >= VERSION {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found = recorded_version(&mut transaction).await?;
    match Need::at(found) {
        Some(Need::Nothing) => {}
        Some(Need::Everything) => {
            create(&mut transaction)
                .await
                .map_err(|cause| MigrationError::Step {
                    version: VERSION,
                    cause,
                })?;
        }
        Some(Need::StepsAfter(version)) => upgrade(&mut transaction, version).await?,
        None => {
            return Err(MigrationError::BeforeSharedVersions {
                database: file_name(&mut transaction).await?,
                found,
            });
        }
    }
    transaction.commit().await?;
    Ok(())
}

async fn recorded_version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let exists: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema
                        WHERE type = 'table' AND name = 'dbos_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !exists {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM dbos_migrations")
        .fetch_one(connection)
        .await
}

async fn file_name(connection: &mut SqliteConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(connection)
        .await
}

async fn create(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SCHEMA).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO dbos_migrations (version) VALUES (?)")
        .bind(VERSION)
        .execute(connection)
        .await?;
    Ok(())
}

async fn upgrade(connection: &mut SqliteConnection, from: i64) -> Result<(), MigrationError> {
    for step in STEPS.iter().filter(|step| step.version > from) {
        tracing::info!(version = step.version, "migrating the system database");
        sqlx::raw_sql(step.sql)
            .execute(&mut *connection)
            .await
            .map_err(|cause| MigrationError::Step {
                version: step.version,
                cause,
            })?;
    }
    sqlx::query("UPDATE dbos_migrations SET version = ?")
        .bind(VERSION)
        .execute(connection)
        .await?;
    Ok(())
}
