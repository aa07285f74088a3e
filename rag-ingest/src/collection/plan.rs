//! What is known of files that were found, and what is to be done with them.

use std::collections::HashMap;

use super::session::{Session, list, rows, run};
use crate::discover::Stamp;
use crate::status::{FileStatus, MAX_FAILURES};

/// A file that was changed so shortly before it was looked at may have been changed again without its time telling.
const SETTLED_NS: i64 = 2_000_000_000;

/// What the document table knows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) content_hash: String,
    pub(crate) fingerprint: String,
    pub(crate) file_hash: String,
    pub(crate) stamp: Stamp,
    pub(crate) seen_ms: i64,
    pub(crate) status: FileStatus,
    pub(crate) tried_fingerprint: String,
    pub(crate) failures: i64,
    pub(crate) attempt: i64,
    pub(crate) reason: String,
    /// All its chunks are there, and its members with theirs.
    pub(crate) is_whole: bool,
}

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: it is in the collection as it is.
    Done,
    /// Nothing: it would fail again.
    Settled,
    /// It is ingested.
    Work,
}

impl Known {
    /// The hash of the file's bytes, if a look at size and time is enough to know it.
    pub(crate) fn hash_of(&self, stamp: Stamp) -> Option<&str> {
        let is_old = self.seen_ms.saturating_mul(1_000_000) - stamp.mtime_ns > SETTLED_NS;
        (self.stamp == stamp && is_old && !self.file_hash.is_empty()).then_some(&self.file_hash)
    }

    /// Decides by the document table alone.
    pub(crate) fn judge(&self, hash: &str, fingerprint: &str) -> Verdict {
        if self.content_hash == hash && self.fingerprint == fingerprint && self.is_whole {
            return Verdict::Done;
        }
        let is_same = self.file_hash == hash && self.tried_fingerprint == fingerprint;
        let is_settled = self.status.is_settled(&self.reason)
            || (self.status == FileStatus::Failed && self.failures >= MAX_FAILURES);
        if is_same && is_settled {
            Verdict::Settled
        } else {
            Verdict::Work
        }
    }
}

/// What is known of some files of a source, by their paths.
pub(crate) async fn known(
    session: &mut Session<'_>,
    source: i64,
    paths: &[&str],
) -> sqlx::Result<HashMap<String, Known>> {
    type Row = (
        i64,
        String,
        String,
        String,
        String,
        i64,
        i64,
        i64,
        String,
        String,
        i64,
        i64,
        String,
        i64,
    );
    let found: Vec<Row> = rows!(
        session,
        "SELECT d.id, d.path, d.content_hash, d.fingerprint, d.file_hash, d.size, d.mtime_ns, d.seen_ms, d.status,
            d.tried_fingerprint, d.failures, d.attempt, COALESCE(d.reason, ''),
            ABS(d.chunks - (SELECT COUNT(*) FROM rag_chunks c WHERE c.document_id = d.id))
            + ABS(d.members - (SELECT COUNT(*) FROM rag_documents m WHERE m.member_of = d.id AND m.chunks =
                (SELECT COUNT(*) FROM rag_chunks c WHERE c.document_id = m.id)))
         FROM rag_documents d WHERE d.source_id = $1 AND d.member_of IS NULL AND d.path IN {list:$2}",
        source,
        list(paths)
    )?;
    let known = found.into_iter().map(|row| {
        let known = Known {
            id: row.0,
            content_hash: row.2,
            fingerprint: row.3,
            file_hash: row.4,
            stamp: Stamp {
                size: u64::try_from(row.5).unwrap_or(0),
                mtime_ns: row.6,
            },
            seen_ms: row.7,
            status: FileStatus::named(&row.8).unwrap_or(FileStatus::Failed),
            tried_fingerprint: row.9,
            failures: row.10,
            attempt: row.11,
            reason: row.12,
            is_whole: row.13 == 0,
        };
        (row.1, known)
    });
    Ok(known.collect())
}

/// Files that were made documents of the same bytes by the same pipeline, with all that lies in them: number, folder of the source, and path.
pub(crate) async fn with_content(
    session: &mut Session<'_>,
    collection: &str,
    hash: &str,
    fingerprint: &str,
) -> sqlx::Result<Vec<(i64, String, String)>> {
    rows!(
        session,
        "SELECT d.id, s.location, d.path FROM rag_documents d JOIN rag_sources s ON s.id = d.source_id
         WHERE d.collection = $1 AND d.content_hash = $2 AND d.fingerprint = $3 AND d.member_of IS NULL AND NOT EXISTS
            (SELECT 1 FROM rag_documents m WHERE m.member_of = d.id AND m.content_hash = '')
         ORDER BY d.id",
        collection,
        hash,
        fingerprint
    )
}

