//! `rpa serve` and `rpa worker`: processes that others leave runs to.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use rpa_nodes::diagnostic::Severity;
use rpa_nodes::lenient;
use rpa_nodes::run::{self as runs, WorkOptions};
use rpa_nodes::serve::{self as service, ServeOptions, Served};

use crate::command::{Database, Outcome, checked, load};
use crate::host::HostOptions;
use crate::report::Report;
use crate::run::{log_to_stderr, runtime};

pub(crate) const SERVE_HELP: &str = "\
Examples:
  rpa serve invoices.json reports.json                      what their triggers ask for, kept in ./rpa.db
  rpa serve *.json --db postgres://me@db/rpa --listen 0.0.0.0:8080
  rpa serve *.json --db postgres://me@db/rpa --no-work      only starts runs; `rpa worker` does them
  curl -d '{\"amount\": 7}' -H 'Content-Type: application/json' -H 'Idempotency-Key: 4711' localhost:8080/invoices/hook

A run has an id that begins with the name of its file and the id of its trigger; `rpa status ID` tells of it. Any number of
servers may serve the same files from one database: each tick, each request with a key and each version of a file starts
one run. Ctrl-C ends it; runs that are not done by then go on at the next start, or in another process.

Exit codes: 0 it was asked to end; 3 a workflow was refused; 1 it could not serve.";

pub(crate) const WORKER_HELP: &str = "\
Examples:
  rpa worker --db postgres://me@db/rpa
  rpa worker --db postgres://me@db/rpa --at-once 16 --allow-commands
  rpa run invoices.json --enqueue --db postgres://me@db/rpa     puts a run on the queue

Start as many as you like, on as many machines. What a worker that died was doing goes on in another one within 10 s.
Ctrl-C ends it; runs that are not done by then go on elsewhere.

Exit codes: 0 it was asked to end; 1 it could not work.";

/// How a process works on the queue.
#[derive(Debug, Clone, Args)]
pub(crate) struct Work {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    host: HostOptions,
    /// How many runs each process does at once, from now on and in all processes of the database; 4 unless ever said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    at_once: Option<u32>,
    /// How many seconds runs may go on after Ctrl-C.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    grace: u64,
}

impl Work {
    pub(crate) fn options(&self) -> WorkOptions {
        WorkOptions {
            db: self.database.db.clone(),
            host: self.host.host(),
            at_once: self.at_once,
            grace: Duration::from_secs(self.grace),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The workflow files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    work: Work,
    /// Where webhooks are waited for.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Start runs only, and leave them to workers.
    #[arg(long)]
    no_work: bool,
    /// Serve workflows with errors as far as that can be done, as `rpa run --lenient`.
    #[arg(long)]
    lenient: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    work: Work,
}

pub(crate) fn serve(options: &Serve, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let mut workflows = Vec::new();
    for file in &options.files {
        let mut loaded = load(file)?;
        let found = checked(
            &mut loaded,
            options.lenient,
            options.work.host.headless_policy,
        );
        let said = loaded.diagnostics.iter().chain(&found);
        for said in said.filter(|said| said.severity != Severity::Info) {
            eprintln!("{}: {said}", file.display());
        }
        let repairs = lenient::repairs(loaded.diagnostics.iter().chain(&found));
        let report = Report::new(&loaded, found);
        if !report.ok {
            report.write_text(&loaded, output)?;
            return Ok(Outcome::Refused);
        }
        let name = file.file_stem().and_then(|name| name.to_str());
        workflows.push(Served {
            name: name.unwrap_or("workflow").to_owned(),
            workflow: loaded.workflow,
            repairs: options.lenient.then_some(repairs),
        });
    }
    log_to_stderr();
    let options = ServeOptions {
        work: options.work.options(),
        works: !options.no_work,
        workflows,
        listen: options.listen,
        folder: std::env::current_dir().context("there is no current folder")?,
    };
    runtime()?.block_on(service::serve(options, |line| eprintln!("{line}")))?;
    Ok(Outcome::Done)
}

pub(crate) fn worker(options: &Worker) -> anyhow::Result<Outcome> {
    log_to_stderr();
    let options = options.work.options();
    runtime()?.block_on(runs::work(options, || eprintln!("ready")))?;
    Ok(Outcome::Done)
}
