//! The durable workflows: one that ingests a collection, and a child for each file.
//!
//! `ingest_collection`: discover → a child on the queue for each new or changed file → their outcomes.
//! `ingest_file`: load → chunk → embed, a step for each batch → save, in one transaction.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use durable_runtime::prelude::*;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::chunk::{Chunk, chunk as cut};
use crate::collection::{self, Known, NewDocument, vector_of};
use crate::discover::{self, FoundFile};
use crate::document::Document;
use crate::embed::{EmbedError, check};
use crate::loader::{IoKind, LoadError, Loaded};
use crate::pipeline::Pipeline;
use crate::tokenizer::Tokenizer;

/// The queue of files. How many are worked on at once is set when the runtime is opened.
pub const FILES: Queue = Queue::new("rag_ingest_files");

/// How many chunks are embedded in one step: what a crash makes the program do again at most.
const BATCH: usize = 128;

/// What is to be ingested. The same for the whole life of a run, whatever happens to the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// The collection that the documents go to.
    pub collection: String,
    /// The folders and files, absolute.
    pub roots: Vec<String>,
    /// The pipeline that the run was begun with.
    pub fingerprint: String,
}

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// The run it belongs to.
    pub run: RunRequest,
    /// The id of the run.
    pub run_id: String,
    /// The file as it was discovered.
    pub file: FoundFile,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Files that were found, those that could not be read included.
    pub discovered: usize,
    /// Files that were saved.
    pub ingested: usize,
    /// Files that were there already.
    pub unchanged: usize,
    /// Files that were not saved, with the reason.
    pub failed: Vec<FailedFile>,
    /// Chunks that were saved.
    pub chunks: usize,
}

/// A file that was not saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedFile {
    /// The file.
    pub path: String,
    /// Where it failed: `discover`, `load`, `chunk`, `embed` or `save`.
    pub step: String,
    /// Why, and what to do about it.
    pub error: String,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum FileOutcome {
    /// It is in the collection.
    Saved {
        /// How many chunks it has.
        chunks: usize,
        /// Why files that lie in it are not.
        #[serde(default)]
        failed: Vec<LoadError>,
    },
    /// It is not.
    Failed {
        /// The step that failed.
        step: String,
        /// Why.
        error: String,
    },
}

/// Why a step failed.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum IngestError {
    /// The file cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its chunks cannot be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// It is not the file any more that was discovered.
    #[error(
        "{path} was changed between discovery and load; run ingest again to take the new version"
    )]
    Changed {
        /// The file.
        path: String,
    },
    /// It is gone.
    #[error(
        "{path} disappeared between discovery and load; put it back, or run ingest again without it"
    )]
    Vanished {
        /// The file.
        path: String,
    },
    /// The run was begun with another model or other settings.
    #[error(
        "the run was begun with other settings (a different embedder or program); run ingest again to \
         use those of now"
    )]
    OtherSettings,
    /// The roots or the collection cannot be used, or a parser ended abnormally.
    #[error("{message}")]
    Failed {
        /// Why.
        message: String,
    },
    /// The runtime reports something.
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
}

impl IngestError {
    fn other(error: impl std::fmt::Display) -> Self {
        Self::Failed {
            message: error.to_string(),
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Embed(error) if error.is_transient())
    }
}

/// What discovery leaves to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Plan {
    files: Vec<FoundFile>,
    unchanged: usize,
    problems: Vec<FailedFile>,
}

/// The vectors of a batch: little-endian floats in base64, four times smaller than their digits and exact.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Vectors {
    dimension: usize,
    floats: String,
}

impl Vectors {
    fn pack(dimension: usize, vectors: &[Vec<f32>]) -> Self {
        let bytes: Vec<u8> = vectors
            .iter()
            .flatten()
            .flat_map(|float| float.to_le_bytes())
            .collect();
        Self {
            dimension,
            floats: BASE64_STANDARD.encode(bytes),
        }
    }

    fn unpack(&self) -> Result<Vec<Vec<f32>>, IngestError> {
        let bytes = BASE64_STANDARD
            .decode(&self.floats)
            .map_err(IngestError::other)?;
        Ok(bytes
            .chunks(self.dimension.max(1) * 4)
            .map(vector_of)
            .collect())
    }
}

