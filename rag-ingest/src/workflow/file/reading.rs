//! Reading a file and cutting it into chunks.

use std::sync::Arc;

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::blocking;
use super::super::failure::IngestError;
use super::FileRequest;
use super::embedding::still_in_budget;
use crate::chunk::chunk as cut;
use crate::collection;
use crate::desk::Prepared;
use crate::discover;
use crate::loader::{IoKind, LoadError, Loaded};
use crate::pipeline::Pipeline;
use crate::tokenizer::Tokenizer;

/// Texts of this size are kept as soon as they are read: a crash then does not read the file again. Smaller ones are
/// kept when the document is saved, and cost no commit of their own.
const LARGE_TEXT: usize = 256 << 10;

/// How a document was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cuts {
    pub(super) chunks: usize,
    pub(super) batches: u32,
    /// Files in the file that could not be read.
    #[serde(default)]
    pub(super) failed: usize,
    /// The last batch needs no commit of its own.
    #[serde(default)]
    pub(super) is_quick: bool,
}

/// Reads a file, and the files in it, and normalises their texts, unless those are kept.
#[step(pure)]
pub(super) async fn load(ctx: StepContext, file: &FileRequest) -> Result<usize, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    if pipeline.fingerprint != file.fingerprint {
        return Err(IngestError::OtherSettings);
    }
    still_in_budget(&pipeline, file).await?;
    load_file(&pipeline, ctx.workflow_id(), file).await
}

/// Reads a file onto the desk of a workflow, and gives how large its texts are.
pub(super) async fn load_file(
    pipeline: &Pipeline,
    workflow: &str,
    file: &FileRequest,
) -> Result<usize, IngestError> {
    let loaded = read(pipeline, file).await?;
    let size = loaded.size();
    pipeline.desk.put_read(workflow, loaded);
    Ok(size)
}

/// Cuts the documents into chunks.
#[step(pure)]
pub(super) async fn chunk(ctx: StepContext, file: &FileRequest) -> Result<Cuts, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    chunk_file(&pipeline, ctx.workflow_id(), file).await
}

/// Cuts what lies on the desk of a workflow.
pub(super) async fn chunk_file(
    pipeline: &Pipeline,
    workflow: &str,
    file: &FileRequest,
) -> Result<Cuts, IngestError> {
    let prepared = prepare(pipeline, workflow, file).await?;
    let chunks = prepared.keys.len();
    Ok(Cuts {
        chunks,
        batches: u32::try_from(prepared.batches(pipeline.embedder.batch()).len())
            .map_err(IngestError::other)?,
        failed: prepared.loaded.failures().count(),
        is_quick: pipeline.embedder.is_quick() && pipeline.terms().is_none(),
    })
}

/// What a file gives: kept under its key, or read from the file if that is still the one that was discovered.
async fn read(pipeline: &Pipeline, file: &FileRequest) -> Result<Loaded, IngestError> {
    let key = file.text_key(pipeline);
    let kept = {
        let mut look = pipeline.collection.look().await?;
        collection::text(&mut look.session(), &key).await?
    };
    if let Some(loaded) = kept {
        return Ok(loaded);
    }
    let changed = || IngestError::Changed {
        path: file.name(),
        step: "load".to_owned(),
    };
    let loaded = match pipeline
        .parsers
        .load(file.location(), pipeline.limits)
        .await
    {
        Err(LoadError::Io {
            kind: IoKind::NotFound,
            ..
        }) => {
            return Err(IngestError::Vanished {
                path: file.name(),
                step: "load".to_owned(),
            });
        }
        Err(error) => {
            // What cannot be read may be another file by now than the one that was discovered.
            let path = file.location();
            return match blocking(move || discover::hash(&path)).await? {
                Ok(hash) if hash != file.hash => Err(changed()),
                _ => Err(error.into()),
            };
        }
        Ok((_, hash)) if hash != file.hash => return Err(changed()),
        Ok((loaded, _)) => loaded,
    };
    if loaded.size() >= LARGE_TEXT && is_for_keeping(&loaded) {
        let mut transaction = pipeline.collection.begin().await?;
        collection::keep_text(&mut transaction.session(), &key, &loaded).await?;
        transaction.commit().await?;
    }
    Ok(loaded)
}

/// What could not be read may be with other limits, so a file with such a member is read anew whenever it is needed.
pub(super) fn is_for_keeping(loaded: &Loaded) -> bool {
    loaded.failures().next().is_none()
}

/// The file, read and cut: what lies on the desk, or all of it again.
pub(super) async fn prepare(
    pipeline: &Pipeline,
    workflow: &str,
    file: &FileRequest,
) -> Result<Arc<Prepared>, IngestError> {
    if let Some(prepared) = pipeline.desk.get(workflow) {
        return Ok(prepared);
    }
    let loaded = match pipeline.desk.take_read(workflow) {
        Some(loaded) => Arc::unwrap_or_clone(loaded),
        None => read(pipeline, file).await?,
    };
    let options = pipeline.chunks;
    let prepared = blocking(move || {
        Prepared::new(loaded, |document| {
            cut(document, &options, Tokenizer::builtin())
        })
    })
    .await?;
    Ok(pipeline.desk.put(workflow, prepared))
}
