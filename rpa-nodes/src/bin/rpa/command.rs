//! The commands and what they do.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use rpa_nodes::diagnostic::Diagnostic;
use rpa_nodes::document::{self, Loaded};
use rpa_nodes::{check, headless, lenient, mermaid};

use crate::again::{self, Answer, Fork, Resume, Retry};
use crate::host::Headless;
use crate::items::{self, Items};
use crate::look;
use crate::report::Report;
use crate::run::{self, Run};
use crate::secret::{self, Secret};
use crate::serve::{self, Serve, Worker};

#[cfg(test)]
mod tests;

const STATUS_HELP: &str = "Examples:
  rpa status monday
  rpa status monday --json --db postgres://me@db/rpa";
const HISTORY_HELP: &str = "Examples:
  rpa history monday
  rpa history monday --json | jq '.[] | select(.status == \"failed\")'";
const NODES_HELP: &str = "Examples:
  rpa nodes
  rpa nodes ForLoopStartNode
  rpa nodes --json";

const CHECK_HELP: &str = "\
Examples:
  rpa check invoices.json
  rpa check --lenient starter.json                    what `rpa run --lenient` would make of its errors
  rpa check --json invoices.json | jq '.diagnostics[] | select(.severity == \"error\")'

With --json the output is one object: {\"ok\", \"diagnostics\": [{\"severity\", \"code\", \"pointer\", \"message\", \"fix\"}]}.
A pointer is a JSON pointer (RFC 6901) into the file as it was given.

Exit codes: 0 nothing is wrong, or only warnings; 3 the workflow may not start; 1 the file could not be read.";

const IMPORT_HELP: &str = "\
Examples:
  rpa import starter.json > workflow.json

What was repaired is told on standard error. Nothing is printed if something had to be left out because of an
error: correct it first.

Exit codes: 0 printed; 3 refused; 1 the file could not be read.";

const GRAPH_HELP: &str = "\
Examples:
  rpa graph invoices.json > invoices.mmd

Lines are control, dots are values. Exit codes: 0 drawn; 1 the file could not be read.";

/// Runs CasareRPA workflow files, and survives everything in the middle of it.
///
/// Files of all shapes are read: workflows old and new, scenarios, templates, starters, subflows, snippets and
/// graphs. A file named `-` is read from standard input.
#[derive(Debug, Parser)]
#[command(name = "rpa", version, arg_required_else_help = true)]
#[command(
    after_help = "Examples:\n  rpa run invoices.json --id monday --var customer=7\n  rpa status monday\n  rpa check invoices.json\n  rpa nodes ForLoopStartNode"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a workflow to its end.
    ///
    /// Killed or interrupted, the same command with the same --id goes on where it stopped.
    #[command(after_help = run::HELP)]
    Run(Run),
    /// Go on with a run that was interrupted, or that asked something.
    #[command(after_help = again::RESUME_HELP)]
    Resume(Resume),
    /// Run a workflow again from the node that failed, with the file as it is now.
    #[command(after_help = again::RETRY_HELP)]
    Retry(Retry),
    /// Run a workflow again from any node, with other outputs or another file.
    #[command(after_help = again::FORK_HELP)]
    Fork(Fork),
    /// Answer the question of a run.
    #[command(after_help = again::ANSWER_HELP)]
    Answer(Answer),
    /// Wait for triggers: requests, times and files that start workflows.
    #[command(after_help = serve::SERVE_HELP)]
    Serve(Serve),
    /// Do the runs that others put on the queue of a database.
    #[command(after_help = serve::WORKER_HELP)]
    Worker(Worker),
    /// Work items: runs that are tried again when they fail, unless the item is wrong itself.
    #[command(after_help = items::HELP)]
    Items(Items),
    /// Keep secrets in a file, sealed.
    #[command(after_help = secret::HELP)]
    Secret(Secret),
    /// Tell how far a run is.
    #[command(after_help = STATUS_HELP)]
    Status {
        /// The id of the run.
        id: String,
        #[command(flatten)]
        database: Database,
        /// Print one JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// List the visits of a run: what each node took, gave and changed.
    #[command(after_help = HISTORY_HELP)]
    History {
        /// The id of the run.
        id: String,
        #[command(flatten)]
        database: Database,
        /// Print one JSON list instead of text.
        #[arg(long)]
        json: bool,
    },
    /// List the node types that can be run, or tell all about one.
    #[command(after_help = NODES_HELP)]
    Nodes {
        /// A node type.
        name: Option<String>,
        /// Print JSON instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Check a file without running it: its shape, its nodes, what they need, and how they hang together.
    #[command(after_help = CHECK_HELP)]
    Check {
        /// The workflow file.
        file: PathBuf,
        /// Tell what a lenient run would make of the errors.
        #[arg(long)]
        lenient: bool,
        /// What becomes of dialogs, as nobody sits at a desktop.
        #[arg(long, value_enum, default_value = "refuse")]
        headless_policy: Headless,
        /// Print one JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Print a file in the normal form.
    #[command(after_help = IMPORT_HELP)]
    Import {
        /// The workflow file.
        file: PathBuf,
    },
    /// Print a file as a Mermaid flowchart.
    #[command(after_help = GRAPH_HELP)]
    Graph {
        /// The workflow file.
        file: PathBuf,
    },
}

/// Where runs are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct Database {
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME.
    #[arg(long, value_name = "URL", default_value = "sqlite://rpa.db")]
    pub(crate) db: String,
}

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Done,
    /// The workflow ran and failed.
    Failed,
    /// The workflow has errors.
    Refused,
    /// The workflow waits until somebody answers a question.
    Asks,
    /// There is no workflow to speak of, and that was reported.
    Unread,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Failed => Self::from(2),
            Outcome::Refused => Self::from(3),
            Outcome::Asks => Self::from(4),
            Outcome::Unread => Self::FAILURE,
        }
    }
}

