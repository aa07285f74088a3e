//! A run that is begun here and done elsewhere.

use std::time::Duration;

use durable_runtime::Durable;

use super::{APPLICATION, IngestOptions, RunError, check_price, lifecycle, request, roots, run_id};
use crate::collection::Collection;
use crate::fingerprint::fingerprint;
use crate::pipeline::chunk_options;
use crate::workflow::clock::now_ms;
use crate::workflow::{RUNS, ingest_collection, version_of};

/// A version of its own: a process that only enqueues must take nothing up.
const ENQUEUER: &str = "rag-ingest-enqueuer";

/// Enqueues a run for the [workers](super::serve) of the database, and gives its id. Runs of one collection are done one
/// after the other.
///
/// # Errors
/// A root is missing, the database or the model cannot be used.
pub async fn enqueue(options: IngestOptions) -> Result<String, RunError> {
    let roots = roots(&options)?;
    let stored = Collection::open(&options.db).await?;
    let embedder = options.embedder.open_for::<RunError>(&stored).await?;
    check_price(embedder.as_ref(), options.budget_micros)?;
    let fingerprint = fingerprint(embedder.as_ref(), &chunk_options(options.limits.profile));
    let durable = Durable::open(&options.db)
        .application(APPLICATION)
        .version(ENQUEUER)
        .executor_id(run_id())
        .register::<ingest_collection>()
        .queue(&RUNS)
        .listen_queues(Vec::<String>::new())
        .launch()
        .await?;
    allow(&durable, &stored, &options).await?;
    stored.close().await;
    let version = version_of(&fingerprint);
    let collection = options.collection.clone();
    let request = request(&options, roots, fingerprint);
    let started = ingest_collection(&durable, request)
        .id(run_id())
        .queue(&RUNS)
        .partition_key(collection)
        .version(version)
        .start()
        .await;
    let id = started.map(|handle| handle.workflow_id().to_owned());
    durable.shutdown(Duration::ZERO).await;
    Ok(id?)
}

/// Notes the run's budget. It ends when the next run is begun and none is left, since nobody stays here to end it; runs
/// that are not at their end keep theirs, unless this one brings another.
async fn allow(
    durable: &Durable,
    stored: &Collection,
    options: &IngestOptions,
) -> Result<(), RunError> {
    let collection = &options.collection;
    let client = durable.client();
    if lifecycle::unfinished(&client, collection).await?.is_empty() {
        stored.close_budget(collection).await?;
    }
    if options.budget_micros.is_some() {
        stored
            .open_budget(collection, options.budget_micros, now_ms())
            .await?;
    }
    Ok(())
}
