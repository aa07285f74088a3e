//! What came of the work on a document, and of the documents whose files are gone.

use super::session::{Session, rows, run};
use crate::status::FileStatus;

/// The first wait before a failed file is tried again by `retry`; it doubles with each failure.
const FIRST_RETRY_MS: i64 = 30_000;
const LAST_RETRY_MS: i64 = 3_600_000;

/// Why a file was not saved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// Where it failed: `load`, `chunk`, `embed` or `save`.
    pub step: String,
    /// The state of its document from now on.
    pub status: FileStatus,
    /// A word for the reason.
    pub reason: String,
    /// Why, and what to do about it.
    pub error: String,
}

/// Notes that a version of a document was not saved.
pub(crate) async fn fail(
    session: &mut Session<'_>,
    document: i64,
    hash: &str,
    failure: &Failure,
    (run, now_ms): (&str, i64),
) -> sqlx::Result<()> {
    let counted: Vec<(i64,)> = rows!(
        session,
        "SELECT failures FROM rag_documents WHERE id = $1",
        document
    )?;
    let Some((failures,)) = counted.first() else {
        return Ok(());
    };
    let doublings = u32::try_from((*failures).clamp(0, 20)).unwrap_or(0);
    let wait = (FIRST_RETRY_MS << doublings).min(LAST_RETRY_MS);
    // What never had a version that can be found is gone with its file; the rest goes with a complete listing.
    run!(
        session,
        "UPDATE rag_documents SET
            status = CASE WHEN $1 = 'vanished' AND content_hash <> '' THEN 'superseded' ELSE $1 END,
            step = $2, reason = $3, error = $4, failures = failures + 1, retry_ms = $5
         WHERE id = $6 AND file_hash = $7",
        failure.status.as_str(),
        &failure.step,
        &failure.reason,
        &failure.error,
        now_ms + wait,
        document,
        hash
    )?;
    remember(session, document, run, now_ms).await
}

/// Adds the state of a document to its history.
pub(crate) async fn remember(
    session: &mut Session<'_>,
    document: i64,
    run: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    run!(
        session,
        "INSERT INTO rag_history (collection, document_id, path, content_hash, fingerprint, attempt, status, reason,
            chunks, run_id, at_ms)
         SELECT collection, id, path, file_hash, tried_fingerprint, attempt, status, reason, chunks, $2, $3
         FROM rag_documents WHERE id = $1",
        document,
        run,
        now_ms
    )?;
    Ok(())
}

/// The files of a source that nobody has seen since the run began, by number and path.
pub(crate) async fn unseen(
    session: &mut Session<'_>,
    source: i64,
    since_ms: i64,
) -> sqlx::Result<Vec<(i64, String)>> {
    rows!(
        session,
        "SELECT id, path FROM rag_documents
         WHERE source_id = $1 AND member_of IS NULL AND seen_ms < $2 AND status <> 'vanished' ORDER BY path",
        source,
        since_ms
    )
}

/// How many files a part of a source has, those that are gone already left out.
pub(crate) async fn living(
    session: &mut Session<'_>,
    source: i64,
    part: &str,
) -> sqlx::Result<i64> {
    let counted: Vec<(i64,)> = rows!(
        session,
        "SELECT COUNT(*) FROM rag_documents WHERE source_id = $1 AND member_of IS NULL AND status <> 'vanished'
            AND ($2 = '' OR path = $2 OR SUBSTR(path, 1, LENGTH($2) + 1) = $2 || '/')",
        source,
        part
    )?;
    Ok(counted.first().map_or(0, |(count,)| *count))
}

/// Makes a document that cannot be found any more: its chunks and members go, the row stays and says so until it is pruned.
pub(crate) async fn bury(
    session: &mut Session<'_>,
    document: i64,
    run: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    super::remove_members(session, document).await?;
    run!(
        session,
        "DELETE FROM rag_chunks WHERE document_id = $1",
        document
    )?;
    run!(
        session,
        "UPDATE rag_documents SET status = 'vanished', content_hash = '', fingerprint = '', text_key = NULL, chunks = 0, members = 0,
            tried_run = $2, error = NULL, step = NULL, reason = NULL
         WHERE id = $1",
        document,
        run
    )?;
    remember(session, document, run, now_ms).await
}
