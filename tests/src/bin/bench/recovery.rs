//! A workflow with a long history that another process takes up.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use durable_runtime::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::meter::{Memory, megabytes, rounded};
use crate::processes;
use crate::run::{Database, Run};

/// How long the history is.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many recorded steps
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// How many bytes each step returns
    #[arg(long, default_value_t = 16)]
    payload: u32,
}

const EXAMPLES: &str = "\
Examples:
  bench recovery --db sqlite://bench.db
  bench recovery --db postgres://postgres@127.0.0.1/bench --payload 2000

One process records the steps, a new one takes the workflow up. seconds is from the launch until the
next step begins, empty_launch a launch that finds nothing to take up. history_mb counts names, outputs
and numbers of the records as the database has them; memory_mb is the peak over what the process held
before, idle_launch_mb what a launch that finds nothing needs of it.";

#[step(pure)]
async fn pure_payload(_ctx: StepContext, bytes: u32) -> anyhow::Result<String> {
    // Letters as in a text: nothing of it has to be escaped, and its digits are not all the same.
    static TEXT: LazyLock<Vec<char>> = LazyLock::new(|| ('a'..='z').chain('A'..='Z').collect());
    let bytes = usize::try_from(bytes)?;
    Ok(TEXT.iter().cycle().take(bytes).collect())
}

/// Told when the step after the recorded ones begins.
static REACHED: Notify = Notify::const_new();

#[step]
async fn wait_for_the_end(_ctx: StepContext) -> anyhow::Result<()> {
    REACHED.notify_one();
    std::future::pending().await
}

#[workflow]
async fn many_steps_then_wait(ctx: WorkflowContext, count: u32, bytes: u32) -> anyhow::Result<()> {
    for _ in 0..count {
        pure_payload(&ctx, bytes).await?;
    }
    wait_for_the_end(&ctx).await
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    let run = Run::prepare("recovery", arguments.database.clone(), arguments.n).await?;
    if run.is_part() {
        return take_up(&run, arguments.payload).await;
    }
    record(&run, arguments.payload).await?;
    let given = [("--n", arguments.n), ("--payload", arguments.payload)];
    let given = given.map(|(name, value)| [name.to_owned(), value.to_string()]);
    let (_, results) = processes::side_by_side(&run, &[given.concat()]).await?;
    let mut result = results.into_iter().next().context("no result")?;
    result.shift_remove("rows_before");
    let seconds = result.get("seconds").and_then(Value::as_f64);
    let elapsed = Duration::try_from_secs_f64(seconds.context("a result without seconds")?)?;
    run.print(elapsed, result, json!({}));
    Ok(())
}

/// Interrupts a workflow after its recorded steps.
async fn record(run: &Run, payload: u32) -> Result<()> {
    let runtime = run.runtime().register::<many_steps_then_wait>();
    let durable = runtime.launch().await?;
    let handle = many_steps_then_wait(&durable, run.n, payload)
        .start()
        .await?;
    REACHED.notified().await;
    drop(handle);
    durable.shutdown(Duration::ZERO).await;
    eprintln!("bench: {} steps are recorded; taking them up", run.n);
    Ok(())
}

async fn take_up(run: &Run, payload: u32) -> Result<()> {
    let history = history_bytes(run).await?;
    // Twice: what the process needs only the first time is no matter of the history.
    let mut empty = (Duration::ZERO, None);
    for _ in 0..2 {
        let before = Memory::read().now;
        let begin = Instant::now();
        let runtime = run.runtime_as(1).register::<many_steps_then_wait>();
        let durable = runtime.launch().await?;
        let more = Memory::read().now.zip(before);
        empty = (
            begin.elapsed(),
            more.map(|(now, before)| now.saturating_sub(before)),
        );
        durable.shutdown(Duration::ZERO).await;
    }

    let before = Memory::read().now;
    let meter = run.begin().await?;
    let runtime = run.runtime().register::<many_steps_then_wait>();
    let durable = runtime.launch().await?;
    let launched = meter.elapsed();
    REACHED.notified().await;
    let cost = meter.stop();
    let memory = cost.memory.peak.zip(before);
    let memory = memory.map(|(peak, before)| megabytes(peak.saturating_sub(before)));
    let times = memory.map(|memory| (memory / megabytes(history) * 100.0).round() / 100.0);
    run.report(
        &cost,
        json!({
            "payload": payload,
            "launched_after": rounded(launched.as_secs_f64()),
            "empty_launch": rounded(empty.0.as_secs_f64()),
            "history_mb": megabytes(history),
            "memory_mb": memory,
            "idle_launch_mb": empty.1.map(megabytes),
            "memory_of_history": times,
        }),
    );
    durable.shutdown(Duration::ZERO).await;
    Ok(())
}

async fn history_bytes(run: &Run) -> Result<u64> {
    let bytes = run
        .number(
            "SELECT CAST(coalesce(sum(octet_length(o.function_name) + 28
                 + coalesce(octet_length(o.output), 0) + coalesce(octet_length(o.error), 0)
                 + coalesce(octet_length(o.serialization), 0)), 0) AS bigint)
             FROM {dbos.}operation_outputs o JOIN {dbos.}workflow_status s
                 ON s.workflow_uuid = o.workflow_uuid
             WHERE s.application_version = $1",
            &[&run.id],
        )
        .await?;
    Ok(u64::try_from(bytes)?)
}
