//! How long a workflow on an idle queue waits until its first step begins.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use durable_runtime::prelude::*;
use durable_runtime::{Client, Workflow as _};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use uuid::Uuid;

use crate::run::{Database, GRACE, Run};
use crate::sample::Sample;

/// How long a workflow may wait before something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);
const QUEUE: Queue = Queue::new("bench-idle").worker_concurrency(64);

/// Who puts how many workflows on the queue.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many workflows, one at a time
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// Who enqueues [default: one after the other]
    #[arg(long)]
    from: Option<Enqueuer>,
    /// How many runtimes serve the queue, each with connections and a lease of its own, in this one process, whose clock
    /// is the same for all
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    servers: u32,
    /// Milliseconds between one workflow's start and the next enqueuing, at random between half and one and a half of it
    #[arg(long, default_value_t = 50)]
    pause: u32,
    /// Stop after so many seconds with those that were measured by then
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

const EXAMPLES: &str = "\
Examples:
  bench latency --db postgres://postgres@127.0.0.1/bench
  bench latency --db sqlite://bench.db --from other --pause 1000
  bench latency --db postgres://postgres@127.0.0.1/bench --servers 4

One line an enqueuer. from_call_ms begins just before `.queue(&QUEUE).start()`, from_return_ms when it
returned; both end when the body of the workflow's first step begins. Negative: it began before.";

/// Who enqueues; another runtime serves the queue, unless it is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Enqueuer {
    /// The runtime that serves the queue
    Same,
    /// A second runtime on the database, which listens to no queue
    Other,
    /// A client of the database
    Client,
}

impl Enqueuer {
    fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Other => "other",
            Self::Client => "client",
        }
    }
}

/// Whoever tells that the step began.
struct Begun(UnboundedSender<Instant>);

#[step]
async fn tell(ctx: StepContext) -> anyhow::Result<()> {
    let now = Instant::now();
    ctx.state::<Begun>()?
        .0
        .send(now)
        .context("nobody measures any more")
}

#[workflow]
async fn told(ctx: WorkflowContext) -> anyhow::Result<()> {
    tell(&ctx).await
}

/// What puts a workflow on the queue.
enum Source {
    Runtime(Durable),
    Client(Client),
}

impl Source {
    async fn enqueue(&self) -> Result<()> {
        match self {
            Self::Runtime(durable) => drop(told(durable).queue(&QUEUE).start().await?),
            Self::Client(client) => {
                let enqueue = client.enqueue(told::NAME, QUEUE.name());
                drop(enqueue.start::<()>().await?);
            }
        }
        Ok(())
    }
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    let run = Run::prepare("latency", arguments.database.clone(), arguments.n).await?;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let serve = |number| {
        let runtime = run.runtime_as(number).register::<told>().queue(&QUEUE);
        runtime.state(Begun(begun.clone())).launch()
    };
    let worker = serve(0).await?;
    let mut more_servers = Vec::new();
    for number in 1..arguments.servers {
        more_servers.push(serve(number).await?);
    }
    let enqueuers = match arguments.from {
        Some(one) => vec![one],
        None => vec![Enqueuer::Same, Enqueuer::Other, Enqueuer::Client],
    };
    for enqueuer in enqueuers {
        let mut others = None;
        let source = match enqueuer {
            Enqueuer::Same => Source::Runtime(worker.clone()),
            Enqueuer::Other => {
                let listen: [&str; 0] = [];
                let other = run
                    .runtime_as(arguments.servers)
                    .register::<told>()
                    .listen_queues(listen);
                Source::Runtime(others.insert(other.launch().await?).clone())
            }
            Enqueuer::Client => Source::Client(Client::connect(&run.db).await?),
        };
        series(&run, &arguments, enqueuer, &source, &mut begins).await?;
        drop(source);
        if let Some(other) = others {
            other.shutdown(GRACE).await;
        }
    }
    more_servers.push(worker);
    for server in more_servers {
        server.shutdown(GRACE).await;
    }
    Ok(())
}

async fn series(
    run: &Run,
    arguments: &Arguments,
    enqueuer: Enqueuer,
    source: &Source,
    begins: &mut UnboundedReceiver<Instant>,
) -> Result<()> {
    let (mut from_call, mut from_return) = (Vec::new(), Vec::new());
    let meter = run.begin().await?;
    for _ in 0..run.n {
        pause(arguments.pause).await;
        let called = Instant::now();
        source.enqueue().await?;
        let returned = Instant::now();
        let Ok(Some(begun)) = tokio::time::timeout(PATIENCE, begins.recv()).await else {
            bail!("a workflow did not begin within {PATIENCE:?} after it was enqueued");
        };
        from_call.push(milliseconds(called, begun));
        from_return.push(milliseconds(returned, begun));
        if meter.elapsed() > Duration::from_secs(arguments.seconds.into()) {
            break;
        }
    }
    run.report(
        &meter.stop(),
        json!({
            "n": from_call.len(),
            "from": enqueuer.name(),
            "servers": arguments.servers,
            "pause_ms": arguments.pause,
            "from_call_ms": Sample::new(from_call).describe(),
            "from_return_ms": Sample::new(from_return).describe(),
        }),
    );
    Ok(())
}

/// Lets the queue be idle for a while that has no rhythm: what is polled would be met at the same moment each time.
async fn pause(milliseconds: u32) {
    let random = Uuid::new_v4().as_u128() % 1_000;
    let random = f64::from(u32::try_from(random).unwrap_or_default()) / 1e3;
    let pause = f64::from(milliseconds) / 1e3 * (0.5 + random);
    tokio::time::sleep(Duration::from_secs_f64(pause)).await;
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    let ahead = to.saturating_duration_since(from).as_secs_f64();
    let behind = from.saturating_duration_since(to).as_secs_f64();
    (ahead - behind) * 1e3
}
