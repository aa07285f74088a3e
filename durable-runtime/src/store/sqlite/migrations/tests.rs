use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::{VERSION, migrate, recorded_version};
use crate::store::migrations::MigrationError;

/// Takes a database of this version back to 100, so that every step has something to do.
const BACK_TO_100: &str = include_str!("back_to_100.sql");

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(Duration::from_secs(30))
        .connect()
        .await
        .unwrap()
}

async fn counters(connection: &mut SqliteConnection) -> (i64, i64) {
    sqlx::query_as(
        "SELECT data_version, schema_version FROM pragma_data_version, pragma_schema_version",
    )
    .fetch_one(connection)
    .await
    .unwrap()
}

/// Every table's columns, foreign keys and indexes, as the database describes them.
async fn schema(connection: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT concat_ws(' ', t.name, c.cid, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk)
         FROM pragma_table_list t, pragma_table_xinfo(t.name) c WHERE t.schema = 'main'
         UNION ALL
         SELECT concat_ws(' ', t.name, f.\"from\", f.\"table\", f.\"to\", f.on_update, f.on_delete)
         FROM pragma_table_list t, pragma_foreign_key_list(t.name) f WHERE t.schema = 'main'
         UNION ALL
         SELECT concat_ws(' ', t.name, i.name, i.\"unique\", i.origin, i.partial, c.seqno, c.name,
                          c.\"desc\", c.key)
         FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) c
         WHERE t.schema = 'main'
         ORDER BY 1",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn an_empty_file_comes_to_the_current_version() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = connect(&directory.path().join("app.db")).await;

    migrate(&mut connection).await.unwrap();

    assert_eq!(recorded_version(&mut connection).await.unwrap(), VERSION);
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'table'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(tables, 12);
}

#[tokio::test]
async fn a_default_time_is_whole_milliseconds() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = connect(&directory.path().join("app.db")).await;
    migrate(&mut connection).await.unwrap();
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();

    let before = now();
    let (kind, time): (String, i64) = sqlx::query_as(
        "INSERT INTO workflow_input (workflow_uuid) VALUES ('w')
         RETURNING typeof(retention_timestamp), retention_timestamp",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();

    assert_eq!(kind, "integer");
    assert!((before..=now()).contains(&u128::try_from(time).unwrap()));
}

#[tokio::test]
async fn a_current_file_is_not_written_to_even_while_another_writes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let mut first = connect(&path).await;
    migrate(&mut first).await.unwrap();
    let mut observer = connect(&path).await;
    let before = counters(&mut observer).await;

    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut first)
        .await
        .unwrap();
    migrate(&mut connect(&path).await).await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut first).await.unwrap();

    assert_eq!(counters(&mut observer).await, before);
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let mut connection = connect(&path).await;
    migrate(&mut connection).await.unwrap();
    sqlx::query("UPDATE dbos_migrations SET version = 130")
        .execute(&mut connection)
        .await
        .unwrap();

    migrate(&mut connection).await.unwrap();

    assert_eq!(recorded_version(&mut connection).await.unwrap(), 130);
}

#[tokio::test]
async fn a_version_of_another_sdk_alone_is_refused_with_advice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let mut connection = connect(&path).await;
    sqlx::raw_sql(
        "CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
         INSERT INTO dbos_migrations VALUES (60)",
    )
    .execute(&mut connection)
    .await
    .unwrap();

    let error = migrate(&mut connection).await.unwrap_err();

    assert!(matches!(
        error,
        MigrationError::BeforeSharedVersions { found: 60, .. }
    ));
    let message = error.to_string();
    for part in [path.to_str().unwrap(), "version 60", "dbos migrate"] {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
    assert_eq!(recorded_version(&mut connection).await.unwrap(), 60);
}

#[tokio::test]
async fn two_processes_may_start_on_one_empty_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    for _ in 0..20 {
        let (mut first, mut second) = (connect(&path).await, connect(&path).await);

        let (one, other) = tokio::join!(migrate(&mut first), migrate(&mut second));

        one.unwrap();
        other.unwrap();
        let rows: Vec<i64> = sqlx::query_scalar("SELECT version FROM dbos_migrations")
            .fetch_all(&mut first)
            .await
            .unwrap();
        assert_eq!(rows, [VERSION]);
        drop((first, second));
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn the_steps_from_version_100_end_in_the_fresh_schema_and_keep_the_rows() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = connect(&directory.path().join("app.db")).await;
    migrate(&mut connection).await.unwrap();
    let fresh = schema(&mut connection).await;
    sqlx::raw_sql(BACK_TO_100)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql(
        "INSERT INTO workflow_status (workflow_uuid, status) VALUES ('w', 'SUCCESS');
         INSERT INTO operation_outputs (workflow_uuid, function_id, output) VALUES ('w', 1, 'x')",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    assert_ne!(schema(&mut connection).await, fresh);

    migrate(&mut connection).await.unwrap();

    assert_eq!(schema(&mut connection).await, fresh);
    let row: (String, i64, String, bool) = sqlx::query_as(
        "SELECT workflow_uuid, function_id, output, retention_timestamp > 1500000000000
         FROM operation_outputs",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(row, ("w".into(), 1, "x".into(), true));
}

#[tokio::test]
async fn a_failing_step_leaves_the_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = connect(&directory.path().join("app.db")).await;
    migrate(&mut connection).await.unwrap();
    sqlx::raw_sql(BACK_TO_100)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query("ALTER TABLE notifications ADD COLUMN consumed_by_function_id INTEGER")
        .execute(&mut connection)
        .await
        .unwrap();
    let before = schema(&mut connection).await;

    let error = migrate(&mut connection).await.unwrap_err();

    assert!(matches!(error, MigrationError::Step { version: 121, .. }));
    assert_eq!(schema(&mut connection).await, before);
    assert_eq!(recorded_version(&mut connection).await.unwrap(), 100);
}
