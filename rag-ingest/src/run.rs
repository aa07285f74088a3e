//! A run of `ingest`: finish what was interrupted, then take what is new or changed.

mod detach;
mod executor;
mod follow;
mod interrupt;
mod lifecycle;
mod watch;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use durable_runtime::{Builder, Durable, OnConflict, StepCount, StepCountFilter};
use serde::Serialize;

pub use self::detach::enqueue;
use self::executor::Executor;
use self::follow::Follower;
pub(crate) use self::interrupt::interrupted;
pub use self::lifecycle::{ResumeOptions, cancel, resume};
pub use self::watch::watch;
pub use self::worker::{Served, WorkerOptions, serve};
use crate::collection::{Collection, CollectionError, FileState, Spending};
use crate::desk::Desk;
use crate::discover::{DiscoverError, Rules};
use crate::embed::{EmbedError, Embedder};
use crate::loader::Limits;
use crate::loader::parsers::Parsers;
use crate::pipeline::{EmbedderChoice, Pipeline};
use crate::progress::Progress;
use crate::workflow::clock::now_ms;
use crate::workflow::{
    FILES, IngestError, MaxDelete, RUNS, RetryRequest, RunReport, RunRequest, VERSION,
    ingest_collection, ingest_file, ingest_page, retry_collection, version_of,
};

/// Whose workflows they are.
pub const APPLICATION: &str = "rag-ingest";

/// The stages of a file, as their steps are recorded.
pub(crate) const STAGES: [&str; 5] = ["discover", "load", "chunk", "embed", "save"];

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
    /// The rules name no files.
    #[error(transparent)]
    Rules(#[from] DiscoverError),
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
    /// There is no such run.
    #[error("there is no run {run}; `rag-ingest status` tells the newest one")]
    Unknown {
        /// Its id, as it was given.
        run: String,
    },
    /// The run cannot go on, or be ended.
    #[error("the run {run} has ended ({status}); begin a new one with `rag-ingest ingest PATH`")]
    Ended {
        /// Its id.
        run: String,
        /// The state of its workflow.
        status: String,
    },
    /// The run was begun with another model, other chunks or another version of the program.
    #[error(
        "the run {run} was begun with other settings (embedder, profile or version of this program); say the same, or \
         begin a new run with `rag-ingest ingest PATH`"
    )]
    OtherSettings {
        /// Its id.
        run: String,
    },
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
    /// Which files of the folders are meant.
    pub rules: Rules,
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
    /// What each stage took meanwhile, in all processes together, from the checkpoints; empty when no file was worked
    /// on.
    pub stages: BTreeMap<String, Stage>,
}

/// A stage of the files: `discover`, `load`, `chunk`, `embed` or `save`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Stage {
    /// How often it came to its end.
    pub succeeded: u64,
    /// How often it failed.
    pub failed: u64,
    /// How long all of them took together; several at once count several times.
    pub seconds: f64,
}

/// A runtime with the workflows of this program.
struct Engine {
    durable: Durable,
    fingerprint: String,
    /// What runs of these settings are bound to.
    version: String,
    /// A connection of its own to the collection.
    collection: Collection,
    /// Who this process is, for as long as it works.
    executor: Executor,
}

