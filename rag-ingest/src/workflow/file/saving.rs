//! Saving what became of a file.

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::blocking;
use super::super::clock::now_ms;
use super::super::failure::IngestError;
use super::FileRequest;
use super::embedding::keep;
use super::reading::is_for_keeping;
use crate::collection::session::Session;
use crate::collection::{self, Failure, MemberOutcome, NewDocument, NewMember, model_name};
use crate::discover;
use crate::pipeline::Pipeline;

/// How an attempt to save ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Saving {
    Saved,
    /// A crash lost vectors that were to be saved with the document.
    Missing {
        batches: Vec<u32>,
    },
    Changed,
    Vanished,
}

/// Saves the document and those of the files in it, their chunks, their texts and the vectors of the last batch,
/// together with the checkpoint of this step.
#[transaction]
pub(super) async fn save(
    ctx: TransactionContext,
    file: &FileRequest,
    batches: u32,
) -> Result<Saving, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    let workflow = ctx.workflow_id().to_owned();
    let session = &mut Session::of(ctx.connection())?;
    save_file(session, &pipeline, &workflow, file, batches).await
}

/// Saves what lies on the desk of a workflow, inside the caller's transaction.
pub(super) async fn save_file(
    session: &mut Session<'_>,
    pipeline: &Pipeline,
    workflow: &str,
    file: &FileRequest,
    batches: u32,
) -> Result<Saving, IngestError> {
    let Some(prepared) = pipeline.desk.get(workflow) else {
        // Making the last batch again brings everything else back, too.
        return Ok(Saving::Missing {
            batches: vec![batches.saturating_sub(1)],
        });
    };
    if let Some(other) = is_another(file).await? {
        return Ok(other);
    }
    let model = pipeline.model;
    for fresh in prepared.aside() {
        keep(session, pipeline, file, &fresh).await?;
    }
    let known = collection::known_vectors(session, model, &prepared.keys).await?;
    let missing: Vec<u32> = (0_u32..)
        .zip(prepared.batches(pipeline.embedder.batch()))
        .filter(|(_, places)| {
            let keys = prepared.keys.get(places.clone()).unwrap_or_default();
            !keys.iter().all(|key| known.contains_key(key))
        })
        .map(|(batch, _)| batch)
        .collect();
    if !missing.is_empty() {
        return Ok(Saving::Missing { batches: missing });
    }
    let text_key = file.text_key(pipeline);
    let is_kept = is_for_keeping(&prepared.loaded);
    if is_kept {
        collection::keep_text(session, &text_key, &prepared.loaded).await?;
    }
    let mut pieces = prepared.pieces();
    let own = pieces
        .next()
        .ok_or_else(|| IngestError::other("a file without a document was read; report it"))?;
    let read = pieces.filter_map(|piece| {
        Some(NewMember {
            path: piece.member?,
            outcome: MemberOutcome::Read(piece),
        })
    });
    let failed = prepared.loaded.failures().map(|(path, error)| NewMember {
        path,
        outcome: MemberOutcome::Failed(error),
    });
    let members: Vec<_> = read.chain(failed).collect();
    let new = NewDocument {
        id: file.document,
        hash: &file.hash,
        document: own.document,
        text_key: is_kept.then_some(text_key.as_str()),
        chunks: own.chunks,
        keys: own.keys,
        members: members.len(),
        model: &model_name(pipeline.embedder.id(), pipeline.embedder.dimension()),
        fingerprint: &file.fingerprint,
        run_id: &file.run_id,
    };
    if !collection::save(session, &new, &known).await? {
        // Its row waits for another version by now, or was taken away.
        return Ok(Saving::Changed);
    }
    let when = (file.run_id.as_str(), now_ms());
    collection::remember(session, file.document, when.0, when.1).await?;
    collection::replace_members(session, file.document, &members, &known, when).await?;
    pipeline.desk.clear(workflow);
    Ok(Saving::Saved)
}

/// Notes why a file was not saved, together with the checkpoint of this step.
#[transaction]
pub(super) async fn record_failure(
    ctx: TransactionContext,
    file: &FileRequest,
    failure: &Failure,
) -> Result<(), IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    pipeline.desk.clear(ctx.workflow_id());
    let session = &mut Session::of(ctx.connection())?;
    note_failure(session, file, failure).await
}

async fn note_failure(
    session: &mut Session<'_>,
    file: &FileRequest,
    failure: &Failure,
) -> Result<(), IngestError> {
    let when = (file.run_id.as_str(), now_ms());
    collection::fail(session, file.document, &file.hash, failure, when).await?;
    Ok(())
}

/// Notes why a file was not saved, in a transaction of its own.
pub(super) async fn record_plainly(
    pipeline: &Pipeline,
    file: &FileRequest,
    failure: &Failure,
) -> Result<(), IngestError> {
    pipeline.desk.clear(&file.workflow_id);
    let mut transaction = pipeline.collection.begin().await?;
    note_failure(&mut transaction.session(), file, failure).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether the file is not the one any more that was read.
async fn is_another(file: &FileRequest) -> Result<Option<Saving>, IngestError> {
    let path = file.location();
    let (size, mtime_ns, hash) = (file.size, file.mtime_ns, file.hash.clone());
    blocking(move || {
        let stamp = match discover::stamp(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Some(Saving::Vanished);
            }
            // What was read is what was discovered; whether it still is cannot be told.
            Err(_) => return None,
            Ok(stamp) => stamp,
        };
        if (stamp.size, stamp.mtime_ns) == (size, mtime_ns) {
            return None;
        }
        match discover::hash(&path) {
            Ok(now) if now != hash => Some(Saving::Changed),
            _ => None,
        }
    })
    .await
}
