//! A run of `ingest`: finish what was interrupted, then take what is new or changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use durable_runtime::{Builder, Durable};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::collection::{Collection, CollectionError};
use crate::embed::EmbedError;
use crate::loader::Limits;
use crate::loader::parsers::Parsers;
use crate::pipeline::{EmbedderChoice, Pipeline};
use crate::progress::Progress;
use crate::workflow::{
    FILES, FailedFile, IngestError, RunReport, RunRequest, ingest_collection, ingest_file,
};

/// Changes when runs of an older program can no longer go on in this one. They are left alone then; what they did not
/// finish is found again, since a run looks at the collection and not at earlier runs.
const VERSION: &str = "rag-ingest-2";
const APPLICATION: &str = "rag-ingest";

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
    /// Files that were not saved.
    pub failed: Vec<FailedFile>,
    /// Chunks that were saved.
    pub chunks: usize,
    /// How long it took.
    pub seconds: f64,
}

/// The workflows of this program, on a database.
pub(crate) fn workflows(db: &str) -> Builder {
    Durable::open(db)
        .application(APPLICATION)
        .version(VERSION)
        .register::<ingest_collection>()
        .register::<ingest_file>()
}

/// Ingests, and says what it did. Ended before its end, by a crash or a signal, it goes on at the next call with the
/// same database: nothing that was saved is done again.
///
/// # Errors
/// Nothing could be ingested: a root is missing, the database or the model cannot be used. A file that cannot be
/// ingested is no error; it is listed in the summary.
pub async fn ingest(options: IngestOptions) -> Result<Summary, RunError> {
    let begun = Instant::now();
    let mut roots = Vec::new();
    for root in &options.roots {
        roots.push(absolute(root)?);
    }
    let embedder = options.embedder.open()?;
    let collection = Collection::open(&options.db).await?;
    let mut pipeline = Pipeline::new(collection, embedder, options.progress.clone());
    pipeline.limits = options.limits;
    if options.isolate {
        pipeline.parsers = Parsers::of_this_program();
    }
    let request = RunRequest {
        collection: options.collection.clone(),
        roots,
        fingerprint: pipeline.fingerprint.clone(),
    };
    let durable = workflows(&options.db)
        .queue(&FILES.worker_concurrency(options.workers.max(1)))
        .state(pipeline)
        .launch()
        .await?;

    let worked = tokio::select! {
        worked = work(&durable, &options.collection, request) => worked,
        () = interrupted() => Err(RunError::Interrupted),
    };
    options.progress.finish();
    // Nothing runs any more when the work is done; after an interruption steps are given a moment to end.
    durable.shutdown(Duration::from_secs(2)).await;
    let (run_id, resumed, report) = worked?;
    let handled = report.ingested + report.failed.len() + resumed.ingested;
    Ok(Summary {
        run_id,
        discovered: report.discovered,
        ingested: report.ingested + resumed.ingested,
        unchanged: report.discovered.saturating_sub(handled),
        failed: report.failed,
        chunks: report.chunks + resumed.chunks,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Lets interrupted runs finish, then makes a new one. Gives its id, what the interrupted ones did, what it did itself.
async fn work(
    durable: &Durable,
    collection: &str,
    request: RunRequest,
) -> Result<(String, RunReport, RunReport), RunError> {
    let mut resumed = RunReport::default();
    for run in durable.active::<ingest_collection>().await? {
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
        let handle = durable
            .retrieve::<ingest_collection>(run.workflow_id)
            .await?;
        match handle.result().await {
            Ok(report) if ours => {
                resumed.ingested += report.ingested;
                resumed.chunks += report.chunks;
            }
            Ok(_) => {}
            // What it did not do is found again by the new run.
            Err(error) => tracing::warn!(%error, "an interrupted run could not be finished"),
        }
    }
    let handle = ingest_collection(durable, request)
        .id(run_id())
        .start()
        .await?;
    let report = handle.result().await?;
    Ok((handle.workflow_id().to_owned(), resumed, report))
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
async fn interrupted() {
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
