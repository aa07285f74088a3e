//! Files that failed, again: each from the step that failed.

use durable_runtime::prelude::*;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::clock::now_ms;
use super::failure::IngestError;
use super::file::{FileRequest, ingest_file};
use super::index::index;
use super::page::PageReport;
use super::report::RunReport;
use super::{FILES, blocking, version_of, work_id};
use crate::collection::retryable;
use crate::collection::session::run;
use crate::discover::{examine, location_of};
use crate::pipeline::Pipeline;
use crate::status::MAX_FAILURES;

/// How many files are taken at once.
const PAGE: i64 = 200;
/// What may pass or be mended.
const PASSING: [&str; 2] = ["failed", "superseded"];
/// What only another program or another file mends.
const SETTLED: [&str; 4] = ["empty", "unsupported", "no_text_layer", "encrypted"];

/// Which files are tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequest {
    /// The collection.
    pub collection: String,
    /// The pipeline.
    pub fingerprint: String,
    /// Also those that wait for their time.
    pub now: bool,
    /// Also those that failed too often, and those that will only fail again unless the program has changed.
    pub all: bool,
}

/// A page of files that are tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Due {
    /// Each with the workflow that failed, if it can go on where that was.
    files: Vec<(Option<String>, FileRequest)>,
    /// The last one that was looked at; none when there are no more.
    next: Option<i64>,
}

/// Tries failed files again.
#[workflow]
pub async fn retry_collection(
    ctx: WorkflowContext,
    request: RetryRequest,
) -> Result<RunReport, IngestError> {
    let version = version_of(&request.fingerprint);
    let mut report = PageReport::default();
    let mut discovered = 0;
    let mut after = Some(0);
    while let Some(from) = after {
        let due = due(&ctx, &request, from).await?;
        discovered += due.files.len();
        let forks = due.files.iter().filter_map(|(failed, file)| {
            let fork = ctx.fork_workflow(failed.as_ref()?);
            let fork = fork.from_last_failure().version(&version).queue(&FILES);
            Some(fork.id(&file.workflow_id).start())
        });
        let forks: Vec<_> = forks.collect();
        // What cannot be forked, since its workflow was taken away, begins at the beginning: the start finds the fork
        // where there is one.
        join_all(forks).await;
        let starts = due.files.iter().map(|(_, file)| {
            ingest_file(&ctx, file.clone())
                .id(&file.workflow_id)
                .queue(&FILES)
                .start()
        });
        let starts: Vec<_> = starts.collect();
        let children = join_all(starts).await;
        let results: Vec<_> = children
            .into_iter()
            .map(|child| child.map(|child| child.result()))
            .map(async |child| match child {
                Ok(result) => result.await,
                Err(error) => Err(error.into()),
            })
            .collect();
        for outcome in join_all(results).await {
            match outcome {
                Ok(outcome) => report.count(&outcome),
                Err(_) => report.failed += 1,
            }
        }
        after = due.next;
    }
    index(&ctx).await?;
    Ok(RunReport {
        discovered,
        ingested: report.ingested,
        failed: report.failed,
        chunks: report.chunks,
        embedded: report.embedded,
        reused: report.reused,
        tokens: report.tokens,
        waiting: report.waiting,
        ..RunReport::default()
    })
}

/// Finds the next files that are due, and queues them.
#[step(max_attempts = 4, interval = "1s", backoff_rate = 2.0, retry_if = IngestError::passes)]
async fn due(ctx: StepContext, request: &RetryRequest, after: i64) -> Result<Due, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    if pipeline.fingerprint != request.fingerprint {
        return Err(IngestError::OtherSettings);
    }
    let words: Vec<&str> = if request.all {
        [&PASSING[..], &SETTLED[..]].concat()
    } else {
        PASSING.to_vec()
    };
    let most = if request.all { i64::MAX } else { MAX_FAILURES };
    let until = if request.now || request.all {
        i64::MAX
    } else {
        now_ms()
    };
    let run_id = ctx.workflow_id();
    let found = {
        let mut look = pipeline.collection.look().await?;
        let bounds = (most, until, after, PAGE);
        let name = &request.collection;
        retryable(
            &mut look.session(),
            name,
            &words,
            run_id,
            bounds,
            request.all,
        )
        .await?
    };
    let next = found.last().map(|file| file.0);
    let mut files = Vec::new();
    for (document, root, path, status, hash, tried, attempt, failed) in found {
        let place = location_of(&root, &path);
        let Ok((stamp, now)) = blocking(move || examine(&place)).await? else {
            // It still cannot be read, or it is gone: the next ingest says which.
            continue;
        };
        // The failed workflow can go on only with the same content and the same pipeline.
        let has_failed = words.contains(&status.as_str()) && status != "superseded";
        let can_go_on = has_failed && now == hash && tried == request.fingerprint;
        let attempt = attempt + 1;
        let workflow_id = work_id(
            run_id,
            (document, &path),
            &now,
            &request.fingerprint,
            attempt,
        );
        let mut transaction = pipeline.collection.begin().await?;
        run!(
            &mut transaction.session(),
            "UPDATE rag_documents SET status = 'queued', file_hash = $1, size = $2, mtime_ns = $3, attempt = $4,
                workflow_id = $5, tried_run = $6, seen_run = $6, tried_fingerprint = $7 WHERE id = $8",
            &now,
            i64::try_from(stamp.size).unwrap_or(i64::MAX),
            stamp.mtime_ns,
            attempt,
            &workflow_id,
            run_id,
            &request.fingerprint,
            document
        )?;
        transaction.commit().await?;
        let file = FileRequest {
            collection: request.collection.clone(),
            run_id: run_id.to_owned(),
            fingerprint: request.fingerprint.clone(),
            document,
            root,
            path,
            hash: now,
            size: stamp.size,
            mtime_ns: stamp.mtime_ns,
            attempt,
            workflow_id,
        };
        files.push((failed.filter(|_| can_go_on), file));
    }
    Ok(Due { files, next })
}
