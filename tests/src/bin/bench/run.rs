//! One run: its size, its database, and its result.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use durable_runtime::prelude::*;
use serde_json::{Map, Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use uuid::Uuid;

/// Which kind of database is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Postgres,
    Sqlite,
}

/// What is measured, and on what.
#[derive(Debug)]
pub(crate) struct Run {
    work: &'static str,
    pub(crate) db: String,
    pub(crate) store: StoreKind,
    pub(crate) n: u32,
    pub(crate) in_flight: u32,
    /// What no other run has: workflows that an interrupted run left are not ours to take up.
    pub(crate) id: String,
    rows_before: i64,
}

impl Run {
    /// Makes the tables by launching the runtime once, and counts what is in them.
    pub(crate) async fn prepare(
        work: &'static str,
        db: String,
        n: u32,
        in_flight: u32,
    ) -> Result<Self> {
        let store = match db.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => StoreKind::Postgres,
            Some("sqlite") => StoreKind::Sqlite,
            _ => bail!("--db names neither a SQLite nor a PostgreSQL database: {db}"),
        };
        let id = Uuid::new_v4().simple().to_string();
        let mut run = Self {
            work,
            db,
            store,
            n,
            in_flight,
            id,
            rows_before: 0,
        };
        let durable = run
            .runtime()
            .launch()
            .await
            .context("the tables cannot be prepared")?;
        durable.shutdown(Duration::ZERO).await;
        run.rows_before = run
            .count_workflows()
            .await
            .context("the workflows that are there cannot be counted")?;
        eprintln!(
            "bench: {work}, n = {n}, {in_flight} in flight; workflows in the database before: {}",
            run.rows_before
        );
        Ok(run)
    }

    /// The runtime, known to the database as this run.
    pub(crate) fn runtime(&self) -> durable_runtime::Builder {
        Durable::open(&self.db)
            .executor_id(&self.id)
            .version(&self.id)
    }

    async fn count_workflows(&self) -> Result<i64> {
        let count = match self.store {
            StoreKind::Postgres => {
                let mut connection = PgConnection::connect(&self.db).await?;
                sqlx::query_scalar("SELECT count(*) FROM dbos.workflow_status")
                    .fetch_one(&mut connection)
                    .await?
            }
            StoreKind::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.db).await?;
                sqlx::query_scalar("SELECT count(*) FROM workflow_status")
                    .fetch_one(&mut connection)
                    .await?
            }
        };
        Ok(count)
    }

    /// Prints the result: what every work has, and `more` of its own.
    pub(crate) fn report(&self, elapsed: Duration, more: Value) -> Result<()> {
        let seconds = elapsed.as_secs_f64();
        let mut line = Map::new();
        line.insert("work".into(), json!(self.work));
        line.insert("n".into(), json!(self.n));
        line.insert("in_flight".into(), json!(self.in_flight));
        line.insert("seconds".into(), json!(rounded(seconds)));
        line.insert("rate".into(), json!(whole(f64::from(self.n) / seconds)));
        line.insert(
            "store".into(),
            json!(match self.store {
                StoreKind::Postgres => "postgres",
                StoreKind::Sqlite => "sqlite",
            }),
        );
        line.insert("rows_before".into(), json!(self.rows_before));
        if let Value::Object(more) = more {
            line.extend(more);
        }
        println!("{}", Value::Object(line));
        Ok(())
    }
}

/// A rate without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2^64"
)]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

/// Seconds, to the microsecond.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
