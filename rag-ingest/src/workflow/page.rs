//! A page of a run: the files of it that have something to be done.

use std::collections::VecDeque;

use durable_runtime::prelude::*;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::FILES;
use super::failure::IngestError;
use super::file::{FileOutcome, FileRequest, ingest_file};
use crate::collection::{Queued, queued};
use crate::pipeline::Pipeline;

/// Of how many files the starts share a commit, and the results: a whole page in one would take megabytes.
const TOGETHER: usize = 64;

/// A page of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// The collection.
    pub collection: String,
    /// The run.
    pub run_id: String,
    /// The pipeline that the run was begun with.
    pub fingerprint: String,
    /// The number of the page.
    pub page: i64,
}

/// What became of the files of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageReport {
    /// Files that were saved.
    pub ingested: usize,
    /// Files that were not, files in files included.
    pub failed: usize,
    /// Chunks that were saved.
    pub chunks: usize,
    /// Texts that were embedded.
    pub embedded: usize,
    /// Texts whose vectors were there already.
    pub reused: usize,
    /// Word pieces that were embedded.
    pub tokens: usize,
    /// Files that wait since the budget is spent.
    #[serde(default)]
    pub waiting: usize,
}

impl PageReport {
    /// Counts the outcome of a file.
    pub(super) fn count(&mut self, outcome: &FileOutcome) {
        match outcome {
            FileOutcome::Saved {
                chunks,
                embedded,
                reused,
                tokens,
                failed,
            } => {
                self.ingested += 1;
                self.failed += failed;
                self.chunks += chunks;
                self.embedded += embedded;
                self.reused += reused;
                self.tokens += tokens;
            }
            FileOutcome::Failed { .. } => self.failed += 1,
            FileOutcome::Waiting => self.waiting += 1,
        }
    }
}

/// Ingests the files of a page, each in a workflow of its own on the queue.
#[workflow]
pub async fn ingest_page(
    ctx: WorkflowContext,
    request: PageRequest,
) -> Result<PageReport, IngestError> {
    let files = files_of_page(&ctx, &request).await?;
    let mut children = Vec::with_capacity(files.len());
    let mut files = files.into_iter().peekable();
    while files.peek().is_some() {
        // They are made before the first is awaited, so that they share a commit.
        let starts: Vec<_> = files
            .by_ref()
            .take(TOGETHER)
            .map(|file| {
                let id = file.workflow_id.clone();
                ingest_file(&ctx, file).id(id).queue(&FILES).start()
            })
            .collect();
        children.extend(join_all(starts).await);
    }
    let mut results: VecDeque<_> = children
        .into_iter()
        .map(|child| child.map(|child| child.result()))
        .map(async |child| match child {
            Ok(result) => result.await,
            Err(error) => Err(error.into()),
        })
        .collect();
    let mut report = PageReport::default();
    while !results.is_empty() {
        let mut some: Vec<_> = results.drain(..TOGETHER.min(results.len())).collect();
        // The last one ends when nearly all have ended: the results are recorded together, and not one by one.
        let last = some.pop();
        let mut outcomes = Vec::with_capacity(TOGETHER);
        if let Some(last) = last {
            outcomes.push(last.await);
        }
        outcomes.extend(join_all(some).await);
        for outcome in outcomes {
            match outcome {
                Ok(outcome) => report.count(&outcome),
                // Its document still waits, and the next run takes it.
                Err(_) => report.failed += 1,
            }
        }
    }
    Ok(report)
}

/// Reads what the page has to do from the document table.
#[step(max_attempts = 4, interval = "1s", backoff_rate = 2.0, retry_if = IngestError::passes)]
async fn files_of_page(
    ctx: StepContext,
    request: &PageRequest,
) -> Result<Vec<FileRequest>, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    let mut look = pipeline.collection.look().await?;
    let found = queued(&mut look.session(), &request.run_id, request.page).await?;
    Ok(found
        .into_iter()
        .map(|file| file_request(request, file))
        .collect())
}

pub(super) fn file_request(request: &PageRequest, file: Queued) -> FileRequest {
    let (document, root, path, hash, size, mtime_ns, attempt, workflow_id) = file;
    FileRequest {
        collection: request.collection.clone(),
        run_id: request.run_id.clone(),
        fingerprint: request.fingerprint.clone(),
        document,
        root,
        path,
        hash,
        size: u64::try_from(size).unwrap_or(0),
        mtime_ns,
        attempt,
        workflow_id,
    }
}
