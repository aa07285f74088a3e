//! What makes searches fast, at the end of a run.

use durable_runtime::prelude::*;

use super::failure::IngestError;
use crate::collection::{INDEX_FROM, model_name};
use crate::pipeline::Pipeline;

/// Indexes the vectors if they are many, in whichever process the run ends. Everything is saved by now: without the
/// index it is only found more slowly, `stats` tells, and the next run makes it.
#[step]
pub(super) async fn index(ctx: StepContext) -> Result<(), IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    let model = model_name(pipeline.embedder.id(), pipeline.embedder.dimension());
    let indexed = pipeline.collection.index_vectors(&model, INDEX_FROM).await;
    if let Err(error) = indexed {
        tracing::warn!(%error, "the vectors could not be indexed");
    }
    Ok(())
}
