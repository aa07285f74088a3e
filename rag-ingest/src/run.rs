//! A run of `ingest`: finish what was interrupted, then take what is new or changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use durable_runtime::{Builder, Durable, Workflow};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::collection::{Collection, CollectionError, FileState, INDEX_FROM, Spending, model_name};
use crate::embed::EmbedError;
use crate::loader::Limits;
use crate::loader::parsers::Parsers;
use crate::pipeline::{EmbedderChoice, Pipeline};
use crate::progress::Progress;
use crate::workflow::clock::now_ms;
use crate::workflow::{
    FILES, IngestError, MaxDelete, RetryRequest, RunReport, RunRequest, VERSION, ingest_collection,
    ingest_file, ingest_page, retry_collection,
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

/// Why nothing could be ingested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A root cannot be used.
    #[error("cannot ingest {root}: {why}; check the path, and that its disk is mounted")]
    Root {
        /// The root, as it was given.
        root: String,
        /// What the operating system said.
        why: String,
    },
    /// The collection cannot be used.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// The model cannot be used.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The durable runtime cannot be started, or stopped.
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
    /// The run itself failed.
    #[error(transparent)]
    Run(#[from] IngestError),
    /// A budget was given without a price.
    #[error(
        "--budget is of no use without a price: give what a million tokens cost with --embedder-price, or leave it out"
    )]
    Budget,
    /// The program was asked to end.
    #[error(
        "interrupted; what is saved stays, and the same command goes on where this one stopped"
    )]
    Interrupted,
}

/// What to ingest, and where to.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Folders and files.
    pub roots: Vec<PathBuf>,
    /// The database.
    pub db: String,
    /// The collection.
    pub collection: String,
    /// The model.
    pub embedder: EmbedderChoice,
    /// How many files are worked on at once.
    pub workers: u32,
    /// How many documents may be taken out since their files are gone.
    pub max_delete: MaxDelete,
    /// The most that embedding may cost, in millionths of the price's currency. What waits then is taken by the next
    /// run.
    pub budget_micros: Option<i64>,
    /// How much one file may ask for.
    pub limits: Limits,
    /// Whether risky formats are read in processes of their own. They are processes of this program, so its `main` must
    /// be [`crate::command::main`].
    pub isolate: bool,
    /// Where progress is shown.
    pub progress: Progress,
}

/// Which failed files to try again.
#[derive(Debug, Clone)]
pub struct RetryOptions {
    /// The database.
    pub db: String,
    /// The collection.
    pub collection: String,
    /// The model.
    pub embedder: EmbedderChoice,
    /// How many files are worked on at once.
    pub workers: u32,
    /// Also those whose time has not come.
    pub now: bool,
    /// Also those that failed too often, or that only another program can read.
    pub all: bool,
    /// The most that embedding may cost, in millionths of the price's currency. What waits then is taken by the next
    /// run.
    pub budget_micros: Option<i64>,
    /// How much one file may ask for.
    pub limits: Limits,
    /// Whether risky formats are read in processes of their own. They are processes of this program, so its `main` must
    /// be [`crate::command::main`].
    pub isolate: bool,
    /// Where progress is shown.
    pub progress: Progress,
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The id of the run: that of its workflow.
    pub run_id: String,
    /// Files that were found.
    pub discovered: usize,
    /// Files that were saved.
    pub ingested: usize,
    /// Files that were there already.
    pub unchanged: usize,
    /// Files that had another name before.
    pub renamed: usize,
    /// Documents whose files are gone, and that were taken out.
    pub vanished: usize,
    /// Documents whose files are gone, and that were kept since they are too many.
    pub kept: usize,
    /// Files that are not in the collection as they are.
    pub failed: Vec<FileState>,
    /// Chunks that were saved.
    pub chunks: usize,
    /// Texts that were embedded.
    pub embedded: usize,
    /// Texts whose vectors were there already.
    pub reused: usize,
    /// Word pieces that were embedded; tokens, as a service counted them.
    pub tokens: usize,
    /// Files that wait since the budget is spent; `ingest` takes them.
    pub waiting: usize,
    /// What the run spent on embedding, with what it was spent on before an interruption.
    pub spending: Spending,
    /// The budget and what of it is spent, in millionths of the price's currency, if there is one.
    pub budget: Option<(i64, i64)>,
    /// How long it took.
    pub seconds: f64,
}

/// A runtime with the workflows of this program.
struct Engine {
    durable: Durable,
    fingerprint: String,
    /// The name of the model.
    model: String,
    /// A connection of its own to the collection.
    collection: Collection,
}

impl Engine {
    async fn launch(
        db: &str,
        embedder: &EmbedderChoice,
        workers: u32,
        progress: &Progress,
        (limits, isolate): (Limits, bool),
        budget: (&str, Option<i64>),
    ) -> Result<Self, RunError> {
        let collection = Collection::open(db).await?;
        let embedder = embedder.open_for::<RunError>(&collection).await?;
        let model = model_name(embedder.id(), embedder.dimension());
        if budget.1.is_some() && embedder.micros_per_million_tokens() == 0 {
            return Err(RunError::Budget);
        }
        collection.open_budget(budget.0, budget.1, now_ms()).await?;
        let mut pipeline = Pipeline::open(collection.clone(), embedder, progress.clone()).await?;
        pipeline.limits = limits;
        if isolate {
            pipeline.parsers = Parsers::of_this_program();
        }
        let fingerprint = pipeline.fingerprint.clone();
        let durable = workflows(db)
            .queue(&FILES.worker_concurrency(workers.max(1)))
            .state(pipeline)
            .launch()
            .await?;
        Ok(Self {
            durable,
            fingerprint,
            model,
            collection,
        })
    }