impl Engine {
    async fn launch(
        db: &str,
        embedder: &EmbedderChoice,
        workers: u32,
        (limits, isolate): (Limits, bool),
        budget: Option<(&str, Option<i64>)>,
    ) -> Result<Self, RunError> {
        let collection = Collection::open(db).await?;
        let embedder = embedder.open_for::<RunError>(&collection).await?;
        if let Some((collection_name, micros)) = budget {
            check_price(embedder.as_ref(), micros)?;
            // Before the launch: what was interrupted goes on at once, and spends.
            collection
                .open_budget(collection_name, micros, now_ms())
                .await?;
        }
        let mut pipeline = Pipeline::open(collection.clone(), embedder, limits).await?;
        pipeline.desk = Desk::for_files(workers);
        if isolate {
            pipeline.parsers = Parsers::of_this_program();
        }
        let fingerprint = pipeline.fingerprint.clone();
        let version = version_of(&fingerprint);
        let executor = Executor::of(db);
        let files = FILES
            .worker_concurrency(workers.max(1))
            .on_conflict(OnConflict::AlwaysUpdate);
        let mut builder = workflows(db, &version).queue(&files).state(pipeline);
        if let Some(id) = executor.id() {
            builder = builder.executor_id(id);
        }
        Ok(Self {
            durable: builder.launch().await?,
            fingerprint,
            version,
            collection,
            executor,
        })
    }

    /// Ends the budget of a collection, which was for the work that is done now, unless other runs go on with it.
    async fn end_budget(&self, collection: &str) -> Result<(), RunError> {
        let client = self.durable.client();
        if lifecycle::unfinished(&client, collection).await?.is_empty() {
            self.collection.close_budget(collection).await?;
        }
        Ok(())
    }

    /// Stops. Nothing runs any more when the work is done; after an interruption steps are given a moment to end.
    async fn stop(self) {
        self.durable.shutdown(Duration::from_secs(2)).await;
        self.collection.close().await;
        drop(self.executor);
    }

    /// Works until the work is done or the program is asked to end; then stops.
    async fn until_interrupted<T>(
        self,
        collection: &str,
        progress: &Progress,
        work: impl AsyncFnOnce(&Self) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let mut follower = Follower::new(&self.collection, collection, progress).await?;
        let worked = tokio::select! {
            worked = work(&self) => worked,
            () = interrupted() => Err(RunError::Interrupted),
            never = follower.follow() => match never {},
        };
        follower.look(true).await;
        progress.finish();
        self.stop().await;
        worked
    }
}

/// Refuses a budget that nothing is counted against.
fn check_price(embedder: &dyn Embedder, budget_micros: Option<i64>) -> Result<(), RunError> {
    if budget_micros.is_some() && embedder.micros_per_million_tokens() == 0 {
        return Err(RunError::Budget);
    }
    Ok(())
}

/// The workflows of this program, on a database.
pub(crate) fn workflows(db: &str, version: &str) -> Builder {
    Durable::open(db)
        .application(APPLICATION)
        .version(version)
        .queue(&RUNS.on_conflict(OnConflict::AlwaysUpdate))
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

/// When something began, by the clock on the wall and by one that only goes forward.
#[derive(Debug, Clone, Copy)]
struct Begun(SystemTime, Instant);

impl Begun {
    fn now() -> Self {
        Self(SystemTime::now(), Instant::now())
    }
}

/// What each stage took since then, unless there was nothing to do.
async fn stages(
    engine: &Engine,
    report: &RunReport,
    begun: Begun,
) -> Result<BTreeMap<String, Stage>, RunError> {
    if report.ingested + report.failed == 0 {
        return Ok(BTreeMap::new());
    }
    let filter = StepCountFilter::new().completed_after(begun.0);
    let filter = STAGES
        .iter()
        .fold(filter, |filter, stage| filter.name(*stage));
    let steps = engine.durable.client().count_steps(filter).await?;
    let stage = |step: StepCount| {
        let stage = Stage {
            succeeded: step.succeeded,
            failed: step.failed,
            seconds: step.total_ms as f64 / 1000.0,
        };
        (step.name, stage)
    };
    Ok(steps.into_iter().map(stage).collect())
}

async fn summary(
    engine: &Engine,
    (collection, run_id): (&str, &str),
    report: RunReport,
    begun: Begun,
) -> Result<Summary, RunError> {
    Ok(Summary {
        stages: stages(engine, &report, begun).await?,
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
        budget: engine.collection.budget(collection).await?,
        seconds: begun.1.elapsed().as_secs_f64(),
    })
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
