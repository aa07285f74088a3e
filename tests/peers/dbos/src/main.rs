//! The works of `bench`, done by DBOS Transact for Rust.

#[path = "../../run.rs"]
mod run;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use dbos::{Config, DBOS, Enqueue, QueueConflict, QueueOptions, StartOptions, WorkflowRef, step};
use tokio::sync::Notify;

use run::{AT_ONCE, Run, Work};

const QUEUE: &str = "bench";
/// How long the library takes to come down to a shorter polling interval: it begins with a second and takes off a
/// tenth each time.
const SETTLING: Duration = Duration::from_secs(12);

/// Told when the step after the recorded ones begins.
static REACHED: Notify = Notify::const_new();

async fn nothing() -> dbos::Result<()> {
    Ok(())
}

async fn one_step((): ()) -> dbos::Result<()> {
    step("nothing", nothing).await
}

async fn many_steps(count: u32) -> dbos::Result<()> {
    for _ in 0..count {
        step("nothing", nothing).await?;
    }
    Ok(())
}

async fn wait_for_the_end() -> dbos::Result<()> {
    REACHED.notify_one();
    std::future::pending().await
}

async fn many_steps_then_wait(count: u32) -> dbos::Result<()> {
    many_steps(count).await?;
    step("wait_for_the_end", wait_for_the_end).await
}

struct Workflows {
    one_step: WorkflowRef<(), ()>,
    many_steps: WorkflowRef<u32, ()>,
    many_steps_then_wait: WorkflowRef<u32, ()>,
}

async fn launch(run: &Run) -> Result<(DBOS, Workflows)> {
    let dbos = DBOS::new(Config {
        app_version: Some("1".to_owned()),
        max_connections: run.connections,
        // One second of waiting after the end would be most of a short run.
        outcome_poll_interval: Some(Duration::from_millis(200)),
        ..Config::new("bench", &run.db)
    });
    let workflows = Workflows {
        one_step: dbos.register_workflow("one_step", one_step)?,
        many_steps: dbos.register_workflow("many_steps", many_steps)?,
        many_steps_then_wait: dbos
            .register_workflow("many_steps_then_wait", many_steps_then_wait)?,
    };
    dbos.launch().await.context("DBOS does not launch")?;
    Ok((dbos, workflows))
}

#[tokio::main]
async fn main() -> Result<()> {
    let run = Run::parse();
    if run.is_sqlite() {
        bail!("dbos has no SQLite store");
    }
    let (dbos, workflows) = launch(&run).await?;
    match run.work {
        Work::Start => start(&run, workflows).await?,
        Work::Steps => steps(&run, workflows).await?,
        Work::Queue => queue(&run, &dbos, workflows).await?,
        Work::Recovery => return recovery(&run, dbos, workflows).await,
    }
    dbos.shutdown().await;
    Ok(())
}

async fn start(run: &Run, workflows: Workflows) -> Result<()> {
    let begin = Instant::now();
    run.side_by_side(move || {
        let one_step = workflows.one_step.clone();
        async move { one_step.run(()).await.context("a workflow failed") }
    })
    .await?;
    run.report(begin.elapsed());
    Ok(())
}

async fn steps(run: &Run, workflows: Workflows) -> Result<()> {
    let begin = Instant::now();
    workflows
        .many_steps
        .run(run.n)
        .await
        .context("the workflow failed")?;
    run.report(begin.elapsed());
    Ok(())
}

async fn queue(run: &Run, dbos: &DBOS, workflows: Workflows) -> Result<()> {
    let polling = Duration::from_millis(run.polling_ms);
    dbos.register_queue(
        QUEUE,
        QueueOptions {
            worker_concurrency: Some(i32::try_from(AT_ONCE)?),
            polling_interval: polling,
            ..QueueOptions::default()
        },
        QueueConflict::AlwaysUpdate,
    )
    .await?;
    if polling < Duration::from_secs(1) {
        tokio::time::sleep(SETTLING).await;
    }
    let begin = Instant::now();
    let ids = run
        .side_by_side(move || {
            let one_step = workflows.one_step.clone();
            async move {
                let options = StartOptions {
                    queue: Some(Enqueue::new(QUEUE)),
                    ..StartOptions::default()
                };
                let started = one_step.start_with((), options).await;
                let handle = started.context("a workflow was not enqueued")?;
                Ok(handle.workflow_id().to_owned())
            }
        })
        .await?;
    // One question for all of them, rather than one for each.
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    dbos.join_workflows(&ids).await?;
    run.report(begin.elapsed());
    Ok(())
}

/// Interrupts a workflow after its recorded steps, launches again, and measures until the next step begins.
async fn recovery(run: &Run, dbos: DBOS, workflows: Workflows) -> Result<()> {
    let handle = workflows.many_steps_then_wait.start(run.n).await?;
    REACHED.notified().await;
    drop(handle);
    dbos.shutdown().await;

    let begin = Instant::now();
    let (dbos, _workflows) = launch(run).await?;
    REACHED.notified().await;
    run.report(begin.elapsed());
    dbos.shutdown().await;
    Ok(())
}
