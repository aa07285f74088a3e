//! One file: load → chunk → embed, a step for each batch → save.
//!
//! Files that lie in it are documents of their own, and go all these ways together with it.

use std::sync::Arc;

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::blocking;
use super::clock::now_ms;
use super::failure::IngestError;
use crate::chunk::chunk as cut;
use crate::collection::session::Session;
use crate::collection::{
    self, Cost, Failure, MemberOutcome, NewDocument, NewMember, bytes_of, model_name,
};
use crate::desk::{Fresh, Prepared};
use crate::discover::{self, location_of};
use crate::embed::{EmbedError, check};
use crate::fingerprint::text_key;
use crate::loader::{IoKind, LoadError, Loaded};
use crate::pipeline::Pipeline;
use crate::status::FileStatus;
use crate::tokenizer::Tokenizer;

/// How many chunks are embedded in one step: what a crash makes the program do again at most.
const BATCH: usize = 128;
/// Texts of this size are kept as soon as they are read: a crash then does not read the file again. Smaller ones are
/// kept when the document is saved, and cost no commit of their own.
const LARGE_TEXT: usize = 256 << 10;
/// How often a call that met a passing trouble is made again.
const TRIES: u32 = 4;
/// How often vectors that went missing before they were saved are made again.
const ROUNDS: u32 = 5;

/// One file of a run, as it was discovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// The collection.
    pub collection: String,
    /// The run it belongs to.
    pub run_id: String,
    /// The pipeline that the run was begun with.
    pub fingerprint: String,
    /// The document's number.
    pub document: i64,
    /// The folder of its source.
    pub root: String,
    /// Its path below that.
    pub path: String,
    /// The BLAKE3 hash of its bytes.
    pub hash: String,
    /// How many bytes it has.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Which attempt at this document it is.
    pub attempt: i64,
    /// The workflow that does it.
    pub workflow_id: String,
}

impl FileRequest {
    fn location(&self) -> std::path::PathBuf {
        location_of(&self.root, &self.path)
    }

    fn name(&self) -> String {
        self.location().display().to_string()
    }

    fn text_key(&self, pipeline: &Pipeline) -> String {
        text_key(&self.hash, &self.path, pipeline.limits.profile)
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum FileOutcome {
    /// It is in the collection.
    Saved {
        /// How many chunks it has.
        chunks: usize,
        /// How many texts were embedded for it.
        embedded: usize,
        /// How many texts had a vector already.
        reused: usize,
        /// How many word pieces were embedded.
        tokens: usize,
        /// How many files that lie in it could not be read; their rows tell why.
        #[serde(default)]
        failed: usize,
    },
    /// It is not; its row tells why.
    Failed {
        /// The state of its document.
        status: FileStatus,
    },
}

/// How a document was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Cuts {
    chunks: usize,
    batches: u32,
    /// Files in the file that could not be read.
    #[serde(default)]
    failed: usize,
}

/// What a batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Embedded {
    embedded: usize,
    reused: usize,
    tokens: usize,
}

/// How an attempt to save ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Saving {
    Saved,
    /// A crash lost vectors that were to be saved with the document.
    Missing {
        batches: Vec<u32>,
    },
    Changed,
    Vanished,
}

