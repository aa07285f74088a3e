//! A PostgreSQL database for each test, on the server that `DATABASE_URL` names.

use std::process;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Creates an empty database that no other test knows, and returns its URL.
///
/// It stays until the server goes: a failed test's database can be looked at, where the server
/// is one that lasts.
///
/// # Panics
///
/// When `DATABASE_URL` is not set, or its server cannot be used.
pub async fn fresh_database() -> String {
    let Ok(server) = std::env::var("DATABASE_URL") else {
        panic!(
            "this test needs a PostgreSQL server, and DATABASE_URL names none: run it with \
             `tests/run`, which starts one (`tests/run -E 'test(NAME)'` for one test)"
        );
    };
    make(&server).await
}

/// Creates an empty database on a server that has the extension `vector`: the one that `PGVECTOR_DATABASE_URL` names,
/// else that of `DATABASE_URL`.
///
/// # Panics
///
/// When there is no such server, or it cannot be used.
pub async fn fresh_database_with_vectors() -> String {
    let server = std::env::var("PGVECTOR_DATABASE_URL").or_else(|_| std::env::var("DATABASE_URL"));
    let why = "this test needs a PostgreSQL server with pgvector: run it with `tests/run`, which starts one, or name one \
               in PGVECTOR_DATABASE_URL";
    let Ok(server) = server else {
        panic!("{why}");
    };
    let url = make(&server).await;
    let mut connection = connect(&url).await;
    let available: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM pg_available_extensions WHERE name = 'vector'")
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("the extensions cannot be listed: {error}"));
    assert!(available > 0, "{why}");
    connection.close().await.ok();
    url
}

async fn connect(url: &str) -> sqlx::PgConnection {
    let options = PgConnectOptions::from_str(url)
        .unwrap_or_else(|error| panic!("`{url}` is not a PostgreSQL URL: {error}"));
    options
        .connect()
        .await
        .unwrap_or_else(|error| panic!("the PostgreSQL server at `{url}` does not answer: {error}"))
}

async fn make(server: &str) -> String {
    let options = PgConnectOptions::from_str(server)
        .unwrap_or_else(|error| panic!("`{server}` is not a PostgreSQL URL: {error}"));
    let mut connection = connect(server).await;
    let name = unique_name();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("the role of `{server}` has to create databases: {error}"));
    connection.close().await.ok();
    options.database(&name).to_url_lossy().into()
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{nanos}_{count}", process::id())
}