    /// Works until the work is done or the program is asked to end; then stops.
    async fn until_interrupted<T>(
        self,
        progress: &Progress,
        work: impl AsyncFnOnce(&Self) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let worked = tokio::select! {
            worked = work(&self) => worked,
            () = interrupted() => Err(RunError::Interrupted),
        };
        progress.finish();
        // Nothing runs any more when the work is done; after an interruption steps are given a moment to end.
        self.durable.shutdown(Duration::from_secs(2)).await;
        self.collection.close().await;
        worked
    }
}

/// The workflows of this program, on a database.
pub(crate) fn workflows(db: &str) -> Builder {
    Durable::open(db)
        .application(APPLICATION)
        .version(VERSION)
        .register::<ingest_collection>()
        .register::<ingest_page>()
        .register::<ingest_file>()
        .register::<retry_collection>()
}

/// Ingests, and says what it did. Ended before its end, by a crash or a signal, it goes on at the next call with the
/// same database: nothing that was saved is done again.
///
/// # Errors
/// Nothing could be ingested: a root is missing, the database or the model cannot be used. A file that cannot be
/// ingested is no error; it is listed in the summary.
pub async fn ingest(options: IngestOptions) -> Result<Summary, RunError> {
    let begun = Instant::now();
    let budget = (options.collection.as_str(), options.budget_micros);
    let mut roots = Vec::new();
    for root in &options.roots {
        roots.push(absolute(root)?);
    }
    let engine = Engine::launch(
        &options.db,
        &options.embedder,
        options.workers,
        &options.progress,
        (options.limits, options.isolate),
        budget,
    )
    .await?;
    let request = RunRequest {
        collection: options.collection.clone(),
        roots,
        fingerprint: engine.fingerprint.clone(),
        max_delete: options.max_delete,
    };
    let work = async |engine: &Engine| {
        let done = finish_interrupted(&engine.durable, &options.collection).await?;
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
    };
    engine.until_interrupted(&options.progress, work).await
}

/// Tries failed files again, each from the step that failed, and says what came of it. Interrupted runs are finished
/// first.
///
/// # Errors
/// As [`ingest`].
pub async fn retry(options: RetryOptions) -> Result<Summary, RunError> {
    let begun = Instant::now();
    let budget = (options.collection.as_str(), options.budget_micros);
    // Only a database that is there has failed files.
    Collection::open_existing(&options.db).await?.close().await;
    let engine = Engine::launch(
        &options.db,
        &options.embedder,
        options.workers,
        &options.progress,
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
        finish_interrupted(&engine.durable, &options.collection).await?;
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
        Ok(summary)
    };
    engine.until_interrupted(&options.progress, work).await
}

async fn summary(
    engine: &Engine,
    (collection, run_id): (&str, &str),
    report: RunReport,
    begun: Instant,
) -> Result<Summary, RunError> {
    // Everything is saved; without the index it is only found more slowly, and `stats` tells.
    let indexed = engine.collection.index_vectors(&engine.model, INDEX_FROM);
    if let Err(error) = indexed.await {
        tracing::warn!(%error, "the vectors could not be indexed");
    }
    let budget = engine.collection.budget(collection).await?;
    // It was for this command, which is at its end.
    engine.collection.close_budget(collection).await?;
    Ok(Summary {
        run_id: run_id.to_owned(),
        discovered: report.discovered,
        ingested: report.ingested,
        unchanged: report.unchanged,
        renamed: report.renamed,
        vanished: report.vanished,
        kept: report.kept,
        failed: engine.collection.failed_of(run_id).await?,
        chunks: report.chunks,
        embedded: report.embedded,
        reused: report.reused,
        tokens: report.tokens,
        waiting: report.waiting,
        spending: engine.collection.spending_of(run_id).await?,
        budget,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Lets interrupted runs finish; gives what those of this collection did.
async fn finish_interrupted(durable: &Durable, collection: &str) -> Result<RunReport, RunError> {
    let mut done = RunReport::default();
    let mut runs = durable.active::<ingest_collection>().await?;
    runs.extend(durable.active::<retry_collection>().await?);
    for run in runs {
        if run.application_version.as_deref() != Some(VERSION) {
            tracing::warn!(
                run = run.workflow_id,
                "a run of another version of this program is left alone"
            );
            continue;
        }
        tracing::info!(run = run.workflow_id, "an interrupted run goes on");
        let ours = run
            .input
            .as_deref()
            .is_some_and(|input| is_run_of(input, collection));
        let report = if run.name == ingest_collection::NAME {
            let handle = durable
                .retrieve::<ingest_collection>(run.workflow_id)
                .await?;
            handle.result().await
        } else {
            let handle = durable
                .retrieve::<retry_collection>(run.workflow_id)
                .await?;
            handle.result().await
        };
        match report {
            Ok(report) if ours => done.add_work(&report),
            Ok(_) => {}
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

fn absolute(root: &Path) -> Result<String, RunError> {
    let refused = |why: String| RunError::Root {
        root: root.display().to_string(),
        why,
    };
    let path = std::fs::canonicalize(root).map_err(|error| refused(error.to_string()))?;
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| refused("its path is not valid UTF-8".to_owned()))
}

/// Completes when the user, or the system, asks the program to end.
pub(crate) async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        Some(()) = terminated => {}
        else => std::future::pending().await,
    }
}
