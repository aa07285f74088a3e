//! Finished workflows in the tables, as those of weeks before.

mod postgres;
mod sqlite;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use tokio::time::Instant;

use crate::meter::rounded;
use crate::run::{Database, Run, StoreKind};

/// How many workflows one statement writes.
const CHUNK: u32 = 20_000;

/// How many there are, and since when.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many workflows
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Over how many days until now they were created
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
}

const EXAMPLES: &str = "\
Examples:
  bench fill --db postgres://postgres@127.0.0.1/bench --rows 10000000
  bench start --db postgres://postgres@127.0.0.1/bench

Each workflow succeeded, with an input, one step and an output. The planner's statistics are renewed. A SQLite
file whose filling is interrupted lacks indexes: remove it.";

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    let run = Run::prepare("fill", arguments.database, arguments.rows).await?;
    let span = i64::from(arguments.days) * 24 * 3600 * 1000;
    let meter = run.begin().await?;
    match run.store {
        StoreKind::Postgres => postgres::fill(&run, span).await,
        StoreKind::Sqlite => sqlite::fill(&run, span).await,
    }
    .context("the rows cannot be written")?;
    let written = meter.stop();
    let begin = Instant::now();
    match run.store {
        StoreKind::Postgres => postgres::analyze(&run).await,
        StoreKind::Sqlite => sqlite::analyze(&run).await,
    }
    .context("the statistics cannot be renewed")?;
    let analyzed = rounded(begin.elapsed().as_secs_f64());
    run.report(
        &written,
        json!({"days": arguments.days, "analyze_seconds": analyzed}),
    );
    Ok(())
}

/// The sizes of the chunks that make up `n`.
fn chunks(n: u32) -> impl Iterator<Item = u32> {
    (0..n.div_ceil(CHUNK)).map(move |number| CHUNK.min(n - number * CHUNK))
}
