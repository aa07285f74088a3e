//! The works of `bench`, done by durust.

#[path = "../../run.rs"]
mod run;
mod watch;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use durust::provider::DurableBackend;
use durust::{Client, SqliteBackend, Worker, WorkerShutdown};
use durust::{PostgresBackend, PostgresBackendConfig};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use run::{AT_ONCE, Run, Work};
use watch::Watch;

const WORKFLOWS: &str = "workflows";
const ACTIVITIES: &str = "activities";
/// A commit when the workflow schedules its one step, and one when it goes on with the result and ends.
const COMMITS_OF_ONE_STEP: u64 = 2;

/// Told when the step after the recorded ones begins.
static REACHED: Notify = Notify::const_new();

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nothing {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Count {
    steps: u32,
}

#[durust::activity(name = "nothing")]
async fn nothing(_: Nothing) -> durust::Result<Nothing> {
    Ok(Nothing {})
}

#[durust::activity(name = "the_end")]
async fn the_end(_: Nothing) -> durust::Result<Nothing> {
    REACHED.notify_one();
    Ok(Nothing {})
}

#[durust::workflow(name = "one_step", version = 1)]
async fn one_step(_: Nothing) -> durust::Result<Nothing> {
    durust::call_activity!(nothing(Nothing {}))
        .task_queue(ACTIVITIES)
        .await
}

#[durust::workflow(name = "many_steps", version = 1)]
async fn many_steps(count: Count) -> durust::Result<Nothing> {
    for _ in 0..count.steps {
        durust::call_activity!(nothing(Nothing {}))
            .task_queue(ACTIVITIES)
            .await?;
    }
    Ok(Nothing {})
}

#[durust::workflow(name = "many_steps_then_wait", version = 1)]
async fn many_steps_then_wait(count: Count) -> durust::Result<Nothing> {
    for _ in 0..count.steps {
        durust::call_activity!(nothing(Nothing {}))
            .task_queue(ACTIVITIES)
            .await?;
    }
    durust::signal::<Nothing>("go").await?;
    durust::call_activity!(the_end(Nothing {}))
        .task_queue(ACTIVITIES)
        .await
}

#[tokio::main]
async fn main() -> Result<()> {
    let run = Run::parse();
    if run.is_sqlite() {
        let path = run.db.trim_start_matches("sqlite://");
        let path = path.split('?').next().unwrap_or(path).to_owned();
        measure(&run, async || Ok(SqliteBackend::open(&path)?)).await
    } else {
        measure(&run, async || {
            let pool = usize::try_from(run.connections)?;
            // As in the benchmark of its own documentation.
            let config = PostgresBackendConfig::new(&run.db)
                .max_pool_size(pool)
                .logical_shards(100)
                .physical_partitions(16);
            Ok(PostgresBackend::connect_with_config(config).await?)
        })
        .await
    }
}

async fn measure<B: DurableBackend>(run: &Run, open: impl AsyncFn() -> Result<B>) -> Result<()> {
    let backend = open().await.context("durust does not open")?;
    match run.work {
        Work::Start => start(run, backend).await,
        Work::Steps => steps(run, backend).await,
        Work::Queue => queue(run, backend).await,
        Work::Recovery => recovery(run, backend, open).await,
    }
}

/// The workers of this process, at work.
struct Workers {
    watch: Arc<Watch>,
    running: Vec<(WorkerShutdown, JoinHandle<durust::Result<()>>)>,
}

impl Workers {
    fn start<B: DurableBackend>(backend: &B, count: u32) -> Result<Self> {
        let watch = Arc::new(Watch::default());
        let at_once = usize::try_from(AT_ONCE)?;
        let mut running = Vec::new();
        for number in 0..count {
            let told = Arc::clone(&watch);
            let mut worker = Worker::builder(backend.clone())
                .worker_id(format!("worker-{number}"))
                .workflow_task_queue(WORKFLOWS)
                .activity_task_queue(ACTIVITIES)
                .register_workflow(one_step)
                .register_workflow(many_steps)
                .register_workflow(many_steps_then_wait)
                .register_activity(nothing)
                .register_activity(the_end)
                .max_concurrent_workflow_tasks(at_once)
                .workflow_task_prefetch_limit(at_once)
                .workflow_task_commit_batch_size(32)
                .max_concurrent_activities(at_once)
                .activity_task_batch_size(32)
                .activity_completion_batch_size(32)
                .max_local_activities_per_workflow_task(at_once)
                .history_chunk_events(4_096)
                .idle_wait(Duration::from_millis(5))
                .max_idle_wait(Duration::from_millis(10))
                .on_event(move |event| told.event(&event))
                .build();
            let shutdown = worker.shutdown_handle();
            // What a worker runs stays on one thread.
            let runtime = Handle::current();
            let thread = std::thread::spawn(move || runtime.block_on(worker.run()));
            running.push((shutdown, thread));
        }
        Ok(Self { watch, running })
    }

    async fn stop(self) -> Result<()> {
        for (shutdown, _) in &self.running {
            shutdown.shutdown();
        }
        for (_, thread) in self.running {
            let ended = tokio::task::spawn_blocking(move || thread.join()).await?;
            ended.map_err(|_| anyhow!("a worker ended abnormally"))??;
        }
        Ok(())
    }
}

/// SQLite takes one writer; on PostgreSQL several workers share the queue.
fn workers(run: &Run) -> u32 {
    if run.is_sqlite() { 1 } else { 4 }
}

async fn start<B: DurableBackend>(run: &Run, backend: B) -> Result<()> {
    let workers = Workers::start(&backend, workers(run))?;
    let client = Arc::new(Client::new(backend));
    let watch = Arc::clone(&workers.watch);
    let begin = Instant::now();
    run.side_by_side(move || {
        let (client, watch) = (Arc::clone(&client), Arc::clone(&watch));
        async move {
            let id = watch.next_id();
            let run_id = client
                .start_workflow::<one_step>(id, WORKFLOWS, Nothing {})
                .await?;
            watch.committed(run_id, COMMITS_OF_ONE_STEP).await
        }
    })
    .await?;
    run.report(begin.elapsed());
    workers.stop().await
}

async fn steps<B: DurableBackend>(run: &Run, backend: B) -> Result<()> {
    let workers = Workers::start(&backend, 1)?;
    let client = Client::new(backend);
    let begin = Instant::now();
    let run_id = client
        .start_workflow::<many_steps>("steps", WORKFLOWS, Count { steps: run.n })
        .await?;
    let commits = u64::from(run.n) + 1;
    workers.watch.committed(run_id, commits).await?;
    run.report(begin.elapsed());
    workers.stop().await
}

/// The queue of the workflows is the library's only one; a worker runs 64 steps at once.
async fn queue<B: DurableBackend>(run: &Run, backend: B) -> Result<()> {
    let workers = Workers::start(&backend, 1)?;
    let client = Arc::new(Client::new(backend));
    let watch = Arc::clone(&workers.watch);
    let begin = Instant::now();
    let runs = run
        .side_by_side(move || {
            let (client, id) = (Arc::clone(&client), watch.next_id());
            async move {
                let started = client.start_workflow::<one_step>(id, WORKFLOWS, Nothing {});
                Ok(started.await?)
            }
        })
        .await?;
    for run_id in runs {
        workers.watch.committed(run_id, COMMITS_OF_ONE_STEP).await?;
    }
    run.report(begin.elapsed());
    workers.stop().await
}

/// Stops the workers after the recorded steps, starts others on a store opened anew, and measures until the next
/// step begins. The workflow waits for a signal between, since one that waits for a step is taken up only after
/// the step's lease of 30 s.
async fn recovery<B: DurableBackend>(
    run: &Run,
    backend: B,
    open: impl AsyncFn() -> Result<B>,
) -> Result<()> {
    let workers = Workers::start(&backend, 1)?;
    let client = Client::new(backend);
    let run_id = client
        .start_workflow::<many_steps_then_wait>("recovery", WORKFLOWS, Count { steps: run.n })
        .await?;
    let commits = u64::from(run.n) + 1;
    workers.watch.committed(run_id, commits).await?;
    workers.stop().await?;
    drop(client);

    let begin = Instant::now();
    let backend = open().await?;
    let client = Client::new(backend.clone());
    client
        .signal_workflow("recovery", "go", "go", Nothing {})
        .await?;
    let workers = Workers::start(&backend, 1)?;
    REACHED.notified().await;
    run.report(begin.elapsed());
    workers.stop().await
}