/// Ingests what is new or changed under some roots into a collection.
#[workflow]
pub async fn ingest_collection(
    ctx: WorkflowContext,
    request: RunRequest,
) -> Result<RunReport, IngestError> {
    let plan = discover(&ctx, &request).await?;
    let mut report = RunReport {
        discovered: plan.files.len() + plan.unchanged + plan.problems.len(),
        unchanged: plan.unchanged,
        failed: plan.problems,
        ..RunReport::default()
    };
    // All starts are made before the first is awaited, so that they share commits; likewise the results.
    let starts = plan.files.iter().map(|file| {
        let file = FileRequest {
            run: request.clone(),
            run_id: ctx.workflow_id().to_owned(),
            file: file.clone(),
        };
        ingest_file(&ctx, file).queue(&FILES).start()
    });
    let children: Vec<_> = starts.collect();
    let children = join_all(children).await;
    let results: Vec<_> = children
        .into_iter()
        .map(|child| child.map(|child| child.result()))
        .map(async |child| match child {
            Ok(result) => result.await,
            Err(error) => Err(error.into()),
        })
        .collect();
    for (file, outcome) in plan.files.iter().zip(join_all(results).await) {
        let path = file.location().display().to_string();
        let failed = |step: String, error| FailedFile { path, step, error };
        match outcome {
            Ok(FileOutcome::Saved {
                chunks,
                failed: members,
            }) => {
                report.ingested += 1;
                report.chunks += chunks;
                report.failed.extend(members.iter().map(|error| FailedFile {
                    path: error.path().to_owned(),
                    step: "load".to_owned(),
                    error: error.to_string(),
                }));
            }
            Ok(FileOutcome::Failed { step, error }) => report.failed.push(failed(step, error)),
            Err(error) => report
                .failed
                .push(failed("workflow".to_owned(), error.to_string())),
        }
    }
    Ok(report)
}

/// Ingests one file. A file that cannot be ingested is an outcome, not the end of the run.
#[workflow]
pub async fn ingest_file(
    ctx: WorkflowContext,
    request: FileRequest,
) -> Result<FileOutcome, IngestError> {
    let failed = |step: &str, error: IngestError| FileOutcome::Failed {
        step: step.to_owned(),
        error: error.to_string(),
    };
    let loaded = match load(&ctx, &request).await {
        Ok(loaded) => loaded,
        Err(error) => return Ok(failed("load", error)),
    };
    // A file with files in it gives several documents; they are saved together, as the file they are.
    let mut parts = Vec::new();
    for (member, document) in loaded.documents() {
        let chunks = match chunk(&ctx, document).await {
            Ok(chunks) => chunks,
            Err(error) => return Ok(failed("chunk", error)),
        };
        let mut vectors = Vec::with_capacity(chunks.len());
        for batch in chunks.chunks(BATCH) {
            let texts: Vec<String> = batch
                .iter()
                .map(|chunk| chunk.embedding_text(document))
                .collect();
            match embed(&ctx, &request.run.fingerprint, &texts)
                .await
                .and_then(|batch| batch.unpack())
            {
                Ok(batch) => vectors.extend(batch),
                Err(error) => return Ok(failed("embed", error)),
            }
        }
        parts.push(Part {
            member,
            document,
            chunks,
            vectors,
        });
    }
    let chunks = parts.iter().map(|part| part.chunks.len()).sum();
    match save(&ctx, &request, &loaded, &parts).await {
        Ok(()) => Ok(FileOutcome::Saved {
            chunks,
            failed: loaded.failures().map(|(_, error)| error.clone()).collect(),
        }),
        Err(error) => Ok(failed("save", error)),
    }
}

/// A document of a file, ready to be saved.
#[derive(Debug)]
struct Part<'d> {
    /// Where it lies in the file; none for the file itself.
    member: Option<&'d str>,
    document: &'d Document,
    chunks: Vec<Chunk>,
    vectors: Vec<Vec<f32>>,
}

