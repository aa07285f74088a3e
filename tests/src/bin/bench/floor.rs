//! What is measured without the runtime: the same rows by plain SQL.

mod postgres;
mod sqlite;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::run::{Run, StoreKind};

/// How a batch of workflows is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As they are in the end: one transaction a batch.
    Rows,
    /// As they come about: one transaction for the starts, one for the steps, one for the completions.
    Moves,
}

pub(crate) async fn rows_of_start(run: &Run) -> Result<()> {
    batches(run, Shape::Rows).await
}

pub(crate) async fn moves_of_start(run: &Run) -> Result<()> {
    batches(run, Shape::Moves).await
}

async fn batches(run: &Run, shape: Shape) -> Result<()> {
    let (elapsed, commits) = match run.store {
        StoreKind::Postgres => postgres::batches(run, shape).await,
        StoreKind::Sqlite => sqlite::batches(run, shape).await,
    }
    .context("the rows cannot be written")?;
    run.report(elapsed, json!({"batch": 256, "commits": commits}))
}

pub(crate) async fn commits(run: &Run) -> Result<()> {
    let elapsed: Duration = match run.store {
        StoreKind::Postgres => postgres::commits(run).await,
        StoreKind::Sqlite => sqlite::commits(run).await,
    }
    .context("a row cannot be committed")?;
    run.report(elapsed, json!({}))
}
