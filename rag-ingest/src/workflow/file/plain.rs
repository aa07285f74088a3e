//! A file without a workflow, see [`ingest_plainly`](crate::workflow::ingest_plainly).

use super::embedding::{Embedding, Part, embed_part};
use super::reading::{chunk_file, load_file};
use super::saving::{Saving, record_plainly, save_file};
use super::{FileOutcome, FileRequest, Sum};
use crate::collection::Failure;
use crate::pipeline::Pipeline;
use crate::workflow::IngestError;

/// Ingests one file. One that cannot be ingested is an outcome; it is not tried again.
pub(in crate::workflow) async fn ingest_plainly(
    pipeline: &Pipeline,
    file: &FileRequest,
) -> Result<FileOutcome, IngestError> {
    match ingest(pipeline, file).await {
        Ok(outcome) => Ok(outcome),
        Err((step, error)) => {
            let (status, reason) = error.status();
            let failure = Failure {
                step: step.to_owned(),
                status,
                reason: reason.to_owned(),
                error: error.to_string(),
            };
            record_plainly(pipeline, file, &failure).await?;
            Ok(FileOutcome::Failed { status })
        }
    }
}

async fn ingest(
    pipeline: &Pipeline,
    file: &FileRequest,
) -> Result<FileOutcome, (&'static str, IngestError)> {
    let of = file.workflow_id.as_str();
    let at = |step: &'static str| move |error: IngestError| (step, error);
    load_file(pipeline, of, file).await.map_err(at("load"))?;
    let cuts = chunk_file(pipeline, of, file).await.map_err(at("chunk"))?;
    let mut sum = Sum::default();
    for batch in 0..cuts.batches {
        let rides = batch + 1 == cuts.batches;
        let embedded = embed_part(pipeline, of, file, Part::whole(batch), rides).await;
        match embedded.map_err(at("embed"))? {
            Embedding::Done {
                embedded,
                reused,
                tokens,
            } => {
                sum.embedded += embedded;
                sum.reused += reused;
                sum.tokens += tokens;
            }
            Embedding::Later { .. } | Embedding::Halves { .. } => {
                let error = IngestError::other("a model with limits needs a workflow to wait");
                return Err(("embed", error));
            }
        }
    }
    let failed = |error: sqlx::Error| ("save", error.into());
    let mut transaction = pipeline.collection.begin().await.map_err(failed)?;
    let session = &mut transaction.session();
    let saved = save_file(session, pipeline, of, file, cuts.batches).await;
    transaction.commit().await.map_err(failed)?;
    match saved.map_err(at("save"))? {
        Saving::Saved => Ok(FileOutcome::Saved {
            chunks: cuts.chunks,
            embedded: sum.embedded,
            reused: sum.reused,
            tokens: sum.tokens,
            failed: cuts.failed,
        }),
        Saving::Missing { .. } | Saving::Changed | Saving::Vanished => {
            let error = IngestError::Changed {
                path: file.name(),
                step: "save".to_owned(),
            };
            Err(("save", error))
        }
    }
}
