//! Real work in durable steps, against the same functions called plainly, and those with a bare commit after each.

mod work;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use durable_runtime::prelude::*;
use serde_json::json;

use crate::floor::Commits;
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
committed_ms is a plain
piece of work and a row of a step that plain SQL commits after it, one after another: what any durable
step costs at least. plain_mb is the peak of the process before a runtime was there, durable_mb with it.";

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
    kind: Kind,
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

/// The same without durability, as a task of its own as the workflow is one. With `commits` each is followed by one.
async fn plainly(
    work: &Work,
    upstream: &Upstream,
    mut commits: Option<Commits>,
) -> Result<Duration> {
    let Work {
        kind, n, rounds, ..
    } = *work;
    let upstream = upstream.clone();
    let begin = Instant::now();
    let task = tokio::spawn(async move {
        for _ in 0..n {
            match kind {
                Kind::Compute => drop(std::hint::black_box(work::compute(rounds))),
                Kind::Wait => upstream.ask().await?,
            }
            if let Some(commits) = &mut commits {
                commits.one_more().await?;
            }
        }
        anyhow::Ok(begin.elapsed())
    });
    task.await.context("the plain work ended abnormally")?
}

async fn durably(work: &Work, durable: &Durable) -> Result<Duration> {
    let Work {
        kind,
        n,
        pure,
        rounds,
    } = *work;
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
    let work = Kind::ALL.map(|kind| Work {
        kind,
        n,
        pure: arguments.pure,
        rounds,
    });
    // Before there is a runtime in this process: what the work itself needs.
    for work in &work {
        plainly(work, &upstream, None).await?;
    }
    let plain = Memory::read().peak;

    let run = Run::prepare("overhead", arguments.database, n).await?;
    let durable = run
        .runtime()
        .register::<computing>()
        .register::<waiting>()
        .state(upstream.clone())
        .launch()
        .await?;
    for work in &work {
        let (mut with, mut without, mut committed) = (Vec::new(), Vec::new(), Vec::new());
        let meter = Meter::start();
        for turn in 0..arguments.turns {
            // None is always the first.
            for part in 0..3 {
                match (turn + part) % 3 {
                    0 => without.push(plainly(work, &upstream, None).await?),
                    1 => with.push(durably(work, &durable).await?),
                    _ => {
                        let commits = Commits::open(&run).await?;
                        committed.push(plainly(work, &upstream, Some(commits)).await?);
                    }
                }
            }
        }
        let cost = meter.stop();
        let (with, without) = (Sample::of_seconds(&with), Sample::of_seconds(&without));
        let committed = Sample::of_seconds(&committed);
        let each = |sample: &Sample| (sample.median() / f64::from(n) * 1e6).round() / 1e3;
        let memory = cost.memory.peak.zip(plain);
        let memory = memory.map(|(durable, plain)| percent(megabytes(durable), megabytes(plain)));
        run.report(
            &cost,
            json!({
                "kind": work.kind.name(),
                "turns": arguments.turns,
                "pure": arguments.pure,
                "plain_ms": each(&without),
                "durable_ms": each(&with),
                "committed_ms": each(&committed),
                "time_percent": percent(with.median(), without.median()),
                "commit_percent": percent(committed.median(), without.median()),
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
