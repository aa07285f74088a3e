//! What a run did, where it is, and how much there is.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use durable_runtime::{Client, StepCountFilter, StepFilter, StepStatus};
use serde::Serialize;

use super::Shared;
use crate::collection::{Collection, FileState, LastRun, Spending};
use crate::discover::Ignored;
use crate::pipeline::amount;
use crate::run::{APPLICATION, FAILING, STAGES, Stage, Summary};

/// Some files failed, the rest is saved.
const SOME_FAILED: u8 = 2;
/// How many files are told one by one.
const TOLD: usize = 20;
/// How many kinds of files that are not read are told by name.
const KINDS_TOLD: usize = 8;

/// Prints what a run did; the exit code says whether anything failed.
pub(super) fn summary(summary: &Summary, json: bool) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(summary)?)?;
    } else {
        print(&mut out, summary)?;
    }
    Ok(if summary.failed.is_empty() && summary.waiting == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SOME_FAILED)
    })
}

fn print(out: &mut impl Write, summary: &Summary) -> std::io::Result<()> {
    for failed in summary.failed.iter().take(TOLD) {
        let step = failed.step.as_deref().unwrap_or("?");
        let error = failed.error.as_deref().unwrap_or("for unknown reasons");
        writeln!(out, "{} ({step}): {error}", failed.status)?;
    }
    if let Some(more) = summary.failed.len().checked_sub(TOLD + 1) {
        writeln!(out, "and {} more; see `rag-ingest status`", more + 1)?;
    }
    let Summary {
        discovered,
        ingested,
        unchanged,
        renamed,
        vanished,
        kept,
        chunks,
        reused,
        seconds,
        run_id,
        ..
    } = summary;
    if *kept > 0 {
        writeln!(
            out,
            "The files of {kept} documents are gone. They are so many that their documents are kept: is a disk not \
             mounted? If they are meant to be gone, run this again with --max-delete 100%."
        )?;
    }
    if summary.waiting > 0 {
        let (budget, spent) = summary.budget.unwrap_or_default();
        writeln!(
            out,
            "{} files wait: the next request would cost more than is left of the budget of {} ({} spent). The same \
             command with a higher --budget, or without, goes on with them.",
            summary.waiting,
            amount(budget),
            amount(spent)
        )?;
    }
    if *discovered == 0 && *vanished == 0 {
        writeln!(out, "There is no file here that can be read.")?;
        return print_ignored(out, &summary.ignored);
    }
    if unchanged == discovered && *vanished == 0 {
        writeln!(
            out,
            "Nothing to do: all {discovered} files are unchanged. ({seconds:.1} s)"
        )?;
        return print_ignored(out, &summary.ignored);
    }
    writeln!(
        out,
        "Ingested {ingested} of {discovered} files ({chunks} chunks, the vectors of {reused} were there), {unchanged} \
         unchanged, {renamed} renamed, {vanished} gone, {} failed, in {seconds:.1} s. Run {run_id}.",
        summary.failed.len()
    )?;
    print_ignored(out, &summary.ignored)?;
    print_stages(out, &summary.stages)?;
    print_spending(out, &summary.spending)
}

/// Prints what was left alone, if anything was: the kinds with the most files by name.
fn print_ignored(out: &mut impl Write, ignored: &Ignored) -> std::io::Result<()> {
    let files: u64 = ignored.unsupported.values().sum();
    let mut kinds: Vec<(&String, &u64)> = ignored.unsupported.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut named: Vec<String> = kinds
        .iter()
        .take(KINDS_TOLD)
        .map(|(kind, count)| match kind.is_empty() {
            true => format!("{count} without extension"),
            false => format!("{count} .{kind}"),
        })
        .collect();
    if kinds.len() > KINDS_TOLD {
        named.push("others".to_owned());
    }
    let parts = [
        (
            files,
            format!(
                "{files} files of kinds that are not read ({})",
                named.join(", ")
            ),
        ),
        (ignored.links, format!("{} links", ignored.links)),
        (
            ignored.special,
            format!("{} pipes, sockets and devices", ignored.special),
        ),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, said)| said)
        .collect();
    match said.is_empty() {
        true => Ok(()),
        false => writeln!(out, "Left alone: {}.", said.join(", ")),
    }
}

/// Prints what each stage took, if anything was done.
fn print_stages(out: &mut impl Write, stages: &BTreeMap<String, Stage>) -> std::io::Result<()> {
    let took = STAGES.iter().filter_map(|name| {
        let stage = stages.get(*name)?;
        Some(format!("{name} {:.1} s", stage.seconds))
    });
    let took: Vec<_> = took.collect();
    if took.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "Time by stage, in all workers together: {}.",
        took.join(", ")
    )
}

/// Prints what was spent, if anything was.
fn print_spending(out: &mut impl Write, spending: &Spending) -> std::io::Result<()> {
    if spending.requests == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "Embedding: {} texts, {} tokens in {} requests ({} of them without an answer), {} texts had vectors; cost {}.",
        spending.embedded,
        spending.tokens,
        spending.requests,
        spending.retries,
        spending.reused,
        amount(spending.cost_micros)
    )
}

/// What `status` prints.
#[derive(Debug, Serialize)]
struct Status {
    run: Option<RunState>,
    /// How many documents are in each state.
    files: BTreeMap<String, i64>,
    /// What is worked on at the moment.
    working: Vec<Working>,
    /// What failed.
    failed: Vec<FileState>,
}

#[derive(Debug, Serialize)]
struct RunState {
    #[serde(flatten)]
    run: LastRun,
    /// The state of its workflow.
    status: String,
    /// What it has spent on embedding so far.
    spending: Spending,
}