/// A file of a page, with what is to be remembered of it.
#[derive(Debug, Clone)]
pub(crate) struct Seen<'s> {
    pub(crate) collection: &'s str,
    pub(crate) source: i64,
    pub(crate) path: &'s str,
    pub(crate) stamp: Stamp,
    pub(crate) run: &'s str,
    pub(crate) now_ms: i64,
}

fn size_of(stamp: Stamp) -> i64 {
    i64::try_from(stamp.size).unwrap_or(i64::MAX)
}

/// Queues a file: the row is what a page of the run takes its files from.
pub(crate) async fn queue(
    session: &mut Session<'_>,
    seen: &Seen<'_>,
    hash: &str,
    fingerprint: &str,
    attempt: i64,
    (page, workflow_id): (i64, &str),
) -> sqlx::Result<()> {
    run!(
        session,
        "INSERT INTO rag_documents (collection, source_id, path, file_hash, size, mtime_ns, seen_run, seen_ms, status,
            tried_fingerprint, tried_run, attempt, page, workflow_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $7, $10, $11, $12)
         ON CONFLICT (source_id, path) WHERE member_of IS NULL DO UPDATE SET
            failures = CASE WHEN rag_documents.file_hash = excluded.file_hash
                AND rag_documents.tried_fingerprint = excluded.tried_fingerprint
                THEN rag_documents.failures ELSE 0 END,
            file_hash = excluded.file_hash, size = excluded.size, mtime_ns = excluded.mtime_ns,
            seen_run = excluded.seen_run, seen_ms = excluded.seen_ms, status = excluded.status,
            tried_fingerprint = excluded.tried_fingerprint, tried_run = excluded.tried_run,
            attempt = excluded.attempt, page = excluded.page, workflow_id = excluded.workflow_id",
        seen.collection,
        seen.source,
        seen.path,
        hash,
        size_of(seen.stamp),
        seen.stamp.mtime_ns,
        seen.run,
        seen.now_ms,
        fingerprint,
        attempt,
        page,
        workflow_id
    )?;
    Ok(())
}

/// Remembers a file that cannot be read, or is too large, so that it is listed and tried again.
pub(crate) async fn refuse(
    session: &mut Session<'_>,
    seen: &Seen<'_>,
    fingerprint: &str,
    (reason, error): (&str, &str),
) -> sqlx::Result<()> {
    run!(
        session,
        "INSERT INTO rag_documents (collection, source_id, path, size, mtime_ns, seen_run, seen_ms, status,
            tried_fingerprint, tried_run, step, reason, error, failures)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'failed', $8, $6, 'discover', $9, $10, 1)
         ON CONFLICT (source_id, path) WHERE member_of IS NULL DO UPDATE SET
            file_hash = '', size = excluded.size, mtime_ns = excluded.mtime_ns, seen_run = excluded.seen_run,
            seen_ms = excluded.seen_ms, status = excluded.status, tried_run = excluded.tried_run,
            workflow_id = NULL, step = excluded.step, reason = excluded.reason, error = excluded.error,
            failures = rag_documents.failures + 1",
        seen.collection,
        seen.source,
        seen.path,
        size_of(seen.stamp),
        seen.stamp.mtime_ns,
        seen.run,
        seen.now_ms,
        fingerprint,
        reason,
        error
    )?;
    Ok(())
}

/// Notes that files, and what lies in them, were seen as they are known.
pub(crate) async fn seen(
    session: &mut Session<'_>,
    ids: &[i64],
    run: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    // The numbers are a parameter: each other text would be another statement that every connection keeps.
    let ids = serde_json::Value::from(ids.to_vec()).to_string();
    for column in ["id", "member_of"] {
        let sql = format!(
            "UPDATE rag_documents SET seen_run = $1, seen_ms = $2 WHERE {column} IN {{numbers:$3}}"
        );
        run!(session, &sql, run, now_ms, &ids)?;
    }
    Ok(())
}

/// Notes size and time of a file whose bytes were found to be those that are in the collection.
pub(crate) async fn restamp(session: &mut Session<'_>, id: i64, stamp: Stamp) -> sqlx::Result<()> {
    run!(
        session,
        "UPDATE rag_documents SET size = $1, mtime_ns = $2, file_hash = content_hash, error = NULL, step = NULL,
            reason = NULL, failures = 0, status = CASE WHEN status = 'renamed' THEN status ELSE 'saved' END
         WHERE id = $3",
        size_of(stamp),
        stamp.mtime_ns,
        id
    )?;
    Ok(())
}

