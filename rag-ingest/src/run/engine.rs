//! A process at work on a database.

use std::time::Duration;

use durable_runtime::{Builder, Durable, OnConflict};

use super::executor::Executor;
use super::failure::RunError;
use super::follow::Follower;
use super::{APPLICATION, interrupted, lifecycle};
use crate::collection::Collection;
use crate::desk::Desk;
use crate::embed::Embedder;
use crate::loader::Limits;
use crate::loader::parsers::Parsers;
use crate::pipeline::{EmbedderChoice, Pipeline};
use crate::progress::Progress;
use crate::workflow::clock::now_ms;
use crate::workflow::{
    FILES, RUNS, ingest_collection, ingest_file, ingest_page, retry_collection, version_of,
};

/// A runtime with the workflows of this program.
pub(super) struct Engine {
    pub(super) durable: Durable,
    pub(super) fingerprint: String,
    /// What runs of these settings are bound to.
    pub(super) version: String,
    /// A connection of its own to the collection.
    pub(super) collection: Collection,
    /// Who this process is, for as long as it works.
    executor: Executor,
}

impl Engine {
    pub(super) async fn launch(
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
    pub(super) async fn end_budget(&self, collection: &str) -> Result<(), RunError> {
        let client = self.durable.client();
        if lifecycle::unfinished(&client, collection).await?.is_empty() {
            self.collection.close_budget(collection).await?;
        }
        Ok(())
    }

    /// Stops. Nothing runs any more when the work is done; after an interruption steps are given a moment to end.
    pub(super) async fn stop(self) {
        self.durable.shutdown(Duration::from_secs(2)).await;
        self.collection.close().await;
        drop(self.executor);
    }

    /// Works until the work is done or the program is asked to end; then stops.
    pub(super) async fn until_interrupted<T>(
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
pub(super) fn check_price(
    embedder: &dyn Embedder,
    budget_micros: Option<i64>,
) -> Result<(), RunError> {
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