/// Does what the arguments ask for.
pub(crate) fn run(arguments: &Arguments, output: &mut impl Write) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Run(options) => run::run(options, output),
        Command::Resume(options) => again::resume(options, output),
        Command::Retry(options) => again::retry(options, output),
        Command::Fork(options) => again::fork(options, output),
        Command::Answer(options) => again::answer(options, output),
        Command::Serve(options) => serve::serve(options, output),
        Command::Worker(options) => serve::worker(options),
        Command::Items(options) => items::items(options, output),
        Command::Secret(options) => secret::secret(options, output),
        Command::Status { id, database, json } => look::status(id, &database.db, *json, output),
        Command::History { id, database, json } => look::history(id, &database.db, *json, output),
        Command::Nodes { name, json } => look::nodes(name.as_deref(), *json, output),
        Command::Check {
            file,
            lenient,
            headless_policy,
            json,
        } => check_file(file, (*lenient, *headless_policy), *json, output),
        Command::Import { file } => import(file, output),
        Command::Graph { file } => {
            let loaded = load(file)?;
            write!(output, "{}", mermaid::render(&loaded.workflow))?;
            Ok(Outcome::Done)
        }
    }
}

fn check_file(
    file: &Path,
    (lenient, policy): (bool, Headless),
    json: bool,
    output: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let mut loaded = match load(file) {
        Ok(loaded) => loaded,
        // Whoever asked for JSON reads JSON, also now.
        Err(error) if json => {
            Report::unread(&error).write_json(output)?;
            return Ok(Outcome::Unread);
        }
        Err(error) => return Err(error),
    };
    let found = checked(&mut loaded, lenient, policy);
    let report = Report::new(&loaded, found);
    if json {
        report.write_json(output)?;
    } else {
        report.write_text(&loaded, output)?;
    }
    Ok(if report.ok {
        Outcome::Done
    } else {
        Outcome::Refused
    })
}

fn import(file: &Path, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let loaded = load(file)?;
    for diagnostic in &loaded.diagnostics {
        eprintln!("{diagnostic}");
    }
    if !loaded.is_complete() {
        eprintln!("error: not printed, because something is missing in it; see the errors above");
        return Ok(Outcome::Refused);
    }
    serde_json::to_writer_pretty(&mut *output, &loaded.workflow)?;
    writeln!(output)?;
    Ok(Outcome::Done)
}

/// What is said of a workflow; of errors that a lenient run can live with, what it makes of them.
pub(crate) fn checked(loaded: &mut Loaded, is_lenient: bool, policy: Headless) -> Vec<Diagnostic> {
    if policy == Headless::Answer {
        headless::answer(loaded);
    }
    match is_lenient {
        true => lenient::mend(loaded),
        false => check::check(loaded),
    }
}

/// Reads a workflow file.
pub(crate) fn load(file: &Path) -> anyhow::Result<Loaded> {
    let name = file.display();
    let text = if file == Path::new("-") {
        io::read_to_string(io::stdin())
    } else {
        fs::read_to_string(file)
    };
    let text = text.with_context(|| format!("cannot read {name}"))?;
    document::load(&text).with_context(|| format!("cannot load {name}"))
}
