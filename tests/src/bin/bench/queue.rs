//! Many workflows of one step through one queue.

use anyhow::{Context, Result};
use clap::Args;
use durable_runtime::prelude::*;
use serde_json::json;

use crate::meter::rounded;
use crate::processes::{self, Processes};
use crate::run::{Database, GRACE, Run};
use crate::start::{one_step, side_by_side};

/// How many workflows there are, and how many are enqueued at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many workflows
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// How many are being enqueued at once, in all processes together
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    in_flight: u32,
    #[command(flatten)]
    processes: Processes,
}

const EXAMPLES: &str = "\
Examples:
  bench queue --db sqlite://bench.db
  bench queue --db postgres://postgres@127.0.0.1/bench
  bench queue --db postgres://postgres@127.0.0.1/bench --processes 2

Each process enqueues its share, and all serve the queue, 64 workflows each.";

pub(crate) const QUEUE: Queue = Queue::new("bench").worker_concurrency(64);

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    let run = Run::prepare("queue", arguments.database, arguments.n).await?;
    let Processes { processes } = arguments.processes;
    if processes > 1 {
        let in_flight = ("--in-flight", arguments.in_flight);
        return processes::divide(&run, processes, &[in_flight]).await;
    }
    let runtime = run.runtime().register::<one_step>().queue(&QUEUE);
    let durable = runtime.launch().await?;
    let meter = run.begin().await?;
    let handles = side_by_side(
        &durable,
        run.n,
        arguments.in_flight,
        |durable, _| async move {
            let started = one_step(&durable).queue(&QUEUE).start().await;
            started.context("a workflow was not enqueued")
        },
    )
    .await?;
    let enqueued = meter.elapsed();
    for handle in handles {
        handle.result().await.context("a workflow failed")?;
    }
    run.report(
        &meter.stop(),
        json!({
            "in_flight": arguments.in_flight,
            "enqueued_after": rounded(enqueued.as_secs_f64()),
        }),
    );
    durable.shutdown(GRACE).await;
    Ok(())
}
