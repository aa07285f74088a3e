//! One file: load → chunk → embed, a step for each batch → save.
//!
//! Files that lie in it are documents of their own, and go all these ways together with it.

mod embedding;
mod plain;
mod reading;
mod saving;

use std::collections::VecDeque;

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use self::embedding::{Embedding, Part, embed, embed_quickly};
pub(super) use self::plain::ingest_plainly;
use self::reading::{chunk, load};
use self::saving::{Saving, record_failure, save};
use super::failure::{IngestError, spread};
use crate::collection::Failure;
use crate::discover::location_of;
use crate::fingerprint::text_key;
use crate::pipeline::Pipeline;
use crate::status::FileStatus;

/// How often a transaction that met a passing trouble is made again.
const TRIES: u32 = 4;
/// How often a model that cannot answer is asked again: for some four minutes, unless it asks for more time.
const QUESTIONS: u32 = 8;
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
    /// It is not, since the budget is spent. Its document stays queued, and the next run takes it.
    Waiting,
}

/// What was embedded of a file.
#[derive(Default)]
struct Sum {
    embedded: usize,
    reused: usize,
    tokens: usize,
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
    let mut sum = Sum::default();
    for round in 0..ROUNDS {
        for batch in &batches {
            // The vectors of the last batch ride in the commit that saves the document.
            let rides = round == 0 && *batch + 1 == cuts.batches;
            let mut parts = VecDeque::from([Part::whole(*batch)]);
            let mut tries = 0;
            while let Some(part) = parts.front().copied() {
                let embedding = if rides && cuts.is_quick {
                    embed_quickly(&ctx, &file, part).await
                } else {
                    embed(&ctx, &file, part, rides).await
                };
                match embedding {
                    Ok(Embedding::Done {
                        embedded,
                        reused,
                        tokens,
                    }) => {
                        sum.embedded += embedded;
                        sum.reused += reused;
                        sum.tokens += tokens;
                        parts.pop_front();
                    }
                    Ok(Embedding::Later { wait_ms }) => {
                        ctx.sleep(std::time::Duration::from_millis(wait_ms)).await;
                    }
                    Ok(Embedding::Halves { first, second }) => {
                        parts.pop_front();
                        parts.push_front(second);
                        parts.push_front(first);
                    }
                    Err(error) => match error.wait(tries) {
                        Some(wait) if tries < QUESTIONS => {
                            ctx.sleep(spread(wait, &file.workflow_id, tries)).await;
                            tries += 1;
                        }
                        _ => return give_up(&ctx, &file, "embed", &error).await,
                    },
                }
            }
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
                    embedded: sum.embedded,
                    reused: sum.reused,
                    tokens: sum.tokens,
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
    if matches!(error, IngestError::BudgetSpent { .. }) {
        return Ok(FileOutcome::Waiting);
    }
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
