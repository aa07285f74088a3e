//! Runs that are ended before their end, and runs that go on.

use durable_runtime::{Client, Status, Workflow, WorkflowFilter, WorkflowStatus};

use super::{APPLICATION, Begun, Engine, RunError, Summary, is_run_of, summary};
use crate::collection::Collection;
use crate::loader::Limits;
use crate::pipeline::EmbedderChoice;
use crate::progress::Progress;
use crate::workflow::{FILES, RunReport, ingest_collection, ingest_file, retry_collection};

/// Which runs go on.
#[derive(Debug, Clone)]
pub struct ResumeOptions {
    /// The database.
    pub db: String,
    /// The collection.
    pub collection: String,
    /// The run, which may be a cancelled one; all runs of the collection that were interrupted if none is given.
    pub run: Option<String>,
    /// The model.
    pub embedder: EmbedderChoice,
    /// How many files this process works on at once.
    pub workers: u32,
    /// How much one file may ask for.
    pub limits: Limits,
    /// Whether risky formats are read in processes of their own. They are processes of this program, so its `main` must
    /// be [`crate::command::main`].
    pub isolate: bool,
    /// Where progress is shown.
    pub progress: Progress,
}

/// Lets runs go on to their end that were interrupted, or one that was cancelled, and says what came of each. No
/// folder is looked at again behind the place where the run was.
///
/// # Errors
/// As [`ingest`](super::ingest); there is no such run, it has ended, or it was begun with other settings.
pub async fn resume(options: ResumeOptions) -> Result<Vec<Summary>, RunError> {
    Collection::open_existing(&options.db).await?.close().await;
    let engine = Engine::launch(
        &options.db,
        &options.embedder,
        options.workers,
        (options.limits, options.isolate),
        // A run keeps the budget that it was begun with.
        None,
    )
    .await?;
    let work = async |engine: &Engine| {
        let client = engine.durable.client();
        let runs = match &options.run {
            None => unfinished(&client, &options.collection).await?,
            Some(id) => vec![revive(&client, id, &engine.version).await?],
        };
        let mut summaries = Vec::new();
        for run in runs {
            let begun = Begun::now();
            if run.application_version.as_deref() != Some(engine.version.as_str()) {
                return Err(RunError::OtherSettings {
                    run: run.workflow_id,
                });
            }
            let report = result(engine, &run).await?;
            summaries.push(
                summary(
                    engine,
                    (&options.collection, &run.workflow_id),
                    report,
                    begun,
                )
                .await?,
            );
        }
        engine.end_budget(&options.collection).await?;
        Ok(summaries)
    };
    engine
        .until_interrupted(&options.collection, &options.progress, work)
        .await
}

/// Ends runs: one, or all of a collection that have not ended. Gives their ids. What is saved stays; what waits in a
/// queue leaves it.
///
/// # Errors
/// The database cannot be used; there is no such run, or it has ended.
pub async fn cancel(
    db: &str,
    collection: &str,
    run: Option<&str>,
) -> Result<Vec<String>, RunError> {
    Collection::open_existing(db).await?.close().await;
    let client = Client::connect(db).await?.application(APPLICATION);
    let runs = match run {
        None => unfinished(&client, collection).await?,
        Some(id) => vec![run_named(&client, id).await?],
    };
    let mut cancelled = Vec::new();
    for run in runs {
        if !is_unfinished(run.status) {
            return Err(RunError::Ended {
                run: run.workflow_id,
                status: run.status.to_string(),
            });
        }
        client.cancel_with_children(&run.workflow_id).await?;
        cancelled.push(run.workflow_id);
    }
    Ok(cancelled)
}

fn is_unfinished(status: Status) -> bool {
    matches!(status, Status::Pending | Status::Enqueued | Status::Delayed)
}

/// The runs of a collection that have not ended, the oldest first.
pub(super) async fn unfinished(
    client: &Client,
    collection: &str,
) -> Result<Vec<WorkflowStatus>, RunError> {
    let mut runs = client.active::<ingest_collection>().await?;
    runs.extend(client.active::<retry_collection>().await?);
    runs.retain(|run| {
        let input = run.input.as_deref();
        input.is_some_and(|input| is_run_of(input, collection))
    });
    Ok(runs)
}

async fn run_named(client: &Client, id: &str) -> Result<WorkflowStatus, RunError> {
    let unknown = || RunError::Unknown { run: id.to_owned() };
    match client.status(id).await {
        Ok(run) if is_run(&run.name) => Ok(run),
        Ok(_) | Err(durable_runtime::Error::NoSuchWorkflow { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

fn is_run(name: &str) -> bool {
    name == ingest_collection::NAME || name == retry_collection::NAME
}

/// Lets a run go on, with everything that was cancelled with it.
async fn revive(client: &Client, id: &str, version: &str) -> Result<WorkflowStatus, RunError> {
    let run = run_named(client, id).await?;
    if is_unfinished(run.status) {
        return Ok(run);
    }
    if run.status != Status::Cancelled {
        return Err(RunError::Ended {
            run: run.workflow_id,
            status: run.status.to_string(),
        });
    }
    if run
        .application_version
        .as_deref()
        .is_some_and(|of| of != version)
    {
        return Err(RunError::OtherSettings {
            run: run.workflow_id,
        });
    }
    // Children first: the run must find them alive. Their ids begin with that of the run.
    let filter = WorkflowFilter::new()
        .id_prefix(id)
        .status(Status::Cancelled)
        .without_input()
        .without_output();
    let cancelled = client.list(filter).await?;
    let (files, others): (Vec<_>, Vec<_>) = cancelled
        .into_iter()
        .filter(|child| child.workflow_id != id)
        .partition(|child| child.name == ingest_file::NAME);
    let ids = |children: Vec<WorkflowStatus>| -> Vec<String> {
        let ids = children.into_iter().map(|child| child.workflow_id);
        ids.collect()
    };
    // Files wait for their turn again: all at once would be more than a process can have in hand.
    if !files.is_empty() {
        client.resume_on(ids(files), &FILES).await?;
    }
    if !others.is_empty() {
        client.resume(ids(others)).await?;
    }
    client.resume(id).await?;
    run_named(client, id).await
}

/// What an unfinished run comes to.
pub(super) async fn result(engine: &Engine, run: &WorkflowStatus) -> Result<RunReport, RunError> {
    let id = &run.workflow_id;
    Ok(if run.name == ingest_collection::NAME {
        let handle = engine.durable.retrieve::<ingest_collection>(id).await?;
        handle.result().await?
    } else {
        let handle = engine.durable.retrieve::<retry_collection>(id).await?;
        handle.result().await?
    })
}
