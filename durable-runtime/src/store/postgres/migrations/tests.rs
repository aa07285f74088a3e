//! These run where DATABASE_URL names a server; each makes a database of its own on it.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::{LOCK, VERSION, lock, migrate, recorded_version};
use crate::store::migrations::MigrationError;

/// Takes a database of this version back to 100, so that every step has something to do.
const BACK_TO_100: &str = include_str!("back_to_100.sql");

struct Database {
    server: PgConnectOptions,
    name: String,
}

impl Database {
    async fn create() -> Option<Self> {
        let Ok(url) = std::env::var("DATABASE_URL") else {
            eprintln!("skipped: DATABASE_URL names no PostgreSQL server; tests/run starts one");
            return None;
        };
        let server = PgConnectOptions::from_str(&url).unwrap();
        let name = format!("migrations_{}", uuid::Uuid::new_v4().simple());
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut server.connect().await.unwrap())
            .await
            .unwrap();
        Some(Self { server, name })
    }

    async fn connect(&self) -> PgConnection {
        self.server
            .clone()
            .database(&self.name)
            .connect()
            .await
            .unwrap()
    }

    async fn drop(self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut self.server.connect().await.unwrap())
            .await
            .unwrap();
    }
}

/// Every column, constraint, index, trigger and function of schema `dbos`, as the server says it.
async fn schema(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT concat_ws(' ', relname, row_number() OVER (PARTITION BY attrelid ORDER BY attnum),
                          attname, format_type(atttypid, atttypmod), attnotnull,
                          pg_get_expr(adbin, adrelid))
         FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE relnamespace = 'dbos'::regnamespace AND relkind = 'r'
           AND attnum > 0 AND NOT attisdropped
         UNION ALL
         SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
         FROM pg_constraint WHERE connamespace = 'dbos'::regnamespace
         UNION ALL
         SELECT indexdef FROM pg_indexes WHERE schemaname = 'dbos'
         UNION ALL
         SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
         UNION ALL
         SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'dbos'::regnamespace
         ORDER BY 1",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn an_empty_database_comes_to_the_current_version_and_gives_its_lock_back() {
    let Some(database) = Database::create().await else {
        return;
    };
    let mut connection = database.connect().await;

    migrate(&mut connection).await.unwrap();

    assert_eq!(recorded_version(&mut connection).await.unwrap(), VERSION);
    let mut other = database.connect().await;
    lock(&mut other, Duration::ZERO).await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn a_current_database_is_neither_locked_nor_written_to() {
    let Some(database) = Database::create().await else {
        return;
    };
    let mut connection = database.connect().await;
    migrate(&mut connection).await.unwrap();
    let mut other = database.connect().await;
    lock(&mut other, Duration::ZERO).await.unwrap();
    let read_only = "SET default_transaction_read_only = on";
    sqlx::query(read_only)
        .execute(&mut connection)
        .await
        .unwrap();

    migrate(&mut connection).await.unwrap();

    database.drop().await;
}

#[tokio::test]
async fn a_version_of_another_sdk_alone_is_refused_with_advice() {
    let Some(database) = Database::create().await else {
        return;
    };
    let mut connection = database.connect().await;
    migrate(&mut connection).await.unwrap();
    sqlx::query("UPDATE dbos.dbos_migrations SET version = 60")
        .execute(&mut connection)
        .await
        .unwrap();

    let error = migrate(&mut connection).await.unwrap_err();

    assert!(matches!(
        error,
        MigrationError::BeforeSharedVersions { found: 60, .. }
    ));
    let message = error.to_string();
    for part in [database.name.as_str(), "version 60", "dbos migrate"] {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
    database.drop().await;
}

#[tokio::test]
async fn many_processes_may_start_on_one_empty_database() {
    let Some(database) = Database::create().await else {
        return;
    };
    let starts: Vec<_> = (0..4)
        .map(|_| async {
            let mut connection = database.connect().await;
            migrate(&mut connection).await
        })
        .collect();

    let outcomes = futures_util::future::join_all(starts).await;

    for outcome in outcomes {
        outcome.unwrap();
    }
    let mut connection = database.connect().await;
    let rows: Vec<i64> = sqlx::query_scalar("SELECT version FROM dbos.dbos_migrations")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(rows, [VERSION]);
    database.drop().await;
}

#[tokio::test]
async fn a_lock_held_too_long_is_an_error_that_names_the_holder() {
    let Some(database) = Database::create().await else {
        return;
    };
    let mut holder = database.connect().await;
    lock(&mut holder, Duration::ZERO).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut holder)
        .await
        .unwrap();
    let mut connection = database.connect().await;

    let error = lock(&mut connection, Duration::from_millis(150))
        .await
        .unwrap_err();

    let message = error.to_string();
    for part in [database.name.as_str(), &format!("server process {pid}")] {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(&mut holder)
        .await
        .unwrap();
    migrate(&mut connection).await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn the_steps_from_version_100_end_in_the_fresh_schema_and_keep_the_rows() {
    let Some(database) = Database::create().await else {
        return;
    };
    let mut connection = database.connect().await;
    migrate(&mut connection).await.unwrap();
    let fresh = schema(&mut connection).await;
    sqlx::raw_sql(BACK_TO_100)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql(
        "INSERT INTO dbos.workflow_status (workflow_uuid, status) VALUES ('w', 'SUCCESS');
         INSERT INTO dbos.operation_outputs (workflow_uuid, function_id, output)
         VALUES ('w', 1, 'x')",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    assert_ne!(schema(&mut connection).await, fresh);

    migrate(&mut connection).await.unwrap();

    assert_eq!(schema(&mut connection).await, fresh);
    let kept: String = sqlx::query_scalar("SELECT output FROM dbos.operation_outputs")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(kept, "x");
    database.drop().await;
}

#[tokio::test]
async fn an_index_build_that_was_interrupted_is_done_again() {
    let Some(database) = Database::create().await else {
        return;
    };
    let mut connection = database.connect().await;
    migrate(&mut connection).await.unwrap();
    let fresh = schema(&mut connection).await;
    sqlx::raw_sql(
        "DROP INDEX dbos.idx_application_versions_timestamp;
         INSERT INTO dbos.application_versions (version_id, version_name, version_timestamp)
         VALUES ('1', 'a', 7), ('2', 'b', 7);
         UPDATE dbos.dbos_migrations SET version = 123",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::query(
        "CREATE UNIQUE INDEX CONCURRENTLY idx_application_versions_timestamp
         ON dbos.application_versions (version_timestamp DESC)",
    )
    .execute(&mut connection)
    .await
    .expect_err("the two rows are not unique");

    migrate(&mut connection).await.unwrap();

    assert_eq!(schema(&mut connection).await, fresh);
    connection.close().await.unwrap();
    database.drop().await;
}