/// Ingests one file. A file that cannot be ingested is an outcome, not the end of the run.
#[workflow]
pub async fn ingest_file(
    ctx: WorkflowContext,
    file: FileRequest,
) -> Result<FileOutcome, IngestError> {
    if let Err(error) = load(&ctx, &file).await {
        return give_up(&ctx, &file, "load", &error).await;
    }
    let cuts = match chunk(&ctx, &file).await {
        Ok(cuts) => cuts,
        Err(error) => return give_up(&ctx, &file, "chunk", &error).await,
    };
    let mut batches: Vec<u32> = (0..cuts.batches).collect();
    let (mut embedded, mut reused, mut tokens) = (0, 0, 0);
    for round in 0..ROUNDS {
        for batch in &batches {
            // The vectors of the last batch ride in the commit that saves the document.
            let rides = round == 0 && *batch + 1 == cuts.batches;
            let mut tries = 0;
            let done = loop {
                let error = match embed(&ctx, &file, *batch, rides).await {
                    Ok(done) => break done,
                    Err(error) => error,
                };
                match error.wait(tries) {
                    Some(wait) if tries < TRIES => ctx.sleep(wait).await,
                    _ => return give_up(&ctx, &file, "embed", &error).await,
                }
                tries += 1;
            };
            embedded += done.embedded;
            reused += done.reused;
            tokens += done.tokens;
        }
        let mut tries = 0;
        let saving = loop {
            let error = match save(&ctx, &file, cuts.batches).await {
                Ok(saving) => break saving,
                Err(error) => error,
            };
            match error.wait(tries) {
                Some(wait) if tries < TRIES => ctx.sleep(wait).await,
                _ => return give_up(&ctx, &file, "save", &error).await,
            }
            tries += 1;
        };
        let error = match saving {
            Saving::Saved => {
                return Ok(FileOutcome::Saved {
                    chunks: cuts.chunks,
                    embedded,
                    reused,
                    tokens,
                    failed: cuts.failed,
                });
            }
            Saving::Missing { batches: missing } => {
                batches = missing;
                continue;
            }
            Saving::Changed => IngestError::Changed {
                path: file.name(),
                step: "save".to_owned(),
            },
            Saving::Vanished => IngestError::Vanished {
                path: file.name(),
                step: "save".to_owned(),
            },
        };
        return give_up(&ctx, &file, "save", &error).await;
    }
    let error = IngestError::Failed {
        message: format!(
            "{}: its vectors went missing {ROUNDS} times before they were saved; stop what prunes the database all \
             the time, and run ingest again",
            file.name()
        ),
    };
    give_up(&ctx, &file, "save", &error).await
}

async fn give_up(
    ctx: &WorkflowContext,
    file: &FileRequest,
    step: &str,
    error: &IngestError,
) -> Result<FileOutcome, IngestError> {
    let (status, reason) = error.status();
    let failure = Failure {
        step: step.to_owned(),
        status,
        reason: reason.to_owned(),
        error: error.to_string(),
    };
    record_failure(ctx, file, &failure).await?;
    Ok(FileOutcome::Failed { status })
}

/// Reads a file, and the files in it, and normalises their texts, unless those are kept.
#[step(pure)]
async fn load(ctx: StepContext, file: &FileRequest) -> Result<usize, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    if pipeline.fingerprint != file.fingerprint {
        return Err(IngestError::OtherSettings);
    }
    let loaded = read(&pipeline, file).await?;
    let size = loaded.size();
    pipeline.desk.put_read(ctx.workflow_id(), loaded);
    Ok(size)
}

/// Cuts the documents into chunks.
#[step(pure)]
async fn chunk(ctx: StepContext, file: &FileRequest) -> Result<Cuts, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    let prepared = prepare(&pipeline, ctx.workflow_id(), file).await?;
    let chunks = prepared.keys.len();
    Ok(Cuts {
        chunks,
        batches: u32::try_from(chunks.div_ceil(BATCH)).map_err(IngestError::other)?,
        failed: prepared.loaded.failures().count(),
    })
}

/// Makes the vectors of a batch of chunks, but for those of texts that have one.
#[step]
async fn embed(
    ctx: StepContext,
    file: &FileRequest,
    batch: u32,
    rides: bool,
) -> Result<Embedded, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    if pipeline.fingerprint != file.fingerprint {
        return Err(IngestError::OtherSettings);
    }
    let prepared = prepare(&pipeline, ctx.workflow_id(), file).await?;
    let model = pipeline.model;
    let missing = {
        let mut look = pipeline.collection.look().await?;
        let keys = keys_of(&prepared, batch);
        let known = collection::known_vectors(&mut look.session(), model, keys).await?;
        missing_of(&prepared, batch, |key| known.contains_key(key))
    };
    let embedded = missing.len();
    let reused = keys_of(&prepared, batch).len() - embedded;
    let tokens = prepared
        .pick(&missing)
        .iter()
        .map(|(_, chunk, _)| chunk.tokens as usize)
        .sum();
    let vectors = make(&pipeline, &prepared, missing).await?;
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let fresh = Fresh {
        vectors,
        cost: Cost {
            batch: i64::from(batch),
            embedded: number(embedded),
            reused: number(reused),
            tokens: number(tokens),
            micros: number(tokens).saturating_mul(pipeline.embedder.micros_per_million_tokens())
                / 1_000_000,
        },
    };
    if rides {
        prepared.lay_aside(batch, fresh);
    } else {
        let mut transaction = pipeline.collection.begin().await?;
        keep(&mut transaction.session(), &pipeline, file, model, &fresh).await?;
        transaction.commit().await?;
    }
    Ok(Embedded {
        embedded,
        reused,
        tokens,
    })
}

