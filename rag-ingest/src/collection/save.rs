//! Putting a document in the place of its old version.

use std::collections::HashMap;

use super::NewDocument;
use super::session::{Session, run};
use crate::chunk::Chunk;
use crate::document::Document;

/// Rows in one statement.
const A_STATEMENT: usize = 1000;

const CHUNK: &str = "
    INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading,
        first_page, last_page, text, vector_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const CHUNKS: &str = "
    INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading,
        first_page, last_page, text, vector_id)
    SELECT $1, * FROM unnest($2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::text[],
        $7::int8[], $8::int8[], $9::text[], $10::int8[])";

/// Writes the document's row and its chunks, inside the caller's transaction; gives whether the row was still there
/// and waited for this content.
///
/// `vectors` has the number of the vector of each key.
pub(crate) async fn save(
    session: &mut Session<'_>,
    new: &NewDocument<'_>,
    vectors: &HashMap<String, i64>,
) -> sqlx::Result<bool> {
    let document = new.document;
    let touched = run!(
        session,
        "UPDATE rag_documents SET content_hash = file_hash, fingerprint = $1, model = $2, text_key = $3, kind = $4,
            title = $5, encoding = $6, pages = $7, chunks = $8, warnings = $9, run_id = $10, members = $13, status = 'saved',
            failures = 0, retry_ms = NULL, step = NULL, reason = NULL, error = NULL
         WHERE id = $11 AND file_hash = $12",
        new.fingerprint,
        new.model,
        new.text_key,
        document.kind.as_str(),
        &document.title,
        &document.encoding,
        number(document.pages.len()),
        number(new.chunks.len()),
        serde_json::Value::from(document.warnings.clone()).to_string(),
        new.run_id,
        new.id,
        new.hash,
        number(new.members)
    )?;
    if touched == 0 {
        return Ok(false);
    }
    run!(
        session,
        "DELETE FROM rag_chunks WHERE document_id = $1",
        new.id
    )?;
    save_chunks(session, new.id, document, (new.chunks, new.keys), vectors).await?;
    Ok(true)
}

/// Writes the chunks of a document that has none; each has the key of its text.
pub(super) async fn save_chunks(
    session: &mut Session<'_>,
    id: i64,
    document: &Document,
    (chunks, keys): (&[Chunk], &[String]),
    vectors: &HashMap<String, i64>,
) -> sqlx::Result<()> {
    let mut rows = Vec::with_capacity(chunks.len());
    for (chunk, key) in chunks.iter().zip(keys) {
        rows.push((chunk, *vectors.get(key).ok_or(sqlx::Error::RowNotFound)?));
    }
    if session.is_postgres() {
        for part in rows.chunks(A_STATEMENT) {
            many(session, id, document, part).await?;
        }
    } else {
        for (chunk, vector) in rows {
            one(session, id, document, chunk, vector).await?;
        }
    }
    Ok(())
}

async fn one(
    session: &mut Session<'_>,
    id: i64,
    document: &Document,
    chunk: &Chunk,
    vector: i64,
) -> sqlx::Result<()> {
    run!(
        session,
        CHUNK,
        id,
        i64::from(chunk.ordinal),
        number(chunk.start),
        number(chunk.end),
        i64::from(chunk.tokens),
        heading_json(chunk),
        chunk.pages.map(|(first, _)| i64::from(first)),
        chunk.pages.map(|(_, last)| i64::from(last)),
        chunk.text(document),
        vector
    )?;
    Ok(())
}

async fn many(
    session: &mut Session<'_>,
    id: i64,
    document: &Document,
    rows: &[(&Chunk, i64)],
) -> sqlx::Result<()> {
    fn column<T>(rows: &[(&Chunk, i64)], value: impl Fn(&Chunk) -> T) -> Vec<T> {
        rows.iter().map(|(chunk, _)| value(chunk)).collect()
    }
    let Session::Postgres(connection) = session else {
        return Ok(());
    };
    let vectors: Vec<i64> = rows.iter().map(|(_, vector)| *vector).collect();
    let texts: Vec<&str> = rows.iter().map(|(chunk, _)| chunk.text(document)).collect();
    sqlx::query(CHUNKS)
        .bind(id)
        .bind(column(rows, |chunk| i64::from(chunk.ordinal)))
        .bind(column(rows, |chunk| number(chunk.start)))
        .bind(column(rows, |chunk| number(chunk.end)))
        .bind(column(rows, |chunk| i64::from(chunk.tokens)))
        .bind(column(rows, heading_json))
        .bind(column(rows, |chunk| {
            chunk.pages.map(|(first, _)| i64::from(first))
        }))
        .bind(column(rows, |chunk| {
            chunk.pages.map(|(_, last)| i64::from(last))
        }))
        .bind(texts)
        .bind(vectors)
        .execute(&mut **connection)
        .await?;
    Ok(())
}

pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn heading_json(chunk: &Chunk) -> String {
    serde_json::Value::from(chunk.heading.clone()).to_string()
}
