//! The works of `bench`, done by durare.

#[path = "../../run.rs"]
mod run;

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use durare::{
    DurableContext, DurableEngine, PostgresProvider, STATUS_ENQUEUED, STATUS_PENDING,
    SqliteProvider, StateProvider, WorkflowAggregateQuery, WorkflowOptions, WorkflowQueue,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::Notify;

use run::{AT_ONCE, Run, Work};

const QUEUE: &str = "bench";
const GRACE: Duration = Duration::from_secs(60);

/// Told when the step after the recorded ones begins.
static REACHED: Notify = Notify::const_new();

#[durare::step]
async fn nothing(ctx: &DurableContext) -> durare::Result<()> {
    Ok(())
}

#[durare::workflow]
async fn one_step(ctx: DurableContext, _input: ()) -> durare::Result<()> {
    nothing(&ctx).await
}

#[durare::workflow]
async fn many_steps(ctx: DurableContext, count: u32) -> durare::Result<()> {
    for _ in 0..count {
        nothing(&ctx).await?;
    }
    Ok(())
}

#[durare::step]
async fn wait_for_the_end(ctx: &DurableContext) -> durare::Result<()> {
    REACHED.notify_one();
    std::future::pending().await
}

#[durare::workflow]
async fn many_steps_then_wait(ctx: DurableContext, count: u32) -> durare::Result<()> {
    for _ in 0..count {
        nothing(&ctx).await?;
    }
    wait_for_the_end(&ctx).await
}

async fn launch(run: &Run) -> Result<DurableEngine> {
    let provider: Arc<dyn StateProvider> = if run.is_sqlite() {
        // Five connections, and synchronous = NORMAL: the library's own choice.
        Arc::new(SqliteProvider::connect(&run.db).await?)
    } else {
        let options = PgConnectOptions::from_str(&run.db)?.options([("search_path", "dbos")]);
        let pool = PgPoolOptions::new()
            .max_connections(run.connections)
            .connect_with(options)
            .await?;
        Arc::new(PostgresProvider::from_pool_with_schema(pool, "dbos")?)
    };
    let mut engine = DurableEngine::builder(provider).build().await?;
    engine.register_queue(
        WorkflowQueue::new(QUEUE)
            .worker_concurrency(usize::try_from(AT_ONCE)?)
            .base_polling_interval(Duration::from_millis(run.polling_ms)),
    );
    engine.launch().await?;
    Ok(engine)
}

#[tokio::main]
async fn main() -> Result<()> {
    let run = Run::parse();
    let engine = Arc::new(launch(&run).await.context("durare does not launch")?);
    match run.work {
        Work::Start => start(&run, &engine).await?,
        Work::Steps => steps(&run, &engine).await?,
        Work::Queue => queue(&run, &engine).await?,
        Work::Recovery => return recovery(&run, &engine).await,
    }
    engine.shutdown(GRACE).await?;
    Ok(())
}

async fn start(run: &Run, engine: &Arc<DurableEngine>) -> Result<()> {
    let engine = Arc::clone(engine);
    let begin = Instant::now();
    run.side_by_side(move || {
        let engine = Arc::clone(&engine);
        async move {
            let options = WorkflowOptions::default();
            let handle = engine.start_with(OneStep, (), options).await?;
            handle.await.context("a workflow failed")
        }
    })
    .await?;
    run.report(begin.elapsed());
    Ok(())
}

async fn steps(run: &Run, engine: &DurableEngine) -> Result<()> {
    let begin = Instant::now();
    let options = WorkflowOptions::default();
    let handle = engine.start_with(ManySteps, run.n, options).await?;
    handle.await.context("the workflow failed")?;
    run.report(begin.elapsed());
    Ok(())
}

async fn queue(run: &Run, engine: &Arc<DurableEngine>) -> Result<()> {
    let starter = Arc::clone(engine);
    let begin = Instant::now();
    run.side_by_side(move || {
        let engine = Arc::clone(&starter);
        async move {
            let options = WorkflowOptions::default().queue(QUEUE);
            let started = engine.start_with(OneStep, (), options).await;
            started.context("a workflow was not enqueued")
        }
    })
    .await?;
    // One question for all of them, rather than one for each handle.
    let unfinished = WorkflowAggregateQuery {
        by_queue_name: true,
        select_count: true,
        status: vec![STATUS_ENQUEUED.to_owned(), STATUS_PENDING.to_owned()],
        ..WorkflowAggregateQuery::default()
    };
    while !engine
        .get_workflow_aggregates(&unfinished)
        .await?
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    run.report(begin.elapsed());
    Ok(())
}

/// Leaves a workflow after its recorded steps, launches again, and measures until the next step begins.
async fn recovery(run: &Run, engine: &DurableEngine) -> Result<()> {
    let options = WorkflowOptions::default();
    let handle = engine.start_with(ManyStepsThenWait, run.n, options).await?;
    REACHED.notified().await;
    drop(handle);
    // The first execution is not aborted: it stays in its step, and does nothing more.
    engine.shutdown(Duration::ZERO).await?;

    let begin = Instant::now();
    let engine = launch(run).await?;
    engine.recover().await?;
    REACHED.notified().await;
    run.report(begin.elapsed());
    engine.shutdown(Duration::ZERO).await?;
    Ok(())
}
