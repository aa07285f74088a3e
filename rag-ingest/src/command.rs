//! The command line.

mod embedding;
mod examples;
mod report;
mod runs;
mod search;
mod serve;
mod settings;
mod upkeep;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::embedding::Embedding;
use self::settings::Settings;
use crate::loader::Limits;
use crate::profile::Profile;
use crate::progress::{Progress, Show};
use crate::run::{RetryOptions, retry, workflows};
use crate::workflow::{MaxDelete, VERSION};

/// Makes folders of documents searchable, and survives everything in the middle of it.
#[derive(Debug, Parser)]
#[command(
    name = "rag-ingest",
    version,
    after_help = "\
Examples:
  rag-ingest ingest docs                        a folder, into ./rag-ingest.db
  rag-ingest ingest a.pdf notes --json          files and folders, one JSON document as the result
  rag-ingest ingest docs --db postgres://me@db/rag
  rag-ingest ingest docs --embedder ollama --embedder-model nomic-embed-text
  RAG_EMBEDDER_KEY=... rag-ingest ingest docs --embedder openai --embedder-model text-embedding-3-small
          --embedder-price 0.02 --budget 5 --requests-per-minute 3000 --tokens-per-minute 1000000
  rag-ingest search \"how are steps retried?\" -k 3
  rag-ingest status                             where the newest run is, and which files failed
  rag-ingest retry --now                        failed files again, each from the step that failed
  rag-ingest durable verify-replay              before a new version is used on an old database

Killed or interrupted, the same command goes on where it stopped. Exit codes: 0 all is well, 2 some
files failed (the rest is saved) or `verify` found something, 1 it could not run."
)]
struct Command {
    /// Read settings from this file instead of ./rag-ingest.toml.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take in what is new or changed: text, Markdown, HTML, PDF, office documents, books, messages, code, archives.
    #[command(after_help = examples::INGEST)]
    Ingest(Ingest),
    /// Work on runs that were begun elsewhere, until asked to end.
    #[command(after_help = examples::WORKER)]
    Worker(runs::Worker),
    /// Go on with runs that were interrupted, or with one that was cancelled.
    #[command(after_help = examples::RESUME)]
    Resume(runs::Resume),
    /// End runs before their end.
    #[command(after_help = examples::CANCEL)]
    Cancel(runs::Cancel),
    /// Find passages that answer a question.
    #[command(after_help = examples::SEARCH)]
    Search(search::Search),
    /// Answer searches over HTTP.
    #[command(after_help = examples::SERVE)]
    Serve(serve::Serve),
    /// Answer searches of an agent: the Model Context Protocol on standard input and output.
    #[command(after_help = examples::MCP)]
    Mcp(serve::Mcp),
    /// Tell where the newest run is, and which files failed.
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Try failed files again, each from the step that failed.
    #[command(after_help = examples::RETRY)]
    Retry(Retry),
    /// Tell how much there is, what it cost, and where the time went.
    #[command(after_help = examples::STATS)]
    Stats(Stats),
    /// Prove that the collection is whole.
    #[command(after_help = examples::VERIFY)]
    Verify(Verify),
    /// Take away what nothing refers to any more, in all collections of the database.
    #[command(after_help = examples::PRUNE)]
    Prune(Prune),
    /// Empty the collection. Ingesting the same again is cheap until `prune`.
    #[command(after_help = examples::RESET)]
    Reset(Reset),
    /// Tell the settings.
    #[command(after_help = examples::CONFIG)]
    Config(runs::Config),
    /// Look after the workflows that ingest: whether this version can go on with what another one left.
    #[command(after_help = examples::DURABLE)]
    Durable(Workflows),
    /// Read files from standard input for another process of this program.
    #[command(name = crate::loader::parsers::worker::COMMAND, hide = true)]
    Parse,
}

#[derive(Debug, Args)]
struct Workflows {
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME.
    #[arg(
        long,
        value_name = "URL",
        default_value = "sqlite://rag-ingest.db",
        global = true
    )]
    db: String,
    #[command(subcommand)]
    command: durable_runtime::cli::Command,
}

