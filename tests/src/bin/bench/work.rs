//! What is measured through the runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use durable_runtime::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::run::{Run, rounded};

/// How long a run may take to end after its result is in.
const GRACE: Duration = Duration::from_secs(60);
const QUEUE: Queue = Queue::new("bench").worker_concurrency(64);

#[step]
async fn nothing(_ctx: StepContext) -> anyhow::Result<()> {
    Ok(())
}

#[step(pure)]
async fn pure_nothing(_ctx: StepContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow]
async fn one_step(ctx: WorkflowContext) -> anyhow::Result<()> {
    nothing(&ctx).await
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

/// Told when the step after the recorded ones begins.
static REACHED: Notify = Notify::const_new();

#[step]
async fn wait_for_the_end(_ctx: StepContext) -> anyhow::Result<()> {
    REACHED.notify_one();
    std::future::pending().await
}

#[workflow]
async fn many_steps_then_wait(ctx: WorkflowContext, count: u32) -> anyhow::Result<()> {
    for _ in 0..count {
        pure_nothing(&ctx).await?;
    }
    wait_for_the_end(&ctx).await
}

pub(crate) async fn start(run: &Run) -> Result<()> {
    let durable = run.runtime().register::<one_step>().launch().await?;
    let begin = Instant::now();
    side_by_side(run, &durable, |durable| async move {
        one_step(&durable).await.context("a workflow failed")
    })
    .await?;
    run.report(begin.elapsed(), Value::Null)?;
    durable.shutdown(GRACE).await;
    Ok(())
}

pub(crate) async fn steps(run: &Run) -> Result<()> {
    let durable = run.runtime().register::<many_steps>().launch().await?;
    let begin = Instant::now();
    many_steps(&durable, run.n)
        .await
        .context("the workflow failed")?;
    run.report(begin.elapsed(), Value::Null)?;
    durable.shutdown(GRACE).await;
    Ok(())
}

pub(crate) async fn pure_steps(run: &Run) -> Result<()> {
    let durable = run.runtime().register::<many_pure_steps>().launch().await?;
    let begin = Instant::now();
    many_pure_steps(&durable, run.n)
        .await
        .context("the workflow failed")?;
    run.report(begin.elapsed(), Value::Null)?;
    durable.shutdown(GRACE).await;
    Ok(())
}

pub(crate) async fn queue(run: &Run) -> Result<()> {
    let runtime = run.runtime().register::<one_step>().queue(&QUEUE);
    let durable = runtime.launch().await?;
    let begin = Instant::now();
    let handles = side_by_side(run, &durable, |durable| async move {
        let started = one_step(&durable).queue(&QUEUE).start().await;
        started.context("a workflow was not enqueued")
    })
    .await?;
    let enqueued = begin.elapsed();
    for handle in handles {
        handle.result().await.context("a workflow failed")?;
    }
    run.report(
        begin.elapsed(),
        json!({"enqueued_after": rounded(enqueued.as_secs_f64())}),
    )?;
    durable.shutdown(GRACE).await;
    Ok(())
}

/// Interrupts a workflow after its recorded steps, launches again, and measures until the next step begins.
pub(crate) async fn recovery(run: &Run) -> Result<()> {
    let runtime = || run.runtime().register::<many_steps_then_wait>();
    let durable = runtime().launch().await?;
    let handle = many_steps_then_wait(&durable, run.n).start().await?;
    REACHED.notified().await;
    drop(handle);
    durable.shutdown(Duration::ZERO).await;
    eprintln!("bench: {} steps are recorded; launching again", run.n);

    let begin = Instant::now();
    let durable = runtime().launch().await?;
    let launched = begin.elapsed();
    REACHED.notified().await;
    run.report(
        begin.elapsed(),
        json!({"launched_after": rounded(launched.as_secs_f64())}),
    )?;
    durable.shutdown(Duration::ZERO).await;
    Ok(())
}

/// Does `one` n times, at most `in_flight` at once.
async fn side_by_side<T, F>(
    run: &Run,
    durable: &Durable,
    one: impl Fn(Durable) -> F + Copy + Send + Sync + 'static,
) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let left = Arc::new(AtomicU32::new(run.n));
    let mut tasks = JoinSet::new();
    for _ in 0..run.in_flight.min(run.n) {
        let (left, durable) = (Arc::clone(&left), durable.clone());
        tasks.spawn(async move {
            let mut done = Vec::new();
            let take = |left: u32| left.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                done.push(one(durable.clone()).await?);
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
