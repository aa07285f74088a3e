//! A run without workflows: the same work in the same transactions, and nothing that survives a crash. What durability
//! costs is measured against it.

use futures_util::StreamExt;
use futures_util::stream;

use super::discovery::discover_page;
use super::sweep::sweep_sources;
use super::{RunRequest, open_run};
use crate::collection::{Queued, queued};
use crate::discover::Cursor;
use crate::pipeline::Pipeline;
use crate::workflow::page::{PageReport, PageRequest, file_request};
use crate::workflow::{FileOutcome, IngestError, RunReport, file};

/// Ingests as [`ingest_collection`](super::ingest_collection()) does, with a number of files worked on at once, but
/// records nothing about the run itself: ended before its end it begins anew. A file that cannot be ingested is counted,
/// and not tried again; models of services are not waited for.
///
/// # Errors
/// A root, the database or the model cannot be used.
pub async fn ingest_plainly(
    pipeline: &Pipeline,
    run_id: &str,
    request: &RunRequest,
    workers: usize,
) -> Result<RunReport, IngestError> {
    let mut transaction = pipeline.collection.begin().await?;
    let opened = open_run(&mut transaction.session(), run_id, request).await?;
    transaction.commit().await?;
    let mut report = RunReport::default();
    let mut done = PageReport::default();
    let mut cursor = Some(Cursor::default());
    let mut number = 0;
    while let Some(from) = cursor {
        let page = discover_page(pipeline, run_id, request, &opened.scopes, number, &from).await?;
        report.discovered += page.discovered;
        report.unchanged += page.unchanged;
        if page.work > 0 {
            let found = {
                let mut look = pipeline.collection.look().await?;
                queued(&mut look.session(), run_id, number).await?
            };
            let of_page = PageRequest {
                collection: request.collection.clone(),
                run_id: run_id.to_owned(),
                fingerprint: request.fingerprint.clone(),
                page: number,
            };
            let ingested = found.into_iter().map(|queued: Queued| {
                let file = file_request(&of_page, queued);
                async move { file::ingest_plainly(pipeline, &file).await }
            });
            let mut ingested = stream::iter(ingested).buffer_unordered(workers);
            while let Some(outcome) = ingested.next().await {
                let outcome: FileOutcome = outcome?;
                done.count(&outcome);
            }
        }
        cursor = page.next;
        number += 1;
    }
    report.ingested = done.ingested;
    report.failed = done.failed;
    report.chunks = done.chunks;
    report.embedded = done.embedded;
    report.reused = done.reused;
    report.tokens = done.tokens;
    let mut transaction = pipeline.collection.begin().await?;
    let session = &mut transaction.session();
    let swept = sweep_sources(session, run_id, request, &opened.scopes, opened.begun_ms).await?;
    transaction.commit().await?;
    report.vanished = swept.vanished;
    report.kept = swept.kept;
    Ok(report)
}