#[derive(Debug, Args)]
struct Shared {
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME.
    #[arg(long, value_name = "URL", default_value = "sqlite://rag-ingest.db")]
    db: String,
    /// The collection.
    #[arg(long, value_name = "NAME", default_value = "default")]
    collection: String,
    /// Print one JSON document, and progress as JSON lines on standard error.
    #[arg(long)]
    json: bool,
    /// How progress is told: `auto`, `live`, `plain`, `json`, `off`.
    #[arg(long, value_name = "HOW", default_value = "auto")]
    progress: Show,
    /// Append what happens to a file, one JSON object a line; every begin of a step is one.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[command(flatten)]
    embedding: Embedding,
}

#[derive(Debug, Args)]
struct Ingest {
    /// Folders and files.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How many files are worked on at once; as many as there are processors unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    workers: Option<u32>,
    /// How many of a folder's documents may be taken out since their files are gone. More than that, and all are
    /// kept: perhaps a disk is not mounted. A fifth unless given, or ten files, but never all of them.
    #[arg(long, value_name = "PERCENT")]
    max_delete: Option<MaxDelete>,
    /// The most that embedding may cost, by the --embedder-price. What waits then is taken when the same command is
    /// given with a higher budget, or without.
    #[arg(long, value_name = "AMOUNT", value_parser = embedding::micros)]
    budget: Option<i64>,
    /// Leave the run to the workers of the database, and tell its id.
    #[arg(long, conflicts_with = "watch")]
    detach: bool,
    /// Stay, and ingest again whenever something changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// With --watch: list all files again after so many seconds, since not every change is told.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    #[command(flatten)]
    selecting: runs::Selecting,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Status {
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Retry {
    /// Also those that failed just now; usually the wait doubles with each failure, from half a minute to an hour.
    #[arg(long)]
    now: bool,
    /// Also those that failed five times, and those that cannot be read: worth it when something else has changed.
    #[arg(long)]
    all: bool,
    /// The most that embedding may cost, by the --embedder-price; the next `ingest` takes what waits then.
    #[arg(long, value_name = "AMOUNT", value_parser = embedding::micros)]
    budget: Option<i64>,
    /// How many files are worked on at once; as many as there are processors unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    workers: Option<u32>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Stats {
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Verify {
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Prune {
    /// Only count what would go.
    #[arg(long)]
    dry_run: bool,
    /// Keep the history of so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    history: u32,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Reset {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    shared: Shared,
}

/// How much one file may ask for.
#[derive(Debug, Args)]
struct Reading {
    /// The largest file that is read, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    max_file_size: u64,
    /// The most that may be packed in one file (an archive, an office document, a book), unpacked, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..))]
    max_unpacked_size: u64,
    /// How long the parser of one file may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    parse_timeout: u64,
    /// How much memory the parser of one file may take, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(64..))]
    parse_memory: u64,
    /// How documents are spelled and cut: by their `structure`, or as rag-101 does it (`compat`).
    #[arg(long, value_name = "PROFILE", default_value = "structure")]
    profile: Profile,
}

impl Reading {
    fn limits(&self) -> Limits {
        Limits {
            max_file_bytes: self.max_file_size << 20,
            max_unpacked_bytes: self.max_unpacked_size << 20,
            max_parse_time: Duration::from_secs(self.parse_timeout),
            max_parse_memory: self.parse_memory << 20,
            profile: self.profile,
            ..Limits::default()
        }
    }
}

impl Shared {
    fn progress(&self) -> Progress {
        Progress::new(match self.progress {
            Show::Auto if self.json => Show::Json,
            other => other,
        })
    }
}

/// Runs the command that this process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let settings = match Settings::read(std::env::args_os().collect()) {
        Ok(Ok(settings)) => settings,
        Ok(Err(error)) => return durable_runtime::cli::refused(&error),
        Err(error) => return refused(&error),
    };
    let command = match settings.command() {
        Ok(command) => command,
        Err(error) => return durable_runtime::cli::refused(&error),
    };
    let log = match &command.action {
        Action::Ingest(of) => of.shared.log.as_deref(),
        Action::Worker(of) => of.shared.log.as_deref(),
        Action::Resume(of) => of.shared.log.as_deref(),
        Action::Cancel(of) => of.shared.log.as_deref(),
        Action::Config(_) => None,
        Action::Search(of) => of.shared.log.as_deref(),
        Action::Serve(of) => of.shared.log.as_deref(),
        Action::Mcp(of) => of.shared.log.as_deref(),
        Action::Status(of) => of.shared.log.as_deref(),
        Action::Retry(of) => of.shared.log.as_deref(),
        Action::Stats(of) => of.shared.log.as_deref(),
        Action::Verify(of) => of.shared.log.as_deref(),
        Action::Prune(of) => of.shared.log.as_deref(),
        Action::Reset(of) => of.shared.log.as_deref(),
        Action::Durable(_) => None,
        Action::Parse => return run_parse(),
    };
    let done = log_to(log).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let done = runtime.block_on(async {
            match command.action {
                Action::Ingest(options) => runs::run_ingest(&options).await,
                Action::Worker(options) => runs::run_worker(&options).await,
                Action::Resume(options) => runs::run_resume(&options).await,
                Action::Cancel(options) => runs::run_cancel(&options).await,
                Action::Config(options) => runs::run_config(&options, &settings),
                Action::Search(options) => search::search(&options).await,
                Action::Serve(options) => serve::serve(&options).await,
                Action::Mcp(options) => serve::mcp(&options).await,
                Action::Status(options) => report::status(&options.shared).await,
                Action::Retry(options) => run_retry(options).await,
                Action::Stats(options) => report::stats(&options.shared).await,
                Action::Verify(options) => upkeep::verify(&options.shared).await,
                Action::Prune(options) => upkeep::prune(&options).await,
                Action::Reset(options) => upkeep::reset(&options).await,
                Action::Durable(Workflows { db, command }) => {
                    Ok(command.run(workflows(&db, VERSION)).await)
                }
                Action::Parse => Ok(run_parse()),
            }
        });
        // A read of standard input that is under way ends with the process.
        runtime.shutdown_background();
        done
    });
    done.unwrap_or_else(|error| refused(&error))
}

