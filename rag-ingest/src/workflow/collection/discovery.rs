//! One page of a run's files: which of them have something to be done.

use std::collections::{BTreeSet, HashMap};
use std::sync::PoisonError;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::RunRequest;
use crate::collection::session::{Session, run};
use crate::collection::{
    Known, Scope, Seen, Verdict, known, queue, refuse, repoint, restamp, seen, with_content,
};
use crate::discover::{Cursor, FoundFile, Ignored, Listing, Stamp, Walker, examine, location_of};
use crate::loader::{IoKind, LoadError};
use crate::pipeline::Pipeline;
use crate::status::FileStatus;
use crate::workflow::clock::now_ms;
use crate::workflow::{IngestError, blocking, work_id};

/// How many files are looked at in one step.
const PAGE: usize = 500;

/// What a page came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    /// Where the next one begins.
    pub(super) next: Option<Cursor>,
    /// Files, and places that could not be looked at.
    pub(super) discovered: usize,
    pub(super) unchanged: usize,
    pub(super) renamed: usize,
    /// What cannot be read, and what would only fail again.
    pub(super) failed: usize,
    /// Files that are queued.
    pub(super) work: usize,
    pub(super) ignored: Ignored,
}

/// A listed file with all that is needed to decide about it.
struct Candidate {
    source: i64,
    file: FoundFile,
    known: Option<Known>,
    /// Its stamp and its hash, or why it cannot be read.
    read: Result<(Stamp, String), LoadError>,
    /// The document that had this content under a name that is gone.
    renamed: Option<i64>,
}

/// Looks at a page, and writes down what is to be done.
pub(super) async fn discover_page(
    pipeline: &Pipeline,
    run_id: &str,
    request: &RunRequest,
    scopes: &[Scope],
    number: i64,
    from: &Cursor,
) -> Result<Page, IngestError> {
    let listing = walk(pipeline, run_id, request, scopes, from).await?;
    let candidates = examined(pipeline, scopes, &listing).await?;
    let candidates = with_old_names(pipeline, request, candidates).await?;
    let mut page = Page {
        next: listing.next.clone(),
        discovered: candidates.len(),
        ignored: listing.ignored.clone(),
        ..Page::default()
    };
    let mut transaction = pipeline.collection.begin().await?;
    let session = &mut transaction.session();
    for (index, problem) in &listing.problems {
        let Some(scope) = scopes.get(*index) else {
            continue;
        };
        let new = run!(
            session,
            "INSERT INTO rag_problems (run_id, source_id, path, error, hides) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
            run_id,
            scope.source,
            &problem.path,
            &problem.error,
            i64::from(problem.hides)
        )?;
        page.discovered += usize::try_from(new).unwrap_or(0);
        page.failed += usize::try_from(new).unwrap_or(0);
    }
    let now_ms = now_ms();
    let mut as_known = Vec::new();
    for candidate in &candidates {
        let note = Seen {
            collection: &request.collection,
            source: candidate.source,
            path: &candidate.file.path,
            stamp: Stamp {
                size: candidate.file.size,
                mtime_ns: candidate.file.mtime_ns,
            },
            run: run_id,
            now_ms,
        };
        decide(
            session,
            request,
            candidate,
            note,
            number,
            &mut page,
            &mut as_known,
        )
        .await?;
    }
    seen(session, &as_known, run_id, now_ms).await?;
    transaction.commit().await?;
    Ok(page)
}

/// Writes down what is to be done with one file.
async fn decide(
    session: &mut Session<'_>,
    request: &RunRequest,
    candidate: &Candidate,
    mut note: Seen<'_>,
    number: i64,
    page: &mut Page,
    as_known: &mut Vec<i64>,
) -> Result<(), IngestError> {
    let fingerprint = &request.fingerprint;
    let (stamp, hash) = match &candidate.read {
        Ok((stamp, hash)) => (*stamp, hash),
        Err(error) => {
            let why = error.to_string();
            refuse(session, &note, fingerprint, (error.reason(), &why)).await?;
            page.failed += 1;
            return Ok(());
        }
    };
    note.stamp = stamp;
    if let Some(document) = candidate.renamed {
        repoint(session, document, &note).await?;
        page.renamed += 1;
        return Ok(());
    }
    let known = candidate.known.as_ref();
    match known.map(|known| (known, known.judge(hash, fingerprint))) {
        Some((known, Verdict::Done)) => {
            let is_settled = known.stamp == stamp && known.file_hash == *hash;
            if !is_settled || !matches!(known.status, FileStatus::Saved | FileStatus::Renamed) {
                restamp(session, known.id, stamp).await?;
            }
            as_known.push(known.id);
            page.unchanged += 1;
        }
        Some((known, Verdict::Settled)) => {
            as_known.push(known.id);
            page.failed += 1;
        }
        Some((_, Verdict::Work)) | None => {
            let attempt = known.map_or(0, |known| known.attempt) + 1;
            let place = (note.source, note.path);
            let workflow = work_id(note.run, place, hash, fingerprint, attempt);
            let work = (number, workflow.as_str());
            queue(session, &note, hash, fingerprint, attempt, work).await?;
            page.work += 1;
        }
    }
    Ok(())
}

