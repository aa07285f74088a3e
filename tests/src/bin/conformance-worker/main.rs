//! A program for the suites of other languages to drive: its queues and workflows are those that the DBOS
//! interoperability tests agree on.

mod effects;
mod interop;
mod plain;
mod spacing;
mod talking;
mod time;
mod workflows;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use durable_runtime::Durable;
use durable_runtime::prelude::Queue;
use effects::Effects;

/// How long workflows may take to come to a place where they can stop.
const GRACE: Duration = Duration::from_secs(2);

const Q: Queue = Queue::new("q");
const QP: Queue = Queue::new("qp").partition_concurrency(1);
const INTEROPQ: Queue = Queue::new("interopq");

/// Runs the workflows of the interoperability tests until it is told to stop.
#[derive(Parser)]
#[command(
    disable_version_flag = true,
    after_help = "Example:\n  conformance-worker --db postgresql://me@localhost/app --app rs-app"
)]
struct Options {
    /// The database: postgresql://user@host/name or sqlite:////absolute/path.
    #[arg(long)]
    db: String,
    /// The application that owns what it writes.
    #[arg(long, default_value = "rs-app")]
    app: String,
    /// The application version.
    #[arg(long, default_value = "v1")]
    version: String,
    /// Who this process is.
    #[arg(long, default_value = "local")]
    executor: String,
    /// A file that gets a line whenever the body of a step begins.
    #[arg(long)]
    effects: Option<PathBuf>,
    /// How often a workflow is taken up again.
    #[arg(long, default_value_t = 100)]
    max_recovery_attempts: u32,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let options = Options::parse();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let durable = Durable::open(&options.db)
        .application(&options.app)
        .version(&options.version)
        .executor_id(&options.executor)
        .max_recovery_attempts(options.max_recovery_attempts)
        .state(Effects::open(options.effects.as_deref())?)
        .queue(&Q)
        .queue(&QP)
        .queue(&INTEROPQ)
        .register::<plain::echo>()
        .register::<plain::add>()
        .register::<plain::steps3>()
        .register::<plain::fail>()
        .register::<plain::panics>()
        .register::<plain::sleeper>()
        .register::<plain::blocked_workflow>()
        .register::<plain::retrieve_test>()
        .register::<plain::enqueue_test>()
        .register::<plain::fork_test>()
        .register::<plain::parent>()
        .register::<plain::retry>()
        .register::<plain::scheduled>()
        .register::<plain::call_app>()
        .register::<talking::send_test>()
        .register::<talking::event_test>()
        .register::<talking::stream_writer>()
        .register::<interop::canonical>()
        .register::<interop::kwargs>()
        .register::<workflows::portable>()
        .register::<workflows::rich_types>()
        .register::<workflows::recv_test>()
        .launch()
        .await
        .with_context(|| format!("cannot launch on {}", options.db))?;
    println!("ready");
    std::io::stdout().flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    durable.shutdown(GRACE).await;
    Ok(())
}
