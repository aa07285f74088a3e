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
    let options = PgConnectOptions::from_str(&server)
        .unwrap_or_else(|error| panic!("DATABASE_URL is not a PostgreSQL URL: {error}"));
    let mut connection = options.connect().await.unwrap_or_else(|error| {
        panic!("the PostgreSQL server of DATABASE_URL does not answer: {error}")
    });
    let name = unique_name();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("DATABASE_URL's role has to create databases: {error}"));
    connection.close().await.ok();
    options.database(&name).to_url_lossy().into()
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{nanos}_{count}", process::id())
}
