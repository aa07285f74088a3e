//! Real work in durable steps, against the same functions called plainly.

mod work;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use durable_runtime::prelude::*;
use serde_json::json;

use crate::meter::{Memory, Meter, megabytes};
use crate::run::{Database, GRACE, Run};
use crate::sample::Sample;
use work::Upstream;

/// How much work there is.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many steps of 10 ms
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// How often durable and plain take turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    turns: u32,
    /// As steps that may run twice: their checkpoints ride in later commits
    #[arg(long)]
    pure: bool,
}

const EXAMPLES: &str = "\
Examples:
  bench overhead --db sqlite://bench.db
  bench overhead --db postgres://postgres@127.0.0.1/bench --turns 21
  bench overhead --db postgres://postgres@127.0.0.1/bench --pure

One line for each kind of work: `compute` (10 ms of a processor, always the same work) and `wait`
(an exchange over TCP with somebody who takes 10 ms). time_percent compares the medians of the turns;
plain_mb is the peak of the process before a runtime was there, durable_mb with it.";

/// What the steps do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Compute,
    Wait,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Compute, Self::Wait];

    fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Wait => "wait",
        }
    }
}

/// So many steps of so much work.
struct Work {
    n: u32,
    pure: bool,
    rounds: u64,
}

#[step]
async fn compute(_ctx: StepContext, rounds: u64) -> anyhow::Result<u64> {
    Ok(work::compute(rounds))
}

#[step]
async fn wait(ctx: StepContext) -> anyhow::Result<()> {
    ctx.state::<Upstream>()?.ask().await
}

#[step(pure)]
async fn compute_purely(_ctx: StepContext, rounds: u64) -> anyhow::Result<u64> {
    Ok(work::compute(rounds))
}

#[step(pure)]
async fn wait_purely(ctx: StepContext) -> anyhow::Result<()> {
    ctx.state::<Upstream>()?.ask().await
}

#[workflow]
async fn computing(ctx: WorkflowContext, n: u32, pure: bool, rounds: u64) -> anyhow::Result<()> {
    for _ in 0..n {
        if pure {
            compute_purely(&ctx, rounds).await?;
        } else {
            compute(&ctx, rounds).await?;
        }
    }
    Ok(())
}

#[workflow]
async fn waiting(ctx: WorkflowContext, n: u32, pure: bool) -> anyhow::Result<()> {
    for _ in 0..n {
        if pure {
            wait_purely(&ctx).await?;
        } else {
            wait(&ctx).await?;
        }
    }
    Ok(())
}

/// The same without durability, as a task of its own as the workflow is one.
async fn plainly(kind: Kind, n: u32, rounds: u64, upstream: Upstream) -> Result<Duration> {
    let begin = Instant::now();
    let task = tokio::spawn(async move {
        for _ in 0..n {
            match kind {
                Kind::Compute => drop(std::hint::black_box(work::compute(rounds))),
                Kind::Wait => upstream.ask().await?,
            }
        }
        anyhow::Ok(())
    });
    task.await.context("the plain work ended abnormally")??;
    Ok(begin.elapsed())
}

async fn durably(kind: Kind, work: &Work, durable: &Durable) -> Result<Duration> {
    let Work { n, pure, rounds } = *work;
    let begin = Instant::now();
    match kind {
        Kind::Compute => computing(durable, n, pure, rounds).await,
        Kind::Wait => waiting(durable, n, pure).await,
    }
    .context("the workflow failed")?;
    Ok(begin.elapsed())
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    let n = arguments.n;
    let upstream = Upstream::start().await?;
    let rounds = work::calibrate();
    // Before there is a runtime in this process: what the work itself needs.
    for kind in Kind::ALL {
        plainly(kind, n, rounds, upstream.clone()).await?;
    }
    let plain = Memory::read().peak;

    let work = Work {
        n,
        pure: arguments.pure,
        rounds,
    };
    let run = Run::prepare("overhead", arguments.database, n).await?;
    let durable = run
        .runtime()
        .register::<computing>()
        .register::<waiting>()
        .state(upstream.clone())
        .launch()
        .await?;
    for kind in Kind::ALL {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let meter = Meter::start();
        for turn in 0..arguments.turns {
            // Neither is always the first.
            if turn % 2 == 0 {
                without.push(plainly(kind, n, rounds, upstream.clone()).await?);
                with.push(durably(kind, &work, &durable).await?);
            } else {
                with.push(durably(kind, &work, &durable).await?);
                without.push(plainly(kind, n, rounds, upstream.clone()).await?);
            }
        }
        let cost = meter.stop();
        let (with, without) = (Sample::of_seconds(&with), Sample::of_seconds(&without));
        let each = |sample: &Sample| (sample.median() / f64::from(n) * 1e6).round() / 1e3;
        let memory = cost.memory.peak.zip(plain);
        let memory = memory.map(|(durable, plain)| percent(megabytes(durable), megabytes(plain)));
        run.report(
            &cost,
            json!({
                "kind": kind.name(),
                "turns": arguments.turns,
                "pure": arguments.pure,
                "plain_ms": each(&without),
                "durable_ms": each(&with),
                "time_percent": percent(with.median(), without.median()),
                "plain_mb": plain.map(megabytes),
                "durable_mb": cost.memory.peak.map(megabytes),
                "memory_percent": memory,
            }),
        );
    }
    durable.shutdown(GRACE).await;
    Ok(())
}

/// How much more the one is, in per cent.
fn percent(with: f64, without: f64) -> f64 {
    ((with / without - 1.0) * 1e5).round() / 1e3
}
