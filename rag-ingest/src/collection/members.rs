//! The documents that lie in a file: `archive.zip!/notes.txt`.
//!
//! They come and go with their file. What decides whether they are up to date is its content, which is theirs as well.

use std::collections::HashMap;
use std::path::Path;

use super::save::{number, save_chunks};
use super::session::{Session, rows, run};
use crate::desk::Piece;
use crate::discover::text_of;
use crate::document::Document;
use crate::loader::LoadError;
use crate::status::FileStatus;

/// A file in a file, to be written.
#[derive(Debug)]
pub(crate) struct NewMember<'d> {
    /// Where it lies in the file.
    pub(crate) path: &'d str,
    pub(crate) outcome: MemberOutcome<'d>,
}

/// What a member gave.
#[derive(Debug)]
pub(crate) enum MemberOutcome<'d> {
    Read(Piece<'d>),
    Failed(&'d LoadError),
}

/// Puts the members of a file, whose row was just written, in the place of those of its old version.
///
/// `vectors` has the number of the vector of each key.
pub(crate) async fn replace_members(
    session: &mut Session<'_>,
    file: i64,
    members: &[NewMember<'_>],
    vectors: &HashMap<String, i64>,
    (run, now_ms): (&str, i64),
) -> sqlx::Result<()> {
    remove_members(session, file).await?;
    for member in members {
        let path = text_of(Path::new(member.path));
        let id = match &member.outcome {
            MemberOutcome::Read(piece) => {
                let id = insert(session, file, &path, piece.document, piece.chunks.len()).await?;
                let chunks = (piece.chunks, piece.keys);
                save_chunks(session, id, piece.document, chunks, vectors).await?;
                id
            }
            MemberOutcome::Failed(error) => insert_failed(session, file, &path, error).await?,
        };
        super::outcome::remember(session, id, run, now_ms).await?;
    }
    Ok(())
}

/// Takes away what lay in a file when it was last read.
pub(crate) async fn remove_members(session: &mut Session<'_>, file: i64) -> sqlx::Result<()> {
    // The chunks first: whether they go with their documents is up to the connection.
    run!(
        session,
        "DELETE FROM rag_chunks WHERE document_id IN (SELECT id FROM rag_documents WHERE member_of = $1)",
        file
    )?;
    run!(
        session,
        "DELETE FROM rag_documents WHERE member_of = $1",
        file
    )?;
    Ok(())
}

/// Gives the members of a file, whose row has its new name already, that name as well.
pub(super) async fn follow(session: &mut Session<'_>, file: i64, old: &str) -> sqlx::Result<()> {
    run!(
        session,
        "UPDATE rag_documents SET path = f.path || SUBSTR(rag_documents.path, LENGTH($1) + 1), source_id = f.source_id,
            seen_run = f.seen_run, seen_ms = f.seen_ms
         FROM (SELECT path, source_id, seen_run, seen_ms FROM rag_documents WHERE id = $2) f
         WHERE rag_documents.member_of = $2",
        old,
        file
    )?;
    Ok(())
}

/// A member that was read takes from its file's row what is the same for both.
async fn insert(
    session: &mut Session<'_>,
    file: i64,
    path: &str,
    document: &Document,
    chunks: usize,
) -> sqlx::Result<i64> {
    let new: Vec<(i64,)> = rows!(
        session,
        "INSERT INTO rag_documents (collection, source_id, path, member_of, content_hash, fingerprint, model, kind, title,
            encoding, pages, chunks, warnings, run_id, file_hash, size, mtime_ns, seen_run, seen_ms, status,
            tried_fingerprint, tried_run, attempt)
         SELECT collection, source_id, path || '!/' || $2, id, content_hash, fingerprint, model, $3, $4, $5, $6, $7, $8,
            run_id, file_hash, 0, mtime_ns, seen_run, seen_ms, 'saved', tried_fingerprint, tried_run, attempt
         FROM rag_documents WHERE id = $1 RETURNING id",
        file,
        path,
        document.kind.as_str(),
        &document.title,
        &document.encoding,
        number(document.pages.len()),
        number(chunks),
        serde_json::Value::from(document.warnings.clone()).to_string()
    )?;
    new.first().map(|(id,)| *id).ok_or(sqlx::Error::RowNotFound)
}

async fn insert_failed(
    session: &mut Session<'_>,
    file: i64,
    path: &str,
    error: &LoadError,
) -> sqlx::Result<i64> {
    let reason = error.reason();
    let new: Vec<(i64,)> = rows!(
        session,
        "INSERT INTO rag_documents (collection, source_id, path, member_of, file_hash, size, mtime_ns, seen_run, seen_ms,
            status, tried_fingerprint, tried_run, attempt, failures, step, reason, error)
         SELECT collection, source_id, path || '!/' || $2, id, file_hash, 0, mtime_ns, seen_run, seen_ms,
            $3, tried_fingerprint, tried_run, attempt, 1, 'load', $4, $5
         FROM rag_documents WHERE id = $1 RETURNING id",
        file,
        path,
        FileStatus::of_load_failure(reason).as_str(),
        reason,
        error.to_string()
    )?;
    new.first().map(|(id,)| *id).ok_or(sqlx::Error::RowNotFound)
}