/// Gives a document its file's new name. What stood under that name, and had nothing to be found, gives way.
pub(crate) async fn repoint(
    session: &mut Session<'_>,
    id: i64,
    seen: &Seen<'_>,
) -> sqlx::Result<()> {
    let old: Vec<(String,)> = rows!(session, "SELECT path FROM rag_documents WHERE id = $1", id)?;
    run!(
        session,
        "DELETE FROM rag_documents WHERE source_id = $1 AND path = $2 AND member_of IS NULL AND id <> $3",
        seen.source,
        seen.path,
        id
    )?;
    run!(
        session,
        "UPDATE rag_documents SET source_id = $1, path = $2, size = $3, mtime_ns = $4, seen_run = $5, seen_ms = $6,
            status = 'renamed', tried_run = $5, file_hash = content_hash, failures = 0, error = NULL, step = NULL,
            reason = NULL
         WHERE id = $7",
        seen.source,
        seen.path,
        size_of(seen.stamp),
        seen.stamp.mtime_ns,
        seen.run,
        seen.now_ms,
        id
    )?;
    if let Some((old,)) = old.first() {
        super::members::follow(session, id, old).await?;
    }
    super::outcome::remember(session, id, seen.run, seen.now_ms).await
}

/// A queued file: number, folder of the source, path, hash, size, time, attempt, workflow.
pub(crate) type Queued = (i64, String, String, String, i64, i64, i64, String);

/// The files that a page of a run has to ingest.
pub(crate) async fn queued(
    session: &mut Session<'_>,
    run: &str,
    page: i64,
) -> sqlx::Result<Vec<Queued>> {
    rows!(
        session,
        "SELECT d.id, s.location, d.path, d.file_hash, d.size, d.mtime_ns, d.attempt, d.workflow_id
         FROM rag_documents d JOIN rag_sources s ON s.id = d.source_id
         WHERE d.tried_run = $1 AND d.page = $2 AND d.status = 'queued' AND d.workflow_id IS NOT NULL
         ORDER BY d.path, d.id",
        run,
        page
    )
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, SqliteConnection};

    use super::{Known, Session, Verdict, known, queued, seen};
    use crate::collection::Collection;
    use crate::discover::Stamp;
    use crate::status::{FileStatus, MAX_FAILURES};

    const STAMP: Stamp = Stamp {
        size: 3,
        mtime_ns: 5_000_000_000,
    };

    fn saved() -> Known {
        Known {
            id: 1,
            content_hash: "h".to_owned(),
            fingerprint: "f".to_owned(),
            file_hash: "h".to_owned(),
            stamp: STAMP,
            seen_ms: 60_000,
            status: FileStatus::Saved,
            tried_fingerprint: "f".to_owned(),
            failures: 0,
            attempt: 1,
            reason: String::new(),
            is_whole: true,
        }
    }

    #[test]
    fn the_same_content_by_the_same_pipeline_is_done() {
        assert_eq!(saved().judge("h", "f"), Verdict::Done);
    }

    #[test]
    fn other_content_another_pipeline_or_lost_chunks_are_work() {
        assert_eq!(saved().judge("i", "f"), Verdict::Work);
        assert_eq!(saved().judge("h", "g"), Verdict::Work);
        let robbed = Known {
            is_whole: false,
            ..saved()
        };
        assert_eq!(robbed.judge("h", "f"), Verdict::Work);
    }

    #[test]
    fn what_the_bytes_decided_is_tried_again_only_with_other_bytes_or_another_pipeline() {
        let encrypted = Known {
            content_hash: String::new(),
            status: FileStatus::Encrypted,
            ..saved()
        };
        assert_eq!(encrypted.judge("h", "f"), Verdict::Settled);
        assert_eq!(encrypted.judge("i", "f"), Verdict::Work);
        assert_eq!(encrypted.judge("h", "g"), Verdict::Work);
    }

    #[test]
    fn what_the_world_decided_is_tried_again_a_bounded_number_of_times() {
        let failed = |failures| Known {
            content_hash: String::new(),
            status: FileStatus::Failed,
            reason: "embed".to_owned(),
            failures,
            ..saved()
        };
        assert_eq!(failed(MAX_FAILURES - 1).judge("h", "f"), Verdict::Work);
        assert_eq!(failed(MAX_FAILURES).judge("h", "f"), Verdict::Settled);
    }

    #[test]
    fn size_and_time_tell_the_hash_unless_the_file_was_fresh() {
        assert_eq!(saved().hash_of(STAMP), Some("h"));
        assert_eq!(saved().hash_of(Stamp { size: 4, ..STAMP }), None);
        let fresh = Known {
            seen_ms: 5_500,
            ..saved()
        };
        assert_eq!(fresh.hash_of(STAMP), None);
    }

    /// Memory would grow with the files otherwise: a connection keeps each statement that it has seen.
    #[tokio::test]
    async fn whatever_number_of_files_is_seen_it_is_the_same_statement() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rag.db").display());
        Collection::open(&url).await.unwrap().close().await;
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let mut kept = Vec::new();
        for page in 0..3 {
            let ids: Vec<i64> = (page * 500..(page + 1) * 500).collect();
            let session = &mut Session::Sqlite(&mut connection);
            seen(session, &ids, "run", page).await.unwrap();
            known(session, page, &["a", "b"]).await.unwrap();
            queued(session, "run", page).await.unwrap();
            kept.push(connection.cached_statements_size());
        }
        assert_eq!(kept, [kept[0]; 3]);
    }
}
