//! One workflow of many steps, one after another.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use durable_runtime::prelude::*;
use serde_json::json;

use crate::floor;
use crate::processes::{self, Processes};
use crate::run::{Database, GRACE, Run};
use crate::sample::Sample;
use crate::start::nothing;

/// How many steps there are, and what they are measured against.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many steps, of each turn where there are turns [default: 2000; 500 with --turns]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    n: Option<u32>,
    /// Take turns with as many plain commits of a step's row, so many times, and compare the medians
    #[arg(long, conflicts_with = "processes", value_parser = clap::value_parser!(u32).range(1..))]
    turns: Option<u32>,
    #[command(flatten)]
    processes: Processes,
}

const EXAMPLES: &str = "\
Examples:
  bench steps --db sqlite://bench.db
  bench steps --db postgres://postgres@127.0.0.1/bench --turns 6
  bench steps --db postgres://postgres@127.0.0.1/bench --processes 4

With --processes each process runs a workflow of its share of the steps.";

/// How many pure steps there are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bench pure-steps --db sqlite://bench.db --n 20000")]
pub(crate) struct PureArguments {
    #[command(flatten)]
    database: Database,
    /// How many steps
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
}

#[step(pure)]
async fn pure_nothing(_ctx: StepContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow]
async fn many_steps(ctx: WorkflowContext, count: u32) -> anyhow::Result<()> {
    for _ in 0..count {
        nothing(&ctx).await?;
    }
    Ok(())
}

#[workflow]
async fn many_pure_steps(ctx: WorkflowContext, count: u32) -> anyhow::Result<()> {
    for _ in 0..count {
        pure_nothing(&ctx).await?;
    }
    Ok(())
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    let default = if arguments.turns.is_some() {
        500
    } else {
        2_000
    };
    let n = arguments.n.unwrap_or(default);
    let run = Run::prepare("steps", arguments.database, n).await?;
    let Processes { processes } = arguments.processes;
    if processes > 1 {
        return processes::divide(&run, processes, &[]).await;
    }
    let durable = run.runtime().register::<many_steps>().launch().await?;
    match arguments.turns {
        Some(turns) => in_turns(&run, &durable, turns).await?,
        None => {
            let meter = run.begin().await?;
            once(&durable, n).await?;
            run.report(&meter.stop(), json!({}));
        }
    }
    durable.shutdown(GRACE).await;
    Ok(())
}

async fn once(durable: &Durable, n: u32) -> Result<Duration> {
    let begin = Instant::now();
    many_steps(durable, n)
        .await
        .context("the workflow failed")?;
    Ok(begin.elapsed())
}

/// Steps and commits by turns, so that both meet the disk in the same moods.
async fn in_turns(run: &Run, durable: &Durable, turns: u32) -> Result<()> {
    let (mut steps, mut commits) = (Vec::new(), Vec::new());
    let meter = run.begin().await?;
    for turn in 0..turns {
        // Neither is always the first.
        if turn % 2 == 0 {
            commits.push(floor::commits(run, run.n).await?);
            steps.push(once(durable, run.n).await?);
        } else {
            steps.push(once(durable, run.n).await?);
            commits.push(floor::commits(run, run.n).await?);
        }
    }
    let each = |turns: &[Duration]| {
        let milliseconds = |turn: &Duration| turn.as_secs_f64() * 1e3 / f64::from(run.n);
        let each = turns.iter().map(milliseconds);
        each.map(|each| (each * 1e4).round() / 1e4)
            .collect::<Vec<_>>()
    };
    let ratio = Sample::of_seconds(&steps).median() / Sample::of_seconds(&commits).median();
    run.report(
        &meter.stop(),
        json!({
            "turns": turns,
            "ratio": (ratio * 1e3).round() / 1e3,
            "step_ms": Sample::new(each(&steps)).median(),
            "commit_ms": Sample::new(each(&commits)).median(),
            "steps_ms": each(&steps),
            "commits_ms": each(&commits),
        }),
    );
    Ok(())
}

pub(crate) async fn measure_pure(arguments: PureArguments) -> Result<()> {
    let run = Run::prepare("pure-steps", arguments.database, arguments.n).await?;
    let durable = run.runtime().register::<many_pure_steps>().launch().await?;
    let meter = run.begin().await?;
    many_pure_steps(&durable, run.n)
        .await
        .context("the workflow failed")?;
    run.report(&meter.stop(), json!({}));
    durable.shutdown(GRACE).await;
    Ok(())
}
