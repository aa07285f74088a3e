//! The tables that a fresh database gets are those that DBOS for Python 3.4.0 makes (version 125).
//!
//! The files in `schema/` are catalogues of databases that `dbos migrate` made; with DBOS at hand,
//! `interop/compare_schema.py` compares two living databases.

use std::time::Duration;

use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use durable_tests::{catalogue, postgres};
use sqlx::{Connection, PgConnection, SqliteConnection};

#[tokio::test]
async fn sqlite_tables_are_those_of_dbos() {
    let scratch = Scratch::new();
    let mut connection = SqliteConnection::connect(&scratch.sqlite_url())
        .await
        .unwrap();
    let script = include_str!("../../durable-runtime/src/store/sqlite/schema.sql");
    sqlx::raw_sql(script)
        .execute(&mut connection)
        .await
        .unwrap();

    let lines = catalogue::sqlite(&mut connection).await.unwrap();

    assert_same(&lines, include_str!("schema/sqlite.txt"));
}

#[tokio::test]
async fn postgres_tables_are_those_of_dbos() {
    let url = postgres::fresh_database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for script in [
        "CREATE SCHEMA dbos",
        include_str!("../../durable-runtime/src/store/postgres/schema.sql"),
        include_str!("../../durable-runtime/src/store/postgres/enqueue_workflow.sql"),
    ] {
        sqlx::raw_sql(script)
            .execute(&mut connection)
            .await
            .unwrap();
    }

    let lines = catalogue::postgres(&mut connection).await.unwrap();

    assert_same(&lines, include_str!("schema/postgres.txt"));
}

#[tokio::test]
async fn a_launch_adds_only_tables_of_its_own_to_those_of_dbos_in_sqlite() {
    let store = Store::sqlite();
    let durable = store.open().launch().await.unwrap();
    durable.shutdown(Duration::ZERO).await;

    let mut connection = SqliteConnection::connect(store.url()).await.unwrap();
    let lines = catalogue::sqlite(&mut connection).await.unwrap();

    assert_same(&lines, include_str!("schema/sqlite.txt"));
}

#[tokio::test]
async fn a_launch_adds_only_tables_of_its_own_to_those_of_dbos_in_postgres() {
    let store = Store::postgres().await;
    let durable = store.open().launch().await.unwrap();
    durable.shutdown(Duration::ZERO).await;

    let mut connection = PgConnection::connect(store.url()).await.unwrap();
    let lines = catalogue::postgres(&mut connection).await.unwrap();

    assert_same(&lines, include_str!("schema/postgres.txt"));
}

#[track_caller]
fn assert_same(ours: &[String], theirs: &str) {
    let missing: Vec<_> = theirs
        .lines()
        .filter(|line| !ours.iter().any(|our| our == line))
        .collect();
    let surplus: Vec<_> = ours
        .iter()
        .filter(|our| !theirs.lines().any(|line| line == *our))
        .collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "\nonly in DBOS: {missing:#?}\nonly in ours: {surplus:#?}"
    );
}