#[derive(Debug, Serialize)]
struct Working {
    path: String,
    /// `queued`, `loading`, `chunking` or `embedding (K/N)`.
    stage: String,
}

/// Prints where the newest run is. The stages come from the workflows, so they are true even after a crash.
pub(super) async fn status(shared: &Shared) -> Result<ExitCode> {
    let collection = Collection::open_existing(&shared.db).await?;
    let client = Client::connect(&shared.db).await?.application(APPLICATION);
    let run = match collection.last_run(&shared.collection).await? {
        None => None,
        Some(run) => {
            let status = match client.status(&run.id).await {
                Ok(workflow) => workflow.status.to_string(),
                Err(durable_runtime::Error::NoSuchWorkflow { .. }) => "forgotten".to_owned(),
                Err(error) => return Err(error.into()),
            };
            let spending = collection.spending_of(&run.id).await?;
            Some(RunState {
                run,
                status,
                spending,
            })
        }
    };
    let mut working = Vec::new();
    let queued = collection
        .in_state(&shared.collection, &["queued"], 50)
        .await?;
    for file in queued {
        let stage = match &file.workflow_id {
            Some(id) => stage(&client, id).await?,
            None => "queued".to_owned(),
        };
        let path = file.path;
        working.push(Working { path, stage });
    }
    let status = Status {
        run,
        files: collection
            .counts(&shared.collection)
            .await?
            .into_iter()
            .collect(),
        working,
        failed: collection
            .in_state(&shared.collection, &FAILING, 1000)
            .await?,
    };
    collection.close().await;
    let mut out = std::io::stdout().lock();
    if shared.json {
        writeln!(out, "{}", serde_json::to_string(&status)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    print_status(&mut out, &status)?;
    Ok(ExitCode::SUCCESS)
}

/// What the workflow of a file does next.
async fn stage(client: &Client, workflow: &str) -> Result<String> {
    let steps = client.steps(StepFilter::of(workflow)).await?;
    let Some(last) = steps.last() else {
        return Ok("queued".to_owned());
    };
    let cuts = steps.iter().rfind(|step| step.name == "chunk");
    let batches = cuts.and_then(|step| step.output.as_ref()?.get("batches")?.as_u64());
    let done = steps
        .iter()
        .filter(|step| step.name == "embed" && is_done(step))
        .count();
    Ok(match (last.name.as_str(), batches) {
        ("load", _) => "chunking".to_owned(),
        (_, Some(batches)) => format!("embedding ({done}/{batches})"),
        _ => "loading".to_owned(),
    })
}

/// Whether a step of embedding made vectors, and was not only told to wait, or to send less.
fn is_done(step: &StepStatus) -> bool {
    let output = step.output.as_ref();
    let outcome = output.and_then(|output| output.get("outcome")?.as_str());
    outcome == Some("done")
}

fn print_status(out: &mut impl Write, status: &Status) -> std::io::Result<()> {
    match &status.run {
        None => writeln!(out, "Nothing was ingested yet.")?,
        Some(run) => {
            writeln!(out, "Run {}: {}", run.run.id, run.status)?;
            print_spending(out, &run.spending)?;
        }
    }
    for (word, count) in &status.files {
        writeln!(out, "{count:>8} {word}")?;
    }
    for file in &status.working {
        writeln!(out, "{}: {}", file.path, file.stage)?;
    }
    for failed in &status.failed {
        let error = failed.error.as_deref().unwrap_or("for unknown reasons");
        let times = failed.failures;
        writeln!(out, "{} ({times} times): {error}", failed.status)?;
    }
    if !status.failed.is_empty() {
        writeln!(
            out,
            "Try them again with `rag-ingest retry`; `--now` does not wait, `--all` leaves none out."
        )?;
    }
    Ok(())
}

/// What `stats` prints.
#[derive(Debug, Serialize)]
struct Stats {
    #[serde(flatten)]
    stats: crate::collection::Stats,
    /// How often each stage was recorded, and how long all of them took together.
    stages: BTreeMap<String, Stage>,
}

/// Prints how much there is, what it cost, and where the time went, which the checkpoints tell.
pub(super) async fn stats(shared: &Shared) -> Result<ExitCode> {
    let collection = Collection::open_existing(&shared.db).await?;
    let client = Client::connect(&shared.db).await?.application(APPLICATION);
    let filter = STAGES
        .iter()
        .fold(StepCountFilter::new(), |filter, stage| filter.name(*stage));
    let steps = client.count_steps(filter).await?;
    let stage = |step: durable_runtime::StepCount| {
        let stage = Stage {
            succeeded: step.succeeded,
            failed: step.failed,
            seconds: step.total_ms as f64 / 1000.0,
        };
        (step.name, stage)
    };
    let stats = Stats {
        stats: collection.stats(&shared.collection).await?,
        stages: steps.into_iter().map(stage).collect(),
    };
    collection.close().await;
    let mut out = std::io::stdout().lock();
    if shared.json {
        writeln!(out, "{}", serde_json::to_string(&stats)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let of = &stats.stats;
    writeln!(
        out,
        "{} documents ({} bytes), {} chunks ({} word pieces), {} different vectors",
        of.documents, of.bytes, of.chunks, of.tokens, of.vectors
    )?;
    for (model, documents) in &of.models {
        writeln!(out, "{documents:>8} documents by {model}")?;
    }
    if let Some(index) = &of.index {
        writeln!(out, "vectors are {index}")?;
    }
    for (model, spending) in &of.spending {
        writeln!(out, "{model}:")?;
        print_spending(&mut out, spending)?;
    }
    for (name, stage) in &stats.stages {
        writeln!(
            out,
            "{:>8} x {name}, {} failed, {:.1} s",
            stage.succeeded, stage.failed, stage.seconds
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
