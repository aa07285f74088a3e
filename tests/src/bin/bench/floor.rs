//! What is measured without the runtime: the same rows by plain SQL.

mod postgres;
mod sqlite;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use crate::run::{Database, Run, StoreKind};

/// How many workflows there are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bench floor --db sqlite://bench.db
  bench moves --db postgres://postgres@127.0.0.1/bench")]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many workflows
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
}

/// How many commits there are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bench commits --db sqlite://bench.db")]
pub(crate) struct CommitArguments {
    #[command(flatten)]
    database: Database,
    /// How many commits
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
}

/// How a batch of workflows is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As they are in the end: one transaction a batch.
    Rows,
    /// As they come about: one transaction for the starts, one for the steps, one for the completions.
    Moves,
    /// The same over a queue: they are put on it, and a transaction of its own takes them off.
    Queued,
}

impl Shape {
    /// How they begin.
    fn status(self) -> &'static str {
        match self {
            Self::Rows => "SUCCESS",
            Self::Moves => "PENDING",
            Self::Queued => "ENQUEUED",
        }
    }

    fn queue(self) -> Option<&'static str> {
        (self == Self::Queued).then_some("bench")
    }

    /// Commits of a batch.
    fn commits(self) -> u64 {
        match self {
            Self::Rows => 1,
            Self::Moves => 3,
            Self::Queued => 4,
        }
    }
}

pub(crate) async fn measure_rows(arguments: Arguments) -> Result<()> {
    batches("floor", arguments, Shape::Rows).await
}

pub(crate) async fn measure_moves(arguments: Arguments) -> Result<()> {
    batches("moves", arguments, Shape::Moves).await
}

pub(crate) async fn measure_queue_moves(arguments: Arguments) -> Result<()> {
    batches("queue-moves", arguments, Shape::Queued).await
}

async fn batches(work: &'static str, arguments: Arguments, shape: Shape) -> Result<()> {
    let run = Run::prepare(work, arguments.database, arguments.n).await?;
    let meter = run.begin().await?;
    let (elapsed, commits) = match run.store {
        StoreKind::Postgres => postgres::batches(&run, shape).await,
        StoreKind::Sqlite => sqlite::batches(&run, shape).await,
    }
    .context("the rows cannot be written")?;
    let mut cost = meter.stop();
    cost.elapsed = elapsed;
    run.report(&cost, json!({"batch": 256, "commits": commits}));
    Ok(())
}

pub(crate) async fn measure_commits(arguments: CommitArguments) -> Result<()> {
    let run = Run::prepare("commits", arguments.database, arguments.n).await?;
    let meter = run.begin().await?;
    let elapsed = commits(&run, run.n).await?;
    let mut cost = meter.stop();
    cost.elapsed = elapsed;
    run.report(&cost, json!({}));
    Ok(())
}

/// Commits the rows of n steps of one workflow, one after another.
pub(crate) async fn commits(run: &Run, n: u32) -> Result<Duration> {
    let mut commits = Commits::open(run).await?;
    let begin = Instant::now();
    for _ in 0..n {
        commits.one_more().await?;
    }
    Ok(begin.elapsed())
}

/// Commits the rows of the steps of one workflow, on a connection of its own.
pub(crate) enum Commits {
    Postgres(postgres::Commits),
    Sqlite(sqlite::Commits),
}

impl Commits {
    pub(crate) async fn open(run: &Run) -> Result<Self> {
        Ok(match run.store {
            StoreKind::Postgres => Self::Postgres(postgres::Commits::open(run).await?),
            StoreKind::Sqlite => Self::Sqlite(sqlite::Commits::open(run).await?),
        })
    }

    pub(crate) async fn one_more(&mut self) -> Result<()> {
        match self {
            Self::Postgres(commits) => commits.one_more().await,
            Self::Sqlite(commits) => commits.one_more().await,
        }
        .context("a row cannot be committed")
    }
}
