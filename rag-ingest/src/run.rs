//! A run of `ingest`: finish what was interrupted, then take what is new or changed.

mod detach;
mod engine;
mod executor;
mod failure;
mod follow;
mod interrupt;
mod lifecycle;
mod options;
mod summary;
mod watch;
mod worker;

use std::path::Path;

pub use self::detach::enqueue;
pub(crate) use self::engine::workflows;
use self::engine::{Engine, check_price};
pub use self::failure::RunError;
pub(crate) use self::interrupt::interrupted;
pub use self::lifecycle::{ResumeOptions, cancel, resume};
pub use self::options::{IngestOptions, RetryOptions};
pub(crate) use self::summary::STAGES;
use self::summary::{Begun, summary};
pub use self::summary::{Stage, Summary};
pub use self::watch::watch;
pub use self::worker::{Served, WorkerOptions, serve};
use crate::collection::Collection;
use crate::workflow::{
    RetryRequest, RunReport, RunRequest, VERSION, ingest_collection, retry_collection,
};

/// Whose workflows they are.
pub const APPLICATION: &str = "rag-ingest";

/// The states of documents that are not in the collection as their files are.
pub const FAILING: [&str; 6] = [
    "failed",
    "empty",
    "unsupported",
    "no_text_layer",
    "encrypted",
    "superseded",
];

/// Ingests, and says what it did. Ended before its end, by a crash or a signal, it goes on at the next call with the
/// same database: nothing that was saved is done again.
///
/// # Errors
/// Nothing could be ingested: a root is missing, the database or the model cannot be used. A file that cannot be
/// ingested is no error; it is listed in the summary.
pub async fn ingest(options: IngestOptions) -> Result<Summary, RunError> {
    let roots = roots(&options)?;
    let budget = Some((options.collection.as_str(), options.budget_micros));
    let engine = Engine::launch(
        &options.db,
        &options.embedder,
        options.workers,
        (options.limits, options.isolate),
        budget,
    )
    .await?;
    let work = async |engine: &Engine| {
        let summary = one_run(engine, &options, &roots).await?;
        engine.end_budget(&options.collection).await?;
        Ok(summary)
    };
    engine
        .until_interrupted(&options.collection, &options.progress, work)
        .await
}

async fn one_run(
    engine: &Engine,
    options: &IngestOptions,
    roots: &[String],
) -> Result<Summary, RunError> {
    let begun = Begun::now();
    let request = request(options, roots.to_vec(), engine.fingerprint.clone());
    let done = finish_interrupted(engine, &options.collection).await?;
    let handle = ingest_collection(&engine.durable, request)
        .id(run_id())
        .start()
        .await?;
    let mut report = handle.result().await?;
    report.add_work(&done);
    // What an interrupted run has saved is found unchanged by the new one.
    report.unchanged = report.unchanged.saturating_sub(done.ingested);
    let of = (options.collection.as_str(), handle.workflow_id());
    summary(engine, of, report, begun).await
}

/// Tries failed files again, each from the step that failed, and says what came of it. Interrupted runs are finished
/// first.
///
/// # Errors
/// As [`ingest`].
pub async fn retry(options: RetryOptions) -> Result<Summary, RunError> {
    let begun = Begun::now();
    let budget = Some((options.collection.as_str(), options.budget_micros));
    // Only a database that is there has failed files.
    Collection::open_existing(&options.db).await?.close().await;
    let engine = Engine::launch(
        &options.db,
        &options.embedder,
        options.workers,
        (options.limits, options.isolate),
        budget,
    )
    .await?;
    let request = RetryRequest {
        collection: options.collection.clone(),
        fingerprint: engine.fingerprint.clone(),
        now: options.now,
        all: options.all,
    };
    let work = async |engine: &Engine| {
        finish_interrupted(engine, &options.collection).await?;
        let id = run_id().replace("ingest-", "retry-");
        let handle = retry_collection(&engine.durable, request)
            .id(id)
            .start()
            .await?;
        let report = handle.result().await?;
        let of = (options.collection.as_str(), handle.workflow_id());
        let mut summary = summary(engine, of, report, begun).await?;
        // All that still fails, and not only what this run has tried.
        summary.failed = engine
            .collection
            .in_state(&options.collection, &FAILING, i64::MAX)
            .await?;
        engine.end_budget(&options.collection).await?;
        Ok(summary)
    };
    engine
        .until_interrupted(&options.collection, &options.progress, work)
        .await
}

/// What a run is asked to do.
fn request(options: &IngestOptions, roots: Vec<String>, fingerprint: String) -> RunRequest {
    RunRequest {
        collection: options.collection.clone(),
        roots,
        fingerprint,
        max_delete: options.max_delete,
        rules: options.rules.clone(),
    }
}

/// Lets the collection's interrupted runs finish, and those that other processes are at; gives what they did. A run
/// that was begun with other settings is ended: the new one takes its place.
async fn finish_interrupted(engine: &Engine, collection: &str) -> Result<RunReport, RunError> {
    let mut done = RunReport::default();
    let client = engine.durable.client();
    for run in lifecycle::unfinished(&client, collection).await? {
        let version = run.application_version.as_deref().unwrap_or_default();
        if version != engine.version {
            let is_of_this_program = version
                .strip_prefix(VERSION)
                .is_some_and(|rest| rest.starts_with('.'));
            if is_of_this_program {
                tracing::warn!(
                    run = run.workflow_id,
                    "a run with other settings (embedder, profile) was not at its end; it is ended, since this one \
                     takes its place"
                );
                client.cancel_with_children(&run.workflow_id).await?;
            } else {
                tracing::warn!(
                    run = run.workflow_id,
                    "a run of another version of this program is left alone"
                );
            }
            continue;
        }
        tracing::info!(run = run.workflow_id, "an interrupted run goes on");
        match lifecycle::result(engine, &run).await {
            Ok(report) => done.add_work(&report),
            // What it did not do is found again by the new run.
            Err(error) => tracing::warn!(%error, "an interrupted run could not be finished"),
        }
    }
    Ok(done)
}

fn is_run_of(input: &str, collection: &str) -> bool {
    let input: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
    input
        .pointer("/positionalArgs/0/collection")
        .and_then(|name| name.as_str())
        == Some(collection)
}

fn run_id() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("ingest-{}", id.get(..12).unwrap_or(&id))
}

/// The roots, absolute. A root or a rule that cannot be used is told before anything is begun.
fn roots(options: &IngestOptions) -> Result<Vec<String>, RunError> {
    options.rules.compile()?;
    options.roots.iter().map(|root| absolute(root)).collect()
}

fn absolute(root: &Path) -> Result<String, RunError> {
    let refused = |why: String| RunError::Root {
        root: root.display().to_string(),
        why,
    };
    let path = std::fs::canonicalize(root).map_err(|error| refused(error.to_string()))?;
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| refused("its path is not valid UTF-8".to_owned()))
}
