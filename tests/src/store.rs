//! A fresh database of either kind, and its rows as JSON, so that one test serves both kinds.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durable_runtime::Durable;
use serde_json::Value as Json;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, Connection, Row, TypeInfo, ValueRef};

use crate::postgres;
use crate::scratch::Scratch;

const PATIENCE: Duration = Duration::from_secs(30);

/// A fresh database that one test has for itself.
pub struct Store {
    url: String,
    kind: Kind,
}

enum Kind {
    Sqlite(Scratch),
    Postgres,
}

impl Store {
    /// A SQLite file that does not exist yet.
    pub fn sqlite() -> Self {
        let scratch = Scratch::new();
        Self {
            url: scratch.sqlite_url(),
            kind: Kind::Sqlite(scratch),
        }
    }

    /// An empty PostgreSQL database.
    ///
    /// # Panics
    ///
    /// When there is no server: see [`postgres::fresh_database`].
    pub async fn postgres() -> Self {
        Self {
            url: postgres::fresh_database().await,
            kind: Kind::Postgres,
        }
    }

    /// An empty PostgreSQL database on a server that has the extension `vector`.
    ///
    /// # Panics
    ///
    /// When there is no such server: see [`postgres::fresh_database_with_vectors`].
    pub async fn postgres_with_vectors() -> Self {
        Self {
            url: postgres::fresh_database_with_vectors().await,
            kind: Kind::Postgres,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.kind, Kind::Postgres)
    }

    /// The SQLite file.
    pub fn path(&self) -> Option<std::path::PathBuf> {
        match &self.kind {
            Kind::Sqlite(scratch) => Some(scratch.file("app.db")),
            Kind::Postgres => None,
        }
    }

    /// A runtime on this database: executor `worker`, version `1`, so that a second one takes up
    /// what the first leaves behind.
    pub fn open(&self) -> durable_runtime::Builder {
        Durable::open(&self.url).executor_id("worker").version("1")
    }

