//! Many workflows that sleep until one moment.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use durable_runtime::Workflow as _;
use durable_runtime::prelude::*;
use serde_json::{Value, json};

use crate::meter::{Memory, Meter, megabytes, rounded};
use crate::rows::now_ms;
use crate::run::{Database, GRACE, Run};
use crate::start::{one_step, side_by_side};
use crate::statements::{self, Window};

/// How many are on their way at once while they fall asleep.
const IN_FLIGHT: u32 = 256;
/// What the rate is estimated from, and how far it may fall.
const TRIAL: u32 = 2_000;
const MARGIN: f64 = 2.5;
const LOOK: Duration = Duration::from_millis(250);
/// How long after their time all have to be done.
const PATIENCE: Duration = Duration::from_secs(600);

/// How many sleep, and how long they are watched.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many workflows
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// For how many seconds they are watched while all are asleep
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Seconds from the last falling asleep to that: PostgreSQL may count a transaction 10 s late
    #[arg(long, default_value_t = 12)]
    settle: u32,
    /// Seconds from the first start until they wake up [default: by the rate of a trial]
    #[arg(long)]
    until: Option<u32>,
}

const EXAMPLES: &str = "\
Examples:
  bench sleepers --db postgres://postgres@127.0.0.1/bench
  bench sleepers --db sqlite://bench.db --n 1000 --seconds 5 --settle 1 --until 10

seconds is until all are asleep; awake_after and done_after count from the moment of waking up. A
workflow is awake when the step after its sleep begins. Statements are counted in this process as they
are sent; server_transactions_per_second by PostgreSQL, whoever made them. asleep_mb is what the process holds
while all are asleep beyond before_mb, which it held when 2,000 others had come and gone.";

/// How many are awake, and since when the last one is.
static AWAKE: AtomicU32 = AtomicU32::new(0);
static LAST_AWAKE: Mutex<Option<Instant>> = Mutex::new(None);

#[step]
async fn awake(_ctx: StepContext) -> anyhow::Result<()> {
    AWAKE.fetch_add(1, Ordering::Relaxed);
    *LAST_AWAKE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    Ok(())
}

#[workflow]
async fn sleeper(ctx: WorkflowContext, milliseconds: u64) -> anyhow::Result<()> {
    ctx.sleep(Duration::from_millis(milliseconds)).await;
    awake(&ctx).await
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    statements::count()?;
    let run = Run::prepare("sleepers", arguments.database, arguments.n).await?;
    let runtime = run.runtime().register::<one_step>().register::<sleeper>();
    let durable = runtime.launch().await?;
    let watched = Duration::from_secs(arguments.seconds.into());
    let settle = Duration::from_secs(arguments.settle.into());
    let until = match arguments.until {
        Some(seconds) => Duration::from_secs(seconds.into()),
        None => trial(&run, &durable).await? + settle + watched,
    };

    // What the trial allocated is there already: the rest is of the sleepers.
    let before = Memory::read();
    let begin = now_ms();
    let meter = Meter::start();
    let wake_up = Instant::now() + until;
    fall_asleep(&durable, &run, wake_up).await?;
    let slept = asleep(&run, begin, wake_up).await?;
    let started = meter.stop();
    eprintln!("bench: {slept} are asleep; watching");

    tokio::time::sleep(settle).await;
    let window = Window::open(&run).await?;
    let still = Meter::start();
    let left = wake_up.saturating_duration_since(Instant::now());
    if left < Duration::from_secs(1) {
        bail!("when all were asleep no time was left to watch them: give them a later --until");
    }
    // Who looks at the end must not meet those who wake up.
    tokio::time::sleep(watched.min(left.mul_f64(0.9))).await;
    let while_asleep = still.stop();
    let counted = window.close(&run, &while_asleep).await?;
    if AWAKE.load(Ordering::Relaxed) > 0 {
        bail!("some woke up while they were watched: give them a later --until");
    }

    tokio::time::sleep_until(wake_up.into()).await;
    let waking = Meter::start();
    // Who asks the database in the meantime takes away what those need who wake up.
    while AWAKE.load(Ordering::Relaxed) < run.n || ended(&run, begin).await? < i64::from(run.n) {
        if waking.elapsed() > PATIENCE {
            bail!("not all were done {PATIENCE:?} after their time");
        }
        tokio::time::sleep(LOOK).await;
    }
    let woken = waking.stop();
    let last = LAST_AWAKE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .context("nobody woke up")?;
    let late = last.saturating_duration_since(wake_up);

    let resident = while_asleep.memory.now.zip(before.now);
    let resident = resident.map(|(now, before)| now.saturating_sub(before));
    let mut more = json!({
        "asleep_mb": resident.map(megabytes),
        "bytes_each": resident.map(|bytes| bytes / u64::from(run.n)),
        "before_mb": before.now.map(megabytes),
        "watched_seconds": rounded(while_asleep.elapsed.as_secs_f64()),
        "asleep_cpu_percent": while_asleep.processor_percent(),
        "awake_after": rounded(late.as_secs_f64()),
        "done_after": rounded(woken.elapsed.as_secs_f64()),
        "awake_cpu_seconds": rounded(woken.processor.as_secs_f64()),
        "awake_peak_mb": woken.memory.peak.map(megabytes),
    });
    if let Value::Object(more) = &mut more {
        more.extend(counted);
    }
    run.report(&started, more);
    durable.shutdown(GRACE).await;
    Ok(())
}

/// How long it may take until all are asleep, by the rate at which others start.
async fn trial(run: &Run, durable: &Durable) -> Result<Duration> {
    let n = run.n.min(TRIAL);
    let begin = Instant::now();
    side_by_side(durable, n, IN_FLIGHT, |durable, _| async move {
        one_step(&durable).await.context("a workflow failed")
    })
    .await?;
    let each = begin.elapsed().as_secs_f64() / f64::from(n);
    let all = each * f64::from(run.n) * MARGIN;
    Ok(Duration::from_secs_f64(all) + Duration::from_secs(2))
}

async fn fall_asleep(durable: &Durable, run: &Run, wake_up: Instant) -> Result<()> {
    side_by_side(durable, run.n, IN_FLIGHT, move |durable, _| async move {
        let left = wake_up.saturating_duration_since(Instant::now());
        let left = u64::try_from(left.as_millis())?;
        // Nobody keeps a handle: it is the workflows that are measured.
        let started = sleeper(&durable, left).start().await;
        started.context("a workflow was not started").map(drop)
    })
    .await?;
    Ok(())
}

/// Waits until all sleep.
async fn asleep(run: &Run, begin: i64, wake_up: Instant) -> Result<i64> {
    let sql = "SELECT count(*) FROM {dbos.}workflow_status s JOIN {dbos.}operation_outputs o
            ON o.workflow_uuid = s.workflow_uuid
        WHERE s.created_at >= CAST($1 AS bigint) AND s.application_version = $2 AND s.name = $3
            AND o.function_name = 'DBOS.sleep'";
    loop {
        let asleep = run
            .number(sql, &[&begin.to_string(), &run.id, sleeper::NAME])
            .await?;
        if Instant::now() >= wake_up {
            bail!("at their time only {asleep} were asleep: give them a later --until");
        }
        if asleep == i64::from(run.n) {
            return Ok(asleep);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn ended(run: &Run, begin: i64) -> Result<i64> {
    let sql = "SELECT count(*) FROM {dbos.}workflow_status
        WHERE created_at >= CAST($1 AS bigint) AND application_version = $2 AND name = $3
            AND status = 'SUCCESS'";
    run.number(sql, &[&begin.to_string(), &run.id, sleeper::NAME])
        .await
}
