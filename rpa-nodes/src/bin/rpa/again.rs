//! `rpa resume`, `rpa retry`, `rpa fork` and `rpa answer`: runs that were there before.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use durable_runtime::Client;
use rpa_nodes::Decision;
use rpa_nodes::lenient;
use rpa_nodes::run::{self as runs, ForkOptions, From, Request, parse_variable};
use serde_json::Value;

use crate::command::{Database, Outcome, checked, load};
use crate::host::HostOptions;
use crate::report::Report;
use crate::run::{finish, log_to_stderr, new_id, runtime};

pub(crate) const RESUME_HELP: &str = "\
Examples:
  rpa resume monday

It goes on with what it was started with, whatever became of the file since.

Exit codes: as of `rpa run`.";

pub(crate) const RETRY_HELP: &str = "\
Examples:
  rpa retry monday invoices.json      from the node that failed, with the file as it is now
  rpa retry monday                    the same with the workflow that it was started with
  rpa retry monday invoices.json --lenient            with what can be done of a file that has errors

A new run is made that has the records of the old one up to the failure. The file may differ from what was run only
behind that; else it is refused, with where the ways part.

Exit codes: as of `rpa run`.";

pub(crate) const FORK_HELP: &str = "\
Examples:
  rpa fork monday --from send                         do the last visit of `send` again, and all behind it
  rpa fork monday --from rows#26 --file fixed.json    from the 26th visit, with another file
  rpa fork monday --from ask --set answer=yes         go on behind `ask` as if it had given this

Exit codes: as of `rpa run`.";

pub(crate) const ANSWER_HELP: &str = "\
Examples:
  rpa answer monday retry
  rpa answer monday skip --set status_code=201
  rpa answer monday fail --reason 'the server was down'

`rpa status ID` shows what is asked. The answer is kept; `rpa resume ID` goes on with it.";

/// How a run goes on in this process.
#[derive(Debug, Clone, Args)]
struct Running {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    host: HostOptions,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The id of the run.
    id: String,
    #[command(flatten)]
    running: Running,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The id of the run that failed.
    run: String,
    /// The workflow to run now; what the run was started with unless given.
    file: Option<PathBuf>,
    /// Run a file with errors as far as that can be done, as `rpa run --lenient` does.
    #[arg(long, requires = "file")]
    lenient: bool,
    /// The id of the new run.
    #[arg(long = "id", value_name = "ID")]
    new_id: Option<String>,
    #[command(flatten)]
    running: Running,
}

#[derive(Debug, Args)]
pub(crate) struct Fork {
    /// The id of the run.
    run: String,
    /// The first visit that is done anew: the last one of a node, or the one with this number.
    #[arg(long, value_name = "NODE[#VISIT]")]
    from: From,
    /// An output that counts in the place of what the visit gave; the new run goes on behind it.
    #[arg(long = "set", value_name = "PORT=VALUE", value_parser = parse_variable)]
    set: Vec<(String, Value)>,
    /// The workflow to run now; what the run was started with unless given.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Run a file with errors as far as that can be done, as `rpa run --lenient` does.
    #[arg(long, requires = "file")]
    lenient: bool,
    /// The id of the new run.
    #[arg(long = "id", value_name = "ID")]
    new_id: Option<String>,
    #[command(flatten)]
    running: Running,
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The id of the run that asks.
    id: String,
    /// What is to be done.
    #[arg(value_enum)]
    decision: Choice,
    /// With `skip`: an output of the node.
    #[arg(long = "set", value_name = "PORT=VALUE", value_parser = parse_variable)]
    set: Vec<(String, Value)>,
    /// With `fail`: why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    database: Database,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What a person decides.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Choice {
    /// Do it again.
    Retry,
    /// Go on without doing it again.
    Skip,
    /// The node failed.
    Fail,
}

pub(crate) fn resume(options: &Resume, output: &mut impl Write) -> anyhow::Result<Outcome> {
    log_to_stderr();
    let running = &options.running;
    let host = running.host.host();
    let resumed = runtime()?.block_on(runs::resume(&options.id, &running.database.db, host))?;
    finish(&resumed, running.json, output)
}

pub(crate) fn retry(options: &Retry, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let from = runtime()?.block_on(async {
        let client = Client::connect(&options.running.database.db).await?;
        runs::last_failure(&client, &options.run).await
    })?;
    let fork = Fork {
        run: options.run.clone(),
        from,
        set: Vec::new(),
        file: options.file.clone(),
        lenient: options.lenient,
        new_id: options.new_id.clone(),
        running: options.running.clone(),
    };
    self::fork(&fork, output)
}

/// Makes a run of another one, and runs it.
pub(crate) fn fork(options: &Fork, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let running = &options.running;
    let mut loaded = options.file.as_deref().map(load).transpose()?;
    let mut repairs = Vec::new();
    if let Some(loaded) = &mut loaded {
        let found = checked(loaded, options.lenient, running.host.headless_policy);
        repairs = lenient::repairs(loaded.diagnostics.iter().chain(&found));
        let report = Report::new(loaded, found);
        if !report.ok {
            match running.json {
                true => report.write_json(output)?,
                false => report.write_text(loaded, output)?,
            }
            return Ok(Outcome::Refused);
        }
    }
    log_to_stderr();
    let host = running.host.host();
    let id = options.new_id.clone().unwrap_or_else(new_id);
    let forked = runtime()?.block_on(async {
        let client = Client::connect(&running.database.db).await?;
        let request = match &loaded {
            None => None,
            Some(loaded) => {
                let given = runs::variables(&client, &options.run).await?;
                let folder = std::env::current_dir().context("there is no current folder")?;
                let mut request = Request::alone(&loaded.workflow, &given, &folder)?;
                if options.lenient {
                    request = request.lenient(repairs);
                }
                request.seal(&host.vault)?;
                Some(request)
            }
        };
        let forked = ForkOptions {
            from: options.from.clone(),
            set: options.set.iter().cloned().collect(),
            request,
            id: id.clone(),
        };
        runs::fork(&client, &options.run, &forked).await?;
        eprintln!("run {id}");
        anyhow::Ok(runs::resume(&id, &running.database.db, host).await?)
    })?;
    finish(&forked, running.json, output)
}

pub(crate) fn answer(options: &Answer, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let decision = match options.decision {
        Choice::Retry => Decision::Retry,
        Choice::Skip => Decision::Skip {
            outputs: options.set.iter().cloned().collect(),
        },
        Choice::Fail => Decision::Fail {
            reason: options.reason.clone(),
        },
    };
    if !options.set.is_empty() && !matches!(options.decision, Choice::Skip) {
        bail!("--set says what the node gave, so it goes with `skip`");
    }
    let asked = runtime()?.block_on(async {
        let client = Client::connect(&options.database.db).await?;
        runs::answer(&client, &options.id, &decision).await
    })?;
    match options.json {
        true => {
            serde_json::to_writer_pretty(&mut *output, &asked)?;
            writeln!(output)?;
        }
        false => writeln!(
            output,
            "{}#{} of {}: answered. Go on with: rpa resume {}",
            asked.question.node, asked.question.visit, asked.workflow_id, options.id
        )?,
    }
    Ok(Outcome::Done)
}
