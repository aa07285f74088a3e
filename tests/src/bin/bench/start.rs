//! Many workflows of one step, started and awaited.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use clap::Args;
use durable_runtime::prelude::*;
use serde_json::json;
use tokio::task::JoinSet;

use crate::processes::{self, Processes};
use crate::run::{Database, GRACE, Run};

/// How many workflows there are, and how many at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many workflows
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// How many workflows are on their way at once, in all processes together
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    in_flight: u32,
    #[command(flatten)]
    processes: Processes,
}

const EXAMPLES: &str = "\
Examples:
  bench start --db sqlite://bench.db
  bench start --db postgres://postgres@127.0.0.1/bench --n 50000 --in-flight 512
  bench start --db postgres://postgres@127.0.0.1/bench --processes 4";

#[step]
pub(crate) async fn nothing(_ctx: StepContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow]
pub(crate) async fn one_step(ctx: WorkflowContext) -> anyhow::Result<()> {
    nothing(&ctx).await
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    let run = Run::prepare("start", arguments.database, arguments.n).await?;
    let Processes { processes } = arguments.processes;
    if processes > 1 {
        let in_flight = ("--in-flight", arguments.in_flight);
        return processes::divide(&run, processes, &[in_flight]).await;
    }
    let durable = run.runtime().register::<one_step>().launch().await?;
    let meter = run.begin().await?;
    side_by_side(
        &durable,
        run.n,
        arguments.in_flight,
        |durable, _| async move { one_step(&durable).await.context("a workflow failed") },
    )
    .await?;
    run.report(&meter.stop(), json!({"in_flight": arguments.in_flight}));
    durable.shutdown(GRACE).await;
    Ok(())
}

/// Does `one` n times, at most `in_flight` at once; it is told how many are left.
pub(crate) async fn side_by_side<T, F>(
    durable: &Durable,
    n: u32,
    in_flight: u32,
    one: impl Fn(Durable, u32) -> F + Copy + Send + Sync + 'static,
) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let left = Arc::new(AtomicU32::new(n));
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight.min(n) {
        let (left, durable) = (Arc::clone(&left), durable.clone());
        tasks.spawn(async move {
            let mut done = Vec::new();
            let take = |left: u32| left.checked_sub(1);
            while let Ok(left) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
                done.push(one(durable.clone(), left).await?);
            }
            anyhow::Ok(done)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done.context("a task of the bench ended abnormally")??);
    }
    Ok(all)
}