fn refused(error: &anyhow::Error) -> ExitCode {
    eprintln!("rag-ingest: {error:#}");
    ExitCode::FAILURE
}

/// Is a parser process, until its input ends.
fn run_parse() -> ExitCode {
    match crate::loader::parsers::worker::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rag-ingest: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is shown on standard error unless `RUST_LOG` says otherwise: warnings, but no statements that took long.
const SHOWN: &str = "warn,sqlx::query=error";

/// Warnings go to standard error (`RUST_LOG` for more); everything of a run to the file, if one is given.
fn log_to(file: Option<&std::path::Path>) -> Result<()> {
    let shown = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(SHOWN));
    let terminal = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_filter(shown);
    let file = match file {
        None => None,
        Some(path) => {
            // Every line is written at once: after a crash the file tells all that happened before.
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path);
            let file = file.with_context(|| format!("cannot write the log {}", path.display()))?;
            let layer = tracing_subscriber::fmt::layer()
                .json()
                .with_writer(Mutex::new(file));
            Some(layer.with_filter(EnvFilter::new("warn,rag_ingest=info,durable_runtime=info")))
        }
    };
    tracing_subscriber::registry()
        .with(terminal)
        .with(file)
        .init();
    Ok(())
}

/// As many as were asked for, else as many as there are processors.
fn workers(asked: Option<u32>) -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.unwrap_or(u32::try_from(processors).unwrap_or(1))
}

async fn run_retry(options: Retry) -> Result<ExitCode> {
    let summary = retry(RetryOptions {
        db: options.shared.db.clone(),
        collection: options.shared.collection.clone(),
        embedder: options.shared.embedding.choice()?,
        budget_micros: options.budget,
        workers: workers(options.workers),
        now: options.now,
        all: options.all,
        limits: options.reading.limits(),
        isolate: true,
        progress: options.shared.progress(),
    })
    .await?;
    report::summary(&summary, options.shared.json)
}
