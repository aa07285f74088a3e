//! Proving that a collection is whole, and taking things away.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::{Prune, Reset, Shared};
use crate::collection::Collection;
use crate::workflow::clock::now_ms;

/// Something is wrong with the collection.
const FOUND_WRONG: u8 = 2;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) async fn verify(shared: &Shared) -> Result<ExitCode> {
    let collection = Collection::open_existing(&shared.db).await?;
    let verdicts = collection.verify(&shared.collection).await;
    collection.close().await;
    let verdicts = verdicts?;
    let mut out = std::io::stdout().lock();
    if shared.json {
        writeln!(out, "{}", serde_json::to_string(&verdicts)?)?;
    } else {
        for problem in &verdicts.problems {
            writeln!(out, "{problem}")?;
        }
        let said = if verdicts.problems.is_empty() {
            "All is well"
        } else {
            "Not all is well"
        };
        writeln!(
            out,
            "{said}: {} documents, {} chunks, {} vectors.",
            verdicts.documents, verdicts.chunks, verdicts.vectors
        )?;
    }
    Ok(if verdicts.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FOUND_WRONG)
    })
}

pub(super) async fn prune(options: &Prune) -> Result<ExitCode> {
    let collection = Collection::open_existing(&options.shared.db).await?;
    let before = now_ms() - i64::from(options.history) * DAY_MS;
    let pruned = collection.prune(before, options.dry_run).await;
    collection.close().await;
    let pruned = pruned?;
    let mut out = std::io::stdout().lock();
    if options.shared.json {
        writeln!(out, "{}", serde_json::to_string(&pruned)?)?;
    } else {
        let said = if options.dry_run { "Would go" } else { "Gone" };
        writeln!(
            out,
            "{said}: {} documents without files, {} vectors, {} texts, {} entries of the history, {} runs.",
            pruned.documents, pruned.vectors, pruned.texts, pruned.history, pruned.runs
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn reset(options: &Reset) -> Result<ExitCode> {
    let name = &options.shared.collection;
    let collection = Collection::open_existing(&options.shared.db).await?;
    if !options.yes && !is_meant(name)? {
        collection.close().await;
        bail!(
            "nothing was taken away; say `--yes` to empty the collection `{name}` without a question"
        );
    }
    let documents = collection.reset(name).await;
    collection.close().await;
    let documents = documents?;
    let mut out = std::io::stdout().lock();
    if options.shared.json {
        let said = serde_json::json!({"collection": name, "documents": documents});
        writeln!(out, "{said}")?;
    } else {
        writeln!(
            out,
            "The collection `{name}` is empty: {documents} documents are gone."
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks who sits at the terminal; without one nobody means it.
fn is_meant(collection: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Empty the collection `{collection}`? Write its name: ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == collection)
}
