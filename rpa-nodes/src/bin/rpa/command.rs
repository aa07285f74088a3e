//! The commands and what they do.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use rpa_nodes::document::{self, Loaded};
use rpa_nodes::{mermaid, structure};

use crate::report::Report;

#[cfg(test)]
mod tests;

const CHECK_HELP: &str = "\
Examples:
  rpa check invoices.json
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

/// Says what is in a CasareRPA workflow file.
///
/// Files of all shapes are read: workflows old and new, scenarios, templates, starters, subflows, snippets and
/// graphs. A file named `-` is read from standard input.
#[derive(Debug, Parser)]
#[command(name = "rpa", version, arg_required_else_help = true)]
#[command(
    after_help = "Examples:\n  rpa check invoices.json\n  rpa import starter.json > workflow.json\n  rpa graph invoices.json > invoices.mmd"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check how a file is built: its shape, its nodes, and how they hang together.
    ///
    /// Node types, ports, properties and templates are not checked.
    #[command(after_help = CHECK_HELP)]
    Check {
        /// The workflow file.
        file: PathBuf,
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

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Done,
    /// The workflow has errors.
    Refused,
    /// There is no workflow to speak of, and that was reported.
    Unread,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Refused => Self::from(3),
            Outcome::Unread => Self::FAILURE,
        }
    }
}

/// Does what the arguments ask for.
pub(crate) fn run(arguments: &Arguments, output: &mut impl Write) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Check { file, json } => check(file, *json, output),
        Command::Import { file } => import(file, output),
        Command::Graph { file } => {
            let loaded = load(file)?;
            write!(output, "{}", mermaid::render(&loaded.workflow))?;
            Ok(Outcome::Done)
        }
    }
}

fn check(file: &Path, json: bool, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        // Whoever asked for JSON reads JSON, also now.
        Err(error) if json => {
            Report::unread(&error).write_json(output)?;
            return Ok(Outcome::Unread);
        }
        Err(error) => return Err(error),
    };
    let report = Report::new(&loaded, structure::check(&loaded));
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
        eprintln!("{}", crate::report::line(diagnostic));
    }
    if !loaded.is_complete() {
        eprintln!("error: not printed, because something is missing in it; see the errors above");
        return Ok(Outcome::Refused);
    }
    serde_json::to_writer_pretty(&mut *output, &loaded.workflow)?;
    writeln!(output)?;
    Ok(Outcome::Done)
}

fn load(file: &Path) -> anyhow::Result<Loaded> {
    let name = file.display();
    let text = if file == Path::new("-") {
        io::read_to_string(io::stdin())
    } else {
        fs::read_to_string(file)
    };
    let text = text.with_context(|| format!("cannot read {name}"))?;
    document::load(&text).with_context(|| format!("cannot load {name}"))
}
