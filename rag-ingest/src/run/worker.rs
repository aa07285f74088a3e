//! A process that works on what others have begun.

use std::time::Duration;

use durable_runtime::{Status, WorkflowFilter};
use serde::Serialize;

use super::{Engine, RunError, interrupted};
use crate::loader::Limits;
use crate::pipeline::EmbedderChoice;

/// How often a worker that ends when there is nothing to do looks whether there is.
const LOOK: Duration = Duration::from_secs(1);

/// What a worker works with.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The database.
    pub db: String,
    /// The model.
    pub embedder: EmbedderChoice,
    /// How many files this process works on at once.
    pub workers: u32,
    /// How much one file may ask for.
    pub limits: Limits,
    /// Whether risky formats are read in processes of their own. They are processes of this program, so its `main` must
    /// be [`crate::command::main`].
    pub isolate: bool,
    /// Whether it ends when nothing is left to do.
    pub until_idle: bool,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Served {
    /// It was asked to end.
    Interrupted,
    /// Nothing was left to do.
    Idle,
}

/// Works on the runs of the database until it is asked to end: those that are enqueued, files of those that other
/// processes have begun, and what processes leave behind that were killed. Any number of processes may do so at once, on
/// any number of machines for PostgreSQL, if all see the same files under the same paths. Each takes only work that was begun with
/// its own settings, which are those that decide what a document's chunks and vectors are.
///
/// # Errors
/// The database or the model cannot be used.
pub async fn serve(options: WorkerOptions) -> Result<Served, RunError> {
    let engine = Engine::launch(
        &options.db,
        &options.embedder,
        options.workers,
        (options.limits, options.isolate),
        // Each run has the budget that it was begun with.
        None,
    )
    .await?;
    tracing::info!(version = engine.version, "this worker takes files");
    let served = tokio::select! {
        () = interrupted() => Ok(Served::Interrupted),
        idle = idle(&engine), if options.until_idle => idle.map(|()| Served::Idle),
    };
    engine.stop().await;
    served
}

/// Completes when nothing is queued or worked on that this process could take.
async fn idle(engine: &Engine) -> Result<(), RunError> {
    let client = engine.durable.client();
    loop {
        let filter = WorkflowFilter::new()
            .version(&engine.version)
            .status(Status::Enqueued)
            .status(Status::Pending)
            .status(Status::Delayed)
            .without_input()
            .limit(1);
        if client.list(filter).await?.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}
