//! `rpa run`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use rpa_nodes::lenient;
use rpa_nodes::run as runs;
use rpa_nodes::run::{Request, Result as RunResult, RunOptions, StartError, parse_variable};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use crate::command::{Database, Outcome, checked, load};
use crate::host::{HostOptions, end_progress};
use crate::report::Report;

pub(crate) const HELP: &str = "\
Examples:
  rpa run invoices.json                               into ./rpa.db, under a new id
  rpa run invoices.json --id monday --var customer=7  go on with `monday`, or give its result again
  rpa run invoices.json --json --db postgres://me@db/rpa
  rpa run invoices.json --enqueue --db postgres://me@db/rpa   for `rpa worker` to do

With --json the output is one object: {success, workflow_id, workflow_name, status, executed_nodes, distinct_nodes,
total_nodes, failed_node_id, error, warnings, unreached, outputs, variables, logs, duration_ms, recovered, durable}; of
a refused workflow it is that of `rpa check --json`.

Exit codes: 0 the workflow succeeded; 2 it failed; 3 it was refused before it began; 4 it waits until somebody answers a
question (`rpa answer`); 1 it could not be run.";

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The workflow file.
    file: PathBuf,
    /// The id of the run; a new one unless given.
    #[arg(long)]
    id: Option<String>,
    /// A value for a variable. It is read as JSON if it is JSON, else it is a text.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_variable)]
    variables: Vec<(String, Value)>,
    /// Run a workflow with errors as far as that can be done: other names are read as what is meant, and what cannot be had
    /// is left out. Each of these is a warning.
    #[arg(long)]
    lenient: bool,
    #[command(flatten)]
    database: Database,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: HostOptions,
    /// Run without a database. A crash ends the run for good, and the result says so.
    #[arg(long, conflicts_with_all = ["id", "db"])]
    ephemeral: bool,
    /// Put the run on the queue of the database and do not wait for it; `rpa worker` does it.
    #[arg(long, conflicts_with = "ephemeral")]
    enqueue: bool,
}

pub(crate) fn run(options: &Run, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let mut loaded = match load(&options.file) {
        Ok(loaded) => loaded,
        Err(error) if options.json => {
            Report::unread(&error).write_json(output)?;
            return Ok(Outcome::Unread);
        }
        Err(error) => return Err(error),
    };
    let found = checked(&mut loaded, options.lenient, options.host.headless_policy);
    let repairs = lenient::repairs(loaded.diagnostics.iter().chain(&found));
    let mut warnings = Vec::new();
    for said in loaded.diagnostics.iter().chain(&found) {
        if said.severity != rpa_nodes::diagnostic::Severity::Info {
            warnings.push(said.to_string());
        }
    }
    let report = Report::new(&loaded, found);
    if !report.ok {
        match options.json {
            true => report.write_json(output)?,
            false => report.write_text(&loaded, output)?,
        }
        return Ok(Outcome::Refused);
    }
    if !options.json {
        warnings.iter().for_each(|warning| eprintln!("{warning}"));
    }
    let given = options.variables.iter().cloned().collect();
    let folder = std::env::current_dir().context("there is no current folder")?;
    let request = match Request::alone(&loaded.workflow, &given, &folder) {
        Ok(request) => request,
        Err(error @ (StartError::MissingVariable { .. } | StartError::Variable { .. })) => {
            let refused = Report::refused(&error);
            match options.json {
                true => refused.write_json(output)?,
                false => eprintln!("error: {error}"),
            }
            return Ok(Outcome::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    let request = match options.lenient {
        true => request.lenient(repairs),
        false => request,
    };
    log_to_stderr();
    let host = options.host.host();
    if options.enqueue {
        let id = options.id.clone().unwrap_or_else(new_id);
        runtime()?.block_on(runs::enqueue(request, &id, &options.database.db, host))?;
        match options.json {
            true => {
                let said =
                    serde_json::json!({"workflow_id": id, "status": "ENQUEUED", "durable": true});
                writeln!(output, "{said:#}")?;
            }
            false => writeln!(
                output,
                "run {id} is on the queue; `rpa status {id}` tells how far it is"
            )?,
        }
        return Ok(Outcome::Done);
    }
    let result = runtime()?.block_on(async {
        if options.ephemeral {
            return runs::run_ephemeral(&request, &host).await;
        }
        let id = options.id.clone().unwrap_or_else(new_id);
        eprintln!("run {id}");
        runs::run(RunOptions {
            request,
            id,
            db: options.database.db.clone(),
            host,
        })
        .await
    })?;
    finish(&result, options.json, output)
}

/// Prints what a run came to.
pub(crate) fn finish(
    result: &RunResult,
    json: bool,
    output: &mut impl Write,
) -> anyhow::Result<Outcome> {
    end_progress();
    match json {
        true => {
            serde_json::to_writer_pretty(&mut *output, result)?;
            writeln!(output)?;
        }
        false => print(result, output)?,
    }
    Ok(match (result.success, &result.question) {
        (true, _) => Outcome::Done,
        (false, Some(_)) => Outcome::Asks,
        (false, None) => Outcome::Failed,
    })
}

pub(crate) fn new_id() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("wf-{}", id.get(..12).unwrap_or(&id))
}

/// The runtime that commands wait in.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Warnings of the runtime go to standard error, statements that took long do not; `RUST_LOG` asks for more.
pub(crate) fn log_to_stderr() {
    let shown = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,sqlx::query=error"));
    // A second call in one process finds the first one's subscriber, and needs no other.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(shown)
        .try_init();
}

fn print(result: &RunResult, output: &mut impl Write) -> anyhow::Result<()> {
    for text in &result.logs {
        writeln!(output, "{text}")?;
    }
    for warning in &result.warnings {
        writeln!(output, "warning: {warning}")?;
    }
    if let Some(asked) = &result.question {
        let id = &result.workflow_id;
        writeln!(output, "{}", asked.question.question)?;
        writeln!(
            output,
            "Answer with: rpa answer {id} retry|skip|fail, then: rpa resume {id}"
        )?;
    }
    if let (Some(node), Some(error)) = (&result.failed_node_id, &result.error) {
        writeln!(output, "failed at node {node}: {error}")?;
    }
    writeln!(
        output,
        "{}: {} ({} visits of {} of {} nodes, {} ms{}). Run {}.",
        result.workflow_name,
        match (result.success, &result.question) {
            (true, _) => "success",
            (false, Some(_)) => "needs attention",
            (false, None) => "failed",
        },
        result.executed_nodes,
        result.distinct_nodes,
        result.total_nodes,
        result.duration_ms,
        if result.recovered { ", recovered" } else { "" },
        result.workflow_id,
    )?;
    Ok(())
}