    /// An id that no other test of this process uses; a child's default id is never one.
    pub fn id(&self, name: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        format!("{name}.{}", COUNT.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs statements, separated by semicolons, one after the other; `$1`, `$2` … in a single
    /// statement are replaced by the quoted `values`.
    ///
    /// # Panics
    ///
    /// When the database refuses one.
    pub async fn execute(&self, sql: &str, values: &[&str]) -> u64 {
        let sql = filled_in(sql, values);
        let done = match self.connect().await {
            Either::Sqlite(mut connection) => sqlx::raw_sql(AssertSqlSafe(sql.clone()))
                .execute(&mut connection)
                .await
                .map(|done| done.rows_affected()),
            Either::Postgres(mut connection) => sqlx::raw_sql(AssertSqlSafe(sql.clone()))
                .execute(&mut connection)
                .await
                .map(|done| done.rows_affected()),
        };
        done.unwrap_or_else(|error| panic!("the database refuses `{sql}`: {error}"))
    }

    /// The rows of a query, each as an array of values.
    ///
    /// # Panics
    ///
    /// When the database refuses it, or a column has a type that no test needed so far.
    pub async fn rows(&self, sql: &str, values: &[&str]) -> Vec<Json> {
        let sql = filled_in(sql, values);
        let refused =
            |error: sqlx::Error| -> Vec<Json> { panic!("the database refuses `{sql}`: {error}") };
        match self.connect().await {
            Either::Sqlite(mut connection) => sqlx::query(AssertSqlSafe(sql.clone()))
                .fetch_all(&mut connection)
                .await
                .map_or_else(refused, |rows| rows.iter().map(sqlite_row).collect()),
            Either::Postgres(mut connection) => sqlx::query(AssertSqlSafe(sql.clone()))
                .fetch_all(&mut connection)
                .await
                .map_or_else(refused, |rows| rows.iter().map(postgres_row).collect()),
        }
    }

    /// The only row of a query.
    ///
    /// # Panics
    ///
    /// When there is not exactly one.
    pub async fn row(&self, sql: &str, values: &[&str]) -> Json {
        let mut rows = self.rows(sql, values).await;
        assert_eq!(rows.len(), 1, "`{sql}` of {values:?} gives {rows:?}");
        rows.remove(0)
    }

    /// The only value of a query.
    ///
    /// # Panics
    ///
    /// When there is not exactly one row.
    pub async fn value(&self, sql: &str, values: &[&str]) -> Json {
        self.row(sql, values).await[0].take()
    }

    /// A column of a workflow's row in `workflow_status`.
    pub async fn status(&self, workflow_id: &str, column: &str) -> Json {
        let sql = format!("SELECT {column} FROM workflow_status WHERE workflow_uuid = $1");
        self.value(&sql, &[workflow_id]).await
    }

    /// The recorded calls of a workflow, in order: number, name, output, error, child.
    pub async fn steps(&self, workflow_id: &str) -> Vec<Json> {
        self.rows(
            "SELECT function_id, function_name, output, error, child_workflow_id
             FROM operation_outputs WHERE workflow_uuid = $1 ORDER BY function_id",
            &[workflow_id],
        )
        .await
    }

    /// The names of the recorded calls of a workflow, each behind its number.
    pub async fn step_names(&self, workflow_id: &str) -> Vec<String> {
        let steps = self.steps(workflow_id).await;
        let name = |step: &Json| format!("{} {}", step[0], step[1].as_str().unwrap_or("?"));
        steps.iter().map(name).collect()
    }

    /// Every row of every table, as text: whether anything was written.
    ///
    /// # Panics
    ///
    /// When the database cannot be read.
    pub async fn dump(&self) -> Vec<String> {
        let tables = match self.kind {
            Kind::Sqlite(_) => "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1",
            Kind::Postgres => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'dbos' ORDER BY 1"
            }
        };
        let mut lines = Vec::new();
        for table in self.rows(tables, &[]).await {
            let table = table[0].as_str().unwrap_or_default();
            let rows = match self.kind {
                Kind::Sqlite(_) => {
                    let columns = format!(
                        "SELECT 'quote(' || group_concat('\"' || name || '\"', ') || '','' || quote(') || ')'
                         FROM pragma_table_info('{table}')"
                    );
                    let columns = self.value(&columns, &[]).await;
                    let columns = columns.as_str().unwrap_or_default();
                    format!("SELECT {columns} FROM {table} ORDER BY 1")
                }
                Kind::Postgres => format!("SELECT t::text FROM dbos.{table} t ORDER BY 1"),
            };
            let rows = self.rows(&rows, &[]).await;
            lines.extend(rows.iter().map(|row| format!("{table}: {}", row[0])));
        }
        lines
    }

    /// Waits until a query gives `expected`.
    ///
    /// # Panics
    ///
    /// When it does not within 30 s.
    pub async fn becomes(&self, sql: &str, values: &[&str], expected: impl Into<Json>) {
        let expected = expected.into();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let rows = self.rows(sql, values).await;
            let now = rows.first().map_or(&Json::Null, |row| &row[0]);
            if *now == expected {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "`{sql}` of {values:?} gives {now} after {PATIENCE:?}, not {expected}"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets nobody write workflows, checkpoints, leases or versions until the guard is released.
    ///
    /// # Panics
    ///
    /// When the database refuses.
    pub async fn block_writes(&self) -> BlockedWrites {
        let mut connection = self.connect().await;
        let blocked = match &mut connection {
            Either::Sqlite(connection) => sqlx::raw_sql("BEGIN IMMEDIATE")
                .execute(connection)
                .await
                .map(drop),
            Either::Postgres(connection) => {
                let sql = "BEGIN; LOCK TABLE workflow_status, operation_outputs, durable_executors,
                    application_versions IN EXCLUSIVE MODE";
                sqlx::raw_sql(sql).execute(connection).await.map(drop)
            }
        };
        blocked.unwrap_or_else(|error| panic!("cannot block writes: {error}"));
        BlockedWrites(connection)
    }

    async fn connect(&self) -> Either {
        match self.kind {
            Kind::Sqlite(_) => Either::Sqlite(
                SqliteConnection::connect(&self.url)
                    .await
                    .unwrap_or_else(|error| panic!("cannot open {}: {error}", self.url)),
            ),
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&self.url)
                    .await
                    .unwrap_or_else(|error| panic!("cannot open {}: {error}", self.url));
                sqlx::raw_sql("SET search_path = dbos, public")
                    .execute(&mut connection)
                    .await
                    .unwrap_or_else(|error| panic!("cannot set the search path: {error}"));
                Either::Postgres(connection)
            }
        }
    }
}

/// While it lives nobody else writes.
pub struct BlockedWrites(Either);

impl BlockedWrites {
    /// Lets writers go on.
    ///
    /// # Panics
    ///
    /// When the connection is lost.
    pub async fn release(mut self) {
        let released = match &mut self.0 {
            Either::Sqlite(connection) => sqlx::raw_sql("ROLLBACK")
                .execute(connection)
                .await
                .map(drop),
            Either::Postgres(connection) => sqlx::raw_sql("ROLLBACK")
                .execute(connection)
                .await
                .map(drop),
        };
        released.unwrap_or_else(|error| panic!("cannot let writers go on: {error}"));
    }
}

enum Either {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

fn filled_in(sql: &str, values: &[&str]) -> String {
    let mut sql = sql.to_owned();
    for (index, value) in values.iter().enumerate().rev() {
        let quoted = format!("'{}'", value.replace('\'', "''"));
        sql = sql.replace(&format!("${}", index + 1), &quoted);
    }
    sql
}

fn sqlite_row(row: &SqliteRow) -> Json {
    let value = |index: usize| {
        let raw = row.try_get_raw(index).expect("the column exists");
        if raw.is_null() {
            return Json::Null;
        }
        match raw.type_info().name() {
            "INTEGER" => Json::from(row.get::<i64, _>(index)),
            "BOOLEAN" => Json::from(row.get::<bool, _>(index)),
            "REAL" => Json::from(row.get::<f64, _>(index)),
            "TEXT" => Json::from(row.get::<String, _>(index)),
            other => panic!("column {} is {other}", row.column(index).name()),
        }
    };
    (0..row.len()).map(value).collect()
}

fn postgres_row(row: &PgRow) -> Json {
    let value = |index: usize| {
        let raw = row.try_get_raw(index).expect("the column exists");
        if raw.is_null() {
            return Json::Null;
        }
        match raw.type_info().name() {
            "INT4" => Json::from(row.get::<i32, _>(index)),
            "INT8" => Json::from(row.get::<i64, _>(index)),
            "BOOL" => Json::from(row.get::<bool, _>(index)),
            "FLOAT8" => Json::from(row.get::<f64, _>(index)),
            "TEXT" | "VARCHAR" | "NAME" => Json::from(row.get::<String, _>(index)),
            other => panic!("column {} is {other}", row.column(index).name()),
        }
    };
    (0..row.len()).map(value).collect()
}