/// The next page of the walk, by the walker that stands there or by a new one.
async fn walk(
    pipeline: &Pipeline,
    run_id: &str,
    request: &RunRequest,
    scopes: &[Scope],
    from: &Cursor,
) -> Result<Listing, IngestError> {
    let kept = pipeline
        .walk
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let mut walker = match kept {
        Some((run, walker)) if run == run_id && walker.cursor() == from => walker,
        _ => {
            let selection = request.rules.compile().map_err(IngestError::other)?;
            Walker::new(scopes.to_vec(), from.clone()).selecting(selection)
        }
    };
    let (walker, listing) = blocking(move || {
        let listing = walker.page(PAGE);
        (walker, listing)
    })
    .await?;
    if listing.next.is_some() {
        let mut kept = pipeline.walk.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((run_id.to_owned(), walker));
    }
    Ok(listing)
}

/// The listed files with what is known of them and with their hashes; files that are gone again are left out.
async fn examined(
    pipeline: &Pipeline,
    scopes: &[Scope],
    listing: &Listing,
) -> Result<Vec<Candidate>, IngestError> {
    let mut rows: HashMap<(i64, String), Known> = HashMap::new();
    {
        let mut look = pipeline.collection.look().await?;
        let session = &mut look.session();
        for (index, scope) in scopes.iter().enumerate() {
            let paths: Vec<&str> = listing
                .files
                .iter()
                .filter(|(of, _)| *of == index)
                .map(|(_, file)| file.path.as_str())
                .collect();
            if paths.is_empty() {
                continue;
            }
            let found = known(session, scope.source, &paths).await?;
            rows.extend(
                found
                    .into_iter()
                    .map(|(path, known)| ((scope.source, path), known)),
            );
        }
    }
    let mut work = Vec::new();
    for (index, file) in &listing.files {
        let Some(scope) = scopes.get(*index) else {
            continue;
        };
        let known = rows.remove(&(scope.source, file.path.clone()));
        work.push((scope.source, file.clone(), known));
    }
    let limit = pipeline.limits.max_file_bytes;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = work.len().div_ceil(threads).max(1);
    let mut shares = Vec::new();
    while !work.is_empty() {
        let rest = work.split_off(share.min(work.len()));
        shares.push(std::mem::replace(&mut work, rest));
    }
    let read = shares.into_iter().map(|share| {
        blocking(move || {
            let read = share.into_iter().filter_map(|(source, file, known)| {
                let read = read(&file, known.as_ref(), limit)?;
                Some(Candidate {
                    source,
                    file,
                    known,
                    read,
                    renamed: None,
                })
            });
            read.collect::<Vec<_>>()
        })
    });
    let mut candidates = Vec::new();
    for share in join_all(read).await {
        candidates.extend(share?);
    }
    Ok(candidates)
}

/// The hash of a file: as it is known if size and time are the same, else of its bytes. `None` if it is gone.
fn read(
    file: &FoundFile,
    known: Option<&Known>,
    limit: u64,
) -> Option<Result<(Stamp, String), LoadError>> {
    let stamp = Stamp {
        size: file.size,
        mtime_ns: file.mtime_ns,
    };
    if let Some(hash) = known.and_then(|known| known.hash_of(stamp)) {
        return Some(Ok((stamp, hash.to_owned())));
    }
    let path = file.location();
    if file.size > limit {
        return Some(Err(LoadError::TooLarge {
            path: path.display().to_string(),
            size: file.size,
            limit,
        }));
    }
    match examine(&path) {
        Ok(read) => Some(Ok(read)),
        Err(error) => match LoadError::io(&path, &error) {
            LoadError::Io {
                kind: IoKind::NotFound,
                ..
            } => None,
            refused => Some(Err(refused)),
        },
    }
}

/// Finds the documents of files that were renamed: the same content by the same pipeline, under a path where no file
/// is any more.
async fn with_old_names(
    pipeline: &Pipeline,
    request: &RunRequest,
    candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>, IngestError> {
    let mut old = Vec::new();
    {
        let mut look = pipeline.collection.look().await?;
        let session = &mut look.session();
        for (index, candidate) in candidates.iter().enumerate() {
            let is_new = candidate
                .known
                .as_ref()
                .is_none_or(|known| known.content_hash.is_empty());
            if let (true, Ok((_, hash))) = (is_new, &candidate.read) {
                let name = &request.collection;
                let found = with_content(session, name, hash, &request.fingerprint).await?;
                if !found.is_empty() {
                    old.push((index, found));
                }
            }
        }
    }
    if old.is_empty() {
        return Ok(candidates);
    }
    blocking(move || {
        let mut candidates = candidates;
        let mut taken = BTreeSet::new();
        for (index, documents) in old {
            let gone = documents.into_iter().find(|(id, root, path)| {
                !taken.contains(id)
                    && std::fs::symlink_metadata(location_of(root, path))
                        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
            });
            if let (Some((id, _, _)), Some(candidate)) = (gone, candidates.get_mut(index)) {
                taken.insert(id);
                candidate.renamed = Some(id);
            }
        }
        candidates
    })
    .await
}
