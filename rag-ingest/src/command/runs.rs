//! Runs: begun, watched, ended, and gone on with.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::settings::Settings;
use super::{Ingest, Reading, Shared, report, workers};
use crate::discover::{Links, Rules};
use crate::run::{
    IngestOptions, ResumeOptions, Served, Summary, WorkerOptions, cancel, enqueue, ingest, resume,
    serve, watch,
};

/// Which files of a folder are meant.
#[derive(Debug, Args)]
pub(super) struct Selecting {
    /// Only files that this names, as in .gitignore: `*.md`, `/notes/`; may be repeated.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No files or folders that this names, as in .gitignore; may be repeated.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Symbolic links: `skip` them, follow those that lead `inside` the root, or `follow` all.
    #[arg(long, value_name = "POLICY", default_value = "skip")]
    links: Links,
}

impl Selecting {
    pub(super) fn rules(&self) -> Rules {
        Rules {
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            links: self.links,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Worker {
    /// How many files this process works on at once; as many as there are processors unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    workers: Option<u32>,
    /// End when nothing is left to do.
    #[arg(long)]
    until_idle: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) shared: Shared,
}

#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The run, which may be a cancelled one; unless given, all of the collection that were interrupted.
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// How many files are worked on at once; as many as there are processors unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    workers: Option<u32>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) shared: Shared,
}

#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The run; unless given, all of the collection that have not ended.
    #[arg(value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    action: ConfigAction,
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    /// Tell every setting, its value, and where that comes from. Takes the options of `ingest`.
    Show(Box<Show>),
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    ingest: Ingest,
}

impl Ingest {
    fn options(&self) -> Result<IngestOptions> {
        Ok(IngestOptions {
            roots: self.paths.clone(),
            db: self.shared.db.clone(),
            collection: self.shared.collection.clone(),
            embedder: self.shared.embedding.choice()?,
            budget_micros: self.budget,
            limits: self.reading.limits(),
            isolate: true,
            workers: workers(self.workers),
            max_delete: self.max_delete.unwrap_or_default(),
            rules: self.selecting.rules(),
            progress: self.shared.progress(),
        })
    }
}

pub(super) async fn run_ingest(options: &Ingest) -> Result<ExitCode> {
    if options.detach {
        let run = enqueue(options.options()?).await?;
        let mut out = std::io::stdout().lock();
        if options.shared.json {
            writeln!(out, "{}", serde_json::json!({"run_id": run}))?;
        } else {
            writeln!(out, "{run}")?;
            eprintln!(
                "It waits for a `rag-ingest worker` with the same settings; `rag-ingest status` tells more."
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    if options.watch {
        return run_watch(options).await;
    }
    let summary = ingest(options.options()?).await?;
    report::summary(&summary, options.shared.json)
}

/// Each run that did something is told, and the first one.
async fn run_watch(options: &Ingest) -> Result<ExitCode> {
    let mut failed = None;
    let mut is_first = true;
    let told = |summary: &Summary| {
        let did = summary.ingested + summary.renamed + summary.vanished > 0 || is_first;
        is_first = false;
        if did && let Err(error) = report::summary(summary, options.shared.json) {
            failed = Some(error);
        }
    };
    let every = Duration::from_secs(options.every);
    watch(options.options()?, every, told).await?;
    match failed {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

pub(super) async fn run_worker(options: &Worker) -> Result<ExitCode> {
    let served = serve(WorkerOptions {
        db: options.shared.db.clone(),
        embedder: options.shared.embedding.choice()?,
        workers: workers(options.workers),
        limits: options.reading.limits(),
        isolate: true,
        until_idle: options.until_idle,
    })
    .await?;
    let mut out = std::io::stdout().lock();
    if options.shared.json {
        writeln!(out, "{}", serde_json::json!({"ended": served}))?;
    } else {
        let said = match served {
            Served::Interrupted => {
                "Stopped. What was not at its end goes on at the other workers, or at the next one."
            }
            Served::Idle => "Nothing is left to do.",
        };
        writeln!(out, "{said}")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run_resume(options: &Resume) -> Result<ExitCode> {
    let summaries = resume(ResumeOptions {
        db: options.shared.db.clone(),
        collection: options.shared.collection.clone(),
        run: options.run.clone(),
        embedder: options.shared.embedding.choice()?,
        workers: workers(options.workers),
        limits: options.reading.limits(),
        isolate: true,
        progress: options.shared.progress(),
    })
    .await?;
    if summaries.is_empty() && !options.shared.json {
        println!("No run was interrupted.");
    }
    let mut code = ExitCode::SUCCESS;
    for summary in &summaries {
        let of_this = report::summary(summary, options.shared.json)?;
        if !summary.failed.is_empty() {
            code = of_this;
        }
    }
    Ok(code)
}

pub(super) async fn run_cancel(options: &Cancel) -> Result<ExitCode> {
    let shared = &options.shared;
    let runs = cancel(&shared.db, &shared.collection, options.run.as_deref()).await?;
    let mut out = std::io::stdout().lock();
    if shared.json {
        writeln!(out, "{}", serde_json::json!({"cancelled": runs}))?;
    } else if runs.is_empty() {
        writeln!(out, "No run is under way.")?;
    } else {
        for run in runs {
            writeln!(
                out,
                "Cancelled {run}. What is saved stays; `rag-ingest resume {run}` goes on with it."
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Config {
    pub(super) fn shared(&self) -> &Shared {
        let ConfigAction::Show(show) = &self.action;
        &show.ingest.shared
    }
}

pub(super) fn run_config(options: &Config, settings: &Settings) -> Result<ExitCode> {
    let all = settings.all();
    let mut out = std::io::stdout().lock();
    if options.shared().json {
        writeln!(out, "{}", serde_json::to_string(&all)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for setting in all {
        let value = match setting.value.as_slice() {
            [] => "-".to_owned(),
            values => values.join(" "),
        };
        writeln!(out, "{:<20} {value:<40} {}", setting.name, setting.from)?;
    }
    Ok(ExitCode::SUCCESS)
}
