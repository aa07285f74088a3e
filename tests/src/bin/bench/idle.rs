//! A runtime that has nothing to do.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use durable_runtime::Schedule;
use durable_runtime::prelude::*;
use serde_json::{Value, json};

use crate::meter::Meter;
use crate::queue::QUEUE;
use crate::run::{Database, GRACE, Run};
use crate::start::one_step;
use crate::statements::{self, Window};

/// How long it is watched.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// For how many seconds it is watched
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Seconds between the launch and that: PostgreSQL may count a transaction 10 s late
    #[arg(long, default_value_t = 12)]
    settle: u32,
}

const EXAMPLES: &str = "\
Examples:
  bench idle --db postgres://postgres@127.0.0.1/bench
  bench idle --db sqlite://bench.db --seconds 60

Statements are counted in this process as they are sent, by their first words; with BEGIN on
PostgreSQL, without BEGIN and COMMIT on SQLite, whose driver does not tell of them.
server_transactions_per_second is PostgreSQL's own count, whoever made them.";

#[workflow]
async fn once_a_year(ctx: WorkflowContext, _due: String, _context: ()) -> anyhow::Result<()> {
    crate::start::nothing(&ctx).await
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    statements::count()?;
    let run = Run::prepare("idle", arguments.database, 1).await?;
    let durable = run
        .runtime()
        .register::<one_step>()
        .register::<once_a_year>()
        .queue(&QUEUE)
        .launch()
        .await?;
    let schedule = format!("bench-idle-{}", run.id);
    let client = durable.client();
    client
        .create_schedule(
            Schedule::new(&schedule)
                .cron("0 0 1 1 *")
                .workflow::<once_a_year>(),
        )
        .await?;
    tokio::time::sleep(Duration::from_secs(arguments.settle.into())).await;

    let window = Window::open(&run).await?;
    let meter = Meter::start();
    tokio::time::sleep(Duration::from_secs(arguments.seconds.into())).await;
    let cost = meter.stop();
    let counted = window.close(&run, &cost).await?;

    let mut more = json!({"cpu_percent": cost.processor_percent()});
    if let Value::Object(more) = &mut more {
        more.extend(counted);
    }
    run.report(&cost, more);
    client.delete_schedule(&schedule).await?;
    drop(client);
    durable.shutdown(GRACE).await;
    Ok(())
}