/// Lists the files and leaves out those that are in the collection as they are.
#[step]
async fn discover(ctx: StepContext, request: &RunRequest) -> Result<Plan, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    let known = pipeline
        .collection
        .known(&request.collection)
        .await
        .map_err(IngestError::other)?;
    let roots: Vec<PathBuf> = request.roots.iter().map(PathBuf::from).collect();
    let listing = blocking(move || discover::discover(&roots))
        .await?
        .map_err(IngestError::other)?;
    let discovered = listing.files.len();
    let is_known = |file: &FoundFile| {
        let known = known.get(&(file.root.clone(), file.path.clone()));
        known.is_some_and(|Known { hash, fingerprint }| {
            *hash == file.hash && *fingerprint == request.fingerprint
        })
    };
    let files: Vec<_> = listing
        .files
        .into_iter()
        .filter(|file| !is_known(file))
        .collect();
    let problem = |problem: discover::Problem| FailedFile {
        error: format!("{}: {}", problem.path, problem.error),
        path: problem.path,
        step: "discover".to_owned(),
    };
    pipeline.progress.plan(files.len());
    Ok(Plan {
        unchanged: discovered - files.len(),
        files,
        problems: listing.problems.into_iter().map(problem).collect(),
    })
}

/// Reads a file, and the files in it, and normalises their texts.
#[step(pure)]
async fn load(ctx: StepContext, request: &FileRequest) -> Result<Loaded, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    let path = request.file.location();
    let name = path.display().to_string();
    let loaded = match pipeline.parsers.load(path, pipeline.limits).await {
        Err(LoadError::Io {
            kind: IoKind::NotFound,
            ..
        }) => Err(IngestError::Vanished { path: name }),
        Err(error) => Err(error.into()),
        Ok((_, hash)) if hash != request.file.hash => Err(IngestError::Changed { path: name }),
        Ok((loaded, _)) => Ok(loaded),
    };
    if loaded.is_err() {
        pipeline.progress.file_done();
    }
    loaded
}

/// Cuts a document into chunks.
#[step(pure)]
async fn chunk(ctx: StepContext, document: &Document) -> Result<Vec<Chunk>, IngestError> {
    let options = ctx.state::<Pipeline>()?.chunks;
    let document = document.clone();
    blocking(move || cut(&document, &options, Tokenizer::builtin())).await
}

/// Makes the vectors of a batch of texts.
#[step(max_attempts = 3, interval = "1s", backoff_rate = 2.0, retry_if = IngestError::is_transient)]
async fn embed(
    ctx: StepContext,
    fingerprint: &str,
    texts: &[String],
) -> Result<Vectors, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    if pipeline.fingerprint != fingerprint {
        return Err(IngestError::OtherSettings);
    }
    let embedder = Arc::clone(&pipeline.embedder);
    let texts = texts.to_vec();
    let vectors = blocking(move || {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts)?;
        check(embedder.id(), embedder.dimension(), texts.len(), &vectors)?;
        Ok::<_, EmbedError>(vectors)
    })
    .await??;
    Ok(Vectors::pack(pipeline.embedder.dimension(), &vectors))
}

/// Saves the documents of a file, their chunks and their vectors, together with the checkpoint of this step.
#[transaction]
async fn save(
    ctx: TransactionContext,
    request: &FileRequest,
    loaded: &Loaded,
    parts: &[Part<'_>],
) -> Result<(), IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    collection::remove_members(ctx.connection(), &request.run.collection, &request.file)
        .await
        .map_err(IngestError::other)?;
    // An archive has no text of its own, but it is what the next run looks for.
    let own = Part {
        member: None,
        document: &loaded.document,
        chunks: Vec::new(),
        vectors: Vec::new(),
    };
    let own = parts
        .iter()
        .all(|part| part.member.is_some())
        .then_some(&own);
    for part in own.into_iter().chain(parts) {
        let file = match part.member {
            None => request.file.clone(),
            Some(member) => request.file.member(member),
        };
        let new = NewDocument {
            collection: &request.run.collection,
            file: &file,
            document: part.document,
            chunks: &part.chunks,
            vectors: &part.vectors,
            model: pipeline.embedder.id(),
            fingerprint: &request.run.fingerprint,
            run_id: &request.run_id,
        };
        collection::save(ctx.connection(), new)
            .await
            .map_err(IngestError::other)?;
    }
    pipeline.progress.file_done();
    Ok(())
}

/// Runs what computes or reads files beside the tasks that wait. A panic in it, as a parser of a broken file may have,
/// is an error of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, IngestError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| IngestError::Failed {
            message: format!(
                "the program stumbled over this file ({error}); leave it out, and report it"
            ),
        })
}
