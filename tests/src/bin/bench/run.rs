//! One run: its size, its database, and its result.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use durable_runtime::Synchronous;
use durable_runtime::prelude::*;
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use uuid::Uuid;

use crate::meter::{Cost, Meter, rounded};
use crate::processes::{Part, READY};

/// How long a run may take to end after its result is in.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// Which database is measured.
#[derive(Debug, Clone, Args)]
pub(crate) struct Database {
    /// The database: `sqlite://FILE` (made when missing) or `postgres://USER@HOST/DATABASE`
    #[arg(long = "db")]
    pub(crate) url: String,
    /// Commits to a SQLite file do not wait for the disk (`synchronous = NORMAL`); otherwise they do (`FULL`)
    #[arg(long)]
    normal: bool,
    /// This process is a part of a run of several
    #[arg(long, hide = true)]
    part: Option<Part>,
}

/// Which kind of database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Postgres,
    Sqlite,
}

impl StoreKind {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// What is measured, and on what.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) work: &'static str,
    pub(crate) db: String,
    pub(crate) store: StoreKind,
    pub(crate) n: u32,
    pub(crate) synchronous: Synchronous,
    /// What no other run has: workflows that an interrupted run left are not ours to take up.
    pub(crate) id: String,
    /// Which process of the run this is.
    part: u32,
    is_part: bool,
    rows_before: Option<i64>,
}

impl Run {
    /// Makes the tables by launching the runtime once, and counts what is in them; a part of a run finds them made.
    pub(crate) async fn prepare(work: &'static str, database: Database, n: u32) -> Result<Self> {
        let store = match database.url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => StoreKind::Postgres,
            Some("sqlite") => StoreKind::Sqlite,
            _ => bail!(
                "--db names neither a SQLite nor a PostgreSQL database: {}",
                database.url
            ),
        };
        if database.normal && store != StoreKind::Sqlite {
            bail!("--normal is for SQLite; a PostgreSQL database has `synchronous_commit`");
        }
        let is_part = database.part.is_some();
        let part = database.part.unwrap_or_else(|| Part {
            run: Uuid::new_v4().simple().to_string(),
            number: 0,
        });
        let mut run = Self {
            work,
            db: database.url,
            store,
            n,
            synchronous: match database.normal {
                true => Synchronous::Normal,
                false => Synchronous::Full,
            },
            id: part.run,
            part: part.number,
            is_part,
            rows_before: None,
        };
        if !is_part {
            run.make_tables()
                .await
                .context("the tables cannot be prepared")?;
        }
        Ok(run)
    }

    async fn make_tables(&mut self) -> Result<()> {
        let durable = self.runtime().launch().await?;
        durable.shutdown(Duration::ZERO).await;
        let before = self
            .number("SELECT count(*) FROM {dbos.}workflow_status", &[])
            .await?;
        self.rows_before = Some(before);
        eprintln!(
            "bench: {}, n = {}; workflows in the database before: {before}",
            self.work, self.n
        );
        Ok(())
    }

    pub(crate) fn is_part(&self) -> bool {
        self.is_part
    }

    /// The runtime, known to the database as this process of the run.
    pub(crate) fn runtime(&self) -> durable_runtime::Builder {
        self.runtime_as(self.part)
    }

    /// The runtime as another process of the run.
    pub(crate) fn runtime_as(&self, part: u32) -> durable_runtime::Builder {
        Durable::open(&self.db)
            .synchronous(self.synchronous)
            .executor_id(format!("{}.{part}", self.id))
            .version(&self.id)
    }

    /// Begins to measure: a part of a run when all others are ready.
    pub(crate) async fn begin(&self) -> Result<Meter> {
        if self.is_part {
            println!("{READY}");
            let mut line = String::new();
            // It holds up this task, which has nothing else to do, and not the runtime.
            if std::io::stdin().read_line(&mut line)? == 0 {
                bail!("the process that shares the work out is gone");
            }
        }
        Ok(Meter::start())
    }

    /// The number that a query tells; `{dbos.}` in it stands for the schema, where there is one.
    pub(crate) async fn number(&self, sql: &str, values: &[&str]) -> Result<i64> {
        let schema = match self.store {
            StoreKind::Postgres => "dbos.",
            StoreKind::Sqlite => "",
        };
        let sql = sql.replace("{dbos.}", schema);
        let number = match self.store {
            StoreKind::Postgres => {
                let mut connection = PgConnection::connect(&self.db).await?;
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                for value in values {
                    query = query.bind(*value);
                }
                query.fetch_one(&mut connection).await?
            }
            StoreKind::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.db).await?;
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                for value in values {
                    query = query.bind(*value);
                }
                query.fetch_one(&mut connection).await?
            }
        };
        Ok(number)
    }

    /// Prints the result: what every work has, and `more` of its own.
    pub(crate) fn report(&self, cost: &Cost, more: Value) {
        let mut costs = Map::new();
        cost.describe(&mut costs);
        self.print(cost.elapsed, costs, more);
    }

    /// Prints a result whose costs were measured elsewhere.
    pub(crate) fn print(&self, elapsed: Duration, costs: Map<String, Value>, more: Value) {
        let seconds = elapsed.as_secs_f64();
        let mut line = Map::new();
        line.insert("work".into(), json!(self.work));
        line.insert("n".into(), json!(self.n));
        line.insert("seconds".into(), json!(rounded(seconds)));
        line.insert("rate".into(), json!(whole(f64::from(self.n) / seconds)));
        line.insert("store".into(), json!(self.store.name()));
        line.insert("rows_before".into(), json!(self.rows_before));
        line.extend(costs);
        if let Value::Object(more) = more {
            line.extend(more);
        }
        println!("{}", Value::Object(line));
    }
}

/// A rate without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2^64"
)]
pub(crate) fn whole(rate: f64) -> u64 {
    rate.round() as u64
}
