//! `rpa items`: work items, which are tried again when they fail.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use durable_runtime::Client;
use rpa_nodes::run::{self as runs, Item, ItemState, Request};
use rpa_nodes::value;
use serde_json::{Map, Value, json};

use crate::command::{Database, Outcome, checked, load};
use crate::host::Headless;
use crate::report::Report;
use crate::run::{log_to_stderr, new_id, runtime};
use crate::serve::Work;

pub(crate) const HELP: &str = "\
Examples:
  rpa items add invoice.json --item '{\"number\": 4711, \"amount\": 12.5}' --key number
  rpa items add invoice.json --items invoices.jsonl --key number --attempts 5
  rpa items list --dead
  rpa items retry item:invoice:4711

The fields of an item are variables of the workflow. An item of a key that is known is not added again. `rpa worker` and
`rpa serve` work on items. A failure of the class BusinessError (ThrowErrorNode with `error_type`) says that the item is wrong, and
ends it; after any other it is tried again, and the last one makes it a dead letter.

Exit codes: 0 done; 3 the workflow was refused; 1 it could not be done.";

#[derive(Debug, Args)]
pub(crate) struct Items {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Put items on the queue.
    Add(Add),
    /// List items and what became of them.
    List {
        #[command(flatten)]
        database: Database,
        /// Only those whose attempts have all failed.
        #[arg(long)]
        dead: bool,
        /// Print one JSON list instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Work on an item that failed again, as a new one.
    Retry {
        /// The id of the item.
        id: String,
        #[command(flatten)]
        database: Database,
        /// Print one JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// The workflow file.
    file: PathBuf,
    /// An item: a JSON object. May be given several times.
    #[arg(long = "item", value_name = "JSON")]
    items: Vec<String>,
    /// A file with an item on each line; - for standard input.
    #[arg(long = "items", value_name = "FILE")]
    lines: Option<PathBuf>,
    /// The field that tells items apart. Without one each is new.
    #[arg(long, value_name = "FIELD")]
    key: Option<String>,
    /// How often an item is tried in all.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
    /// How many seconds an item rests after its first failure; then twice as long each time.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    rest: f64,
    #[command(flatten)]
    work: Work,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

pub(crate) fn items(options: &Items, output: &mut impl Write) -> anyhow::Result<Outcome> {
    match &options.action {
        Action::Add(add) => self::add(add, output),
        Action::List {
            database,
            dead,
            json,
        } => {
            let mut lines = runtime()?.block_on(async {
                let client = Client::connect(&database.db).await?;
                anyhow::Ok(runs::items(&client).await?)
            })?;
            lines.retain(|line| !dead || line.state == ItemState::Dead);
            if *json {
                return write_json(&lines, output);
            }
            for line in lines {
                let state = serde_json::to_value(line.state)?;
                let error = line.error.map(|error| format!(": {error}"));
                let state = state.as_str().unwrap_or_default();
                writeln!(output, "{} {state}{}", line.id, error.unwrap_or_default())?;
            }
            Ok(Outcome::Done)
        }
        Action::Retry { id, database, json } => {
            let new = runtime()?.block_on(async {
                let client = Client::connect(&database.db).await?;
                anyhow::Ok(runs::retry_item(&client, id).await?)
            })?;
            if *json {
                return write_json(&json!({ "id": new }), output);
            }
            writeln!(output, "{new}")?;
            Ok(Outcome::Done)
        }
    }
}

fn add(options: &Add, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let mut loaded = load(&options.file)?;
    let found = checked(&mut loaded, false, Headless::Refuse);
    let report = Report::new(&loaded, found);
    if !report.ok {
        match options.json {
            true => report.write_json(output)?,
            false => report.write_text(&loaded, output)?,
        }
        return Ok(Outcome::Refused);
    }
    let mut texts = options.items.clone();
    if let Some(file) = &options.lines {
        let text = match file == Path::new("-") {
            true => io::read_to_string(io::stdin()),
            false => fs::read_to_string(file),
        };
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        texts.extend(lines.map(str::to_owned));
    }
    if texts.is_empty() {
        bail!("there are no items; give some with --item or --items");
    }
    let folder = std::env::current_dir().context("there is no current folder")?;
    let name = options.file.file_stem().and_then(|name| name.to_str());
    let name = name.unwrap_or("workflow");
    let rest = Duration::try_from_secs_f64(options.rest).context("--rest is no time")?;
    let mut items = Vec::new();
    for text in &texts {
        let item: Map<String, Value> = serde_json::from_str(text)
            .with_context(|| format!("an item is no JSON object: {text}"))?;
        let key = match &options.key {
            None => new_id(),
            Some(field) => match item.get(field) {
                Some(key) if !key.is_null() => value::text(key),
                _ => bail!("an item has no `{field}`, which tells items apart: {text}"),
            },
        };
        let request = Request::alone(&loaded.workflow, &item, &folder)
            .with_context(|| format!("an item does not fit the workflow: {text}"))?;
        items.push((
            format!("{name}:{key}"),
            Item {
                request,
                attempts: options.attempts,
                rest_ms: u64::try_from(rest.as_millis()).unwrap_or(u64::MAX),
            },
        ));
    }
    log_to_stderr();
    let count = items.len();
    let added = runtime()?.block_on(runs::add_item(items, &options.work.options()))?;
    if options.json {
        return write_json(
            &json!({"added": added, "known": count - added.len()}),
            output,
        );
    }
    writeln!(
        output,
        "{} added, {} known before",
        added.len(),
        count - added.len()
    )?;
    Ok(Outcome::Done)
}

fn write_json(value: &impl serde::Serialize, output: &mut impl Write) -> anyhow::Result<Outcome> {
    serde_json::to_writer_pretty(&mut *output, value)?;
    writeln!(output)?;
    Ok(Outcome::Done)
}