/// Saves the document and those of the files in it, their chunks, their texts and the vectors of the last batch,
/// together with the checkpoint of this step.
#[transaction]
async fn save(
    ctx: TransactionContext,
    file: &FileRequest,
    batches: u32,
) -> Result<Saving, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    let workflow = ctx.workflow_id().to_owned();
    let Some(prepared) = pipeline.desk.get(&workflow) else {
        // Making the last batch again brings everything else back, too.
        return Ok(Saving::Missing {
            batches: vec![batches.saturating_sub(1)],
        });
    };
    if let Some(other) = is_another(file).await? {
        return Ok(other);
    }
    let model = pipeline.model;
    let session = &mut Session::of(ctx.connection())?;
    for fresh in prepared.aside() {
        keep(session, &pipeline, file, model, &fresh).await?;
    }
    let known = collection::known_vectors(session, model, &prepared.keys).await?;
    let mut missing: Vec<u32> = (0_u32..)
        .zip(prepared.keys.chunks(BATCH))
        .filter(|(_, keys)| !keys.iter().all(|key| known.contains_key(key)))
        .map(|(batch, _)| batch)
        .collect();
    if !missing.is_empty() {
        missing.sort_unstable();
        return Ok(Saving::Missing { batches: missing });
    }
    let text_key = file.text_key(&pipeline);
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
    pipeline.desk.clear(&workflow);
    Ok(Saving::Saved)
}

/// Notes why a file was not saved, together with the checkpoint of this step.
#[transaction]
async fn record_failure(
    ctx: TransactionContext,
    file: &FileRequest,
    failure: &Failure,
) -> Result<(), IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    pipeline.desk.clear(ctx.workflow_id());
    let session = &mut Session::of(ctx.connection())?;
    let when = (file.run_id.as_str(), now_ms());
    collection::fail(session, file.document, &file.hash, failure, when).await?;
    Ok(())
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
fn is_for_keeping(loaded: &Loaded) -> bool {
    loaded.failures().next().is_none()
}

/// The file, read and cut: what lies on the desk, or all of it again.
async fn prepare(
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

fn keys_of(prepared: &Prepared, batch: u32) -> &[String] {
    let batch = usize::try_from(batch).unwrap_or(usize::MAX);
    prepared.keys.chunks(BATCH).nth(batch).unwrap_or_default()
}

/// The chunks of a batch whose texts have no vector, one for each text.
fn missing_of(prepared: &Prepared, batch: u32, is_known: impl Fn(&str) -> bool) -> Vec<usize> {
    let first = usize::try_from(batch)
        .unwrap_or(usize::MAX)
        .saturating_mul(BATCH);
    let mut taken = std::collections::BTreeSet::new();
    keys_of(prepared, batch)
        .iter()
        .enumerate()
        .filter(|(_, key)| !is_known(key) && taken.insert(key.as_str()))
        .map(|(index, _)| first + index)
        .collect()
}

/// Has the model make vectors of some chunks.
async fn make(
    pipeline: &Pipeline,
    prepared: &Arc<Prepared>,
    chunks: Vec<usize>,
) -> Result<Vec<(String, Vec<u8>)>, IngestError> {
    if chunks.is_empty() {
        return Ok(Vec::new());
    }
    tracing::info!(texts = chunks.len(), "texts are embedded");
    let embedder = Arc::clone(&pipeline.embedder);
    let prepared = Arc::clone(prepared);
    let made = blocking(move || {
        let wanted = prepared.pick(&chunks);
        let texts: Vec<String> = wanted
            .iter()
            .map(|(document, chunk, _)| chunk.embedding_text(document))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts)?;
        check(embedder.id(), embedder.dimension(), texts.len(), &vectors)?;
        let keyed = wanted.into_iter().zip(&vectors);
        Ok::<_, EmbedError>(
            keyed
                .map(|((_, _, key), vector)| (key.clone(), bytes_of(vector)))
                .collect(),
        )
    });
    Ok(made.await??)
}

/// Writes vectors and what they cost.
async fn keep(
    session: &mut Session<'_>,
    pipeline: &Pipeline,
    file: &FileRequest,
    model: i64,
    fresh: &Fresh,
) -> Result<(), IngestError> {
    collection::insert_vectors(session, model, &fresh.vectors).await?;
    let name = model_name(pipeline.embedder.id(), pipeline.embedder.dimension());
    let work = (
        file.workflow_id.as_str(),
        file.collection.as_str(),
        file.run_id.as_str(),
        file.document,
        name.as_str(),
    );
    collection::pay(session, &fresh.cost, work, now_ms()).await?;
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
