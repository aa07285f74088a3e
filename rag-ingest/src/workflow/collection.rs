//! A run: the folders page by page, a child for each page that has something to do, then what is gone.

use std::collections::VecDeque;
use std::path::PathBuf;

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::clock::now_ms;
use super::failure::IngestError;
use super::index::index;
use super::page::{PageReport, PageRequest, ingest_page};
use super::report::RunReport;
use crate::collection::session::{Session, rows, run};
use crate::collection::{self, Scope};
use crate::discover::{self, Cursor, Rules, path_of};
use crate::pipeline::Pipeline;

mod discovery;
mod plain;
mod sweep;

use self::discovery::{Page, discover_page};
pub use self::plain::ingest_plainly;
pub use self::sweep::MaxDelete;
use self::sweep::{Swept, sweep_sources};

/// How many pages are worked on at once: enough that the walk does not wait for the slowest file of a page.
const PAGES: usize = 3;

/// What is to be ingested. The same for the whole life of a run, whatever happens to the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// The collection that the documents go to.
    pub collection: String,
    /// The folders and files, absolute.
    pub roots: Vec<String>,
    /// The pipeline that the run was begun with.
    pub fingerprint: String,
    /// How many documents may be taken out since their files are gone.
    #[serde(default)]
    pub max_delete: MaxDelete,
    /// Which files of the folders are meant.
    #[serde(default)]
    pub rules: Rules,
}

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Opened {
    scopes: Vec<Scope>,
    begun_ms: i64,
}

/// Ingests what is new or changed under some roots into a collection.
#[workflow]
pub async fn ingest_collection(
    ctx: WorkflowContext,
    request: RunRequest,
) -> Result<RunReport, IngestError> {
    let opened = open(&ctx, &request).await?;
    let mut report = RunReport::default();
    let mut pages: VecDeque<WorkflowHandle<ingest_page>> = VecDeque::new();
    let mut cursor = Some(Cursor::default());
    let mut number = 0;
    while let Some(from) = cursor {
        let page = discover(&ctx, &request, &opened, number, &from).await?;
        report.discovered += page.discovered;
        report.unchanged += page.unchanged;
        report.renamed += page.renamed;
        report.failed += page.failed;
        report.ignored.add(&page.ignored);
        if page.work > 0 {
            if pages.len() >= PAGES
                && let Some(oldest) = pages.pop_front()
            {
                add(&mut report, oldest.result().await);
            }
            let child = PageRequest {
                collection: request.collection.clone(),
                run_id: ctx.workflow_id().to_owned(),
                fingerprint: request.fingerprint.clone(),
                page: number,
            };
            pages.push_back(ingest_page(&ctx, child).start().await?);
        }
        cursor = page.next;
        number += 1;
    }
    while let Some(oldest) = pages.pop_front() {
        add(&mut report, oldest.result().await);
    }
    let swept = sweep(&ctx, &request, &opened).await?;
    report.vanished = swept.vanished;
    report.kept = swept.kept;
    index(&ctx).await?;
    Ok(report)
}

/// Adds what a page did. One that ended abnormally leaves its documents waiting, and the next run takes them.
fn add(report: &mut RunReport, page: Result<PageReport, IngestError>) {
    match page {
        Ok(page) => {
            report.ingested += page.ingested;
            report.failed += page.failed;
            report.chunks += page.chunks;
            report.embedded += page.embedded;
            report.reused += page.reused;
            report.tokens += page.tokens;
            report.waiting += page.waiting;
        }
        Err(error) => {
            tracing::warn!(%error, "a page of the run ended abnormally; run ingest again");
            report.failed += 1;
        }
    }
}

/// Finds the sources of the roots, and makes the row of the run.
#[transaction]
async fn open(ctx: TransactionContext, request: &RunRequest) -> Result<Opened, IngestError> {
    let run_id = ctx.workflow_id().to_owned();
    let session = &mut Session::of(ctx.connection())?;
    open_run(session, &run_id, request).await
}

/// Finds the sources of the roots, and makes the row of the run, inside the caller's transaction.
async fn open_run(
    session: &mut Session<'_>,
    run_id: &str,
    request: &RunRequest,
) -> Result<Opened, IngestError> {
    let roots: Vec<PathBuf> = request.roots.iter().map(PathBuf::from).collect();
    let roots = super::blocking(move || discover::resolve(&roots))
        .await?
        .map_err(IngestError::other)?;
    let mut scopes = Vec::new();
    for root in &roots {
        let is_there = |folder: &str| path_of(folder).exists();
        scopes.push(
            collection::scope(
                session,
                &request.collection,
                &root.folder,
                root.file.as_deref(),
                is_there,
            )
            .await?,
        );
    }
    // A later root may have taken over the source of an earlier one.
    let mut last = Vec::new();
    for (root, scope) in roots.iter().zip(scopes) {
        let there: Vec<(i64,)> = rows!(
            session,
            "SELECT id FROM rag_sources WHERE id = $1",
            scope.source
        )?;
        let is_there = |folder: &str| path_of(folder).exists();
        last.push(if there.is_empty() {
            let (name, folder) = (&request.collection, &root.folder);
            collection::scope(session, name, folder, root.file.as_deref(), is_there).await?
        } else {
            scope
        });
    }
    let begun_ms = now_ms();
    run!(
        session,
        "INSERT INTO rag_runs (id, collection, begun_ms) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        run_id,
        &request.collection,
        begun_ms
    )?;
    Ok(Opened {
        scopes: discover::distinct(last),
        begun_ms,
    })
}

/// Looks at the next page of files, and queues those that are new or changed.
#[step(max_attempts = 4, interval = "1s", backoff_rate = 2.0, retry_if = IngestError::passes)]
async fn discover(
    ctx: StepContext,
    request: &RunRequest,
    opened: &Opened,
    number: i64,
    from: &Cursor,
) -> Result<Page, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    discover_page(
        &pipeline,
        ctx.workflow_id(),
        request,
        &opened.scopes,
        number,
        from,
    )
    .await
}

/// Takes out the documents whose files are gone, now that everything was listed.
#[transaction]
async fn sweep(
    ctx: TransactionContext,
    request: &RunRequest,
    opened: &Opened,
) -> Result<Swept, IngestError> {
    let run_id = ctx.workflow_id().to_owned();
    let session = &mut Session::of(ctx.connection())?;
    sweep_sources(session, &run_id, request, &opened.scopes, opened.begun_ms).await
}
