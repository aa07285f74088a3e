//! Putting a document in the place of its old version.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::NewDocument;
use super::session::{Session, run};
use crate::chunk::Chunk;
use crate::document::Document;

/// Rows in one statement. On SQLite they are one text, of which the database makes another before it takes it apart.
const A_STATEMENT: usize = 1000;
const A_STATEMENT_SQLITE: usize = 128;

/// A JSON array of arrays holds the rows.
const CHUNKS_SQLITE: &str = "
    INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading,
        first_page, last_page, text, vector_id, start_char, end_char, file_start, file_end)
    SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
    FROM json_each($2) ORDER BY key";

const CHUNKS_POSTGRES: &str = "
    INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading,
        first_page, last_page, text, vector_id, start_char, end_char, file_start, file_end)
    SELECT $1, * FROM unnest($2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::text[],
        $7::int8[], $8::int8[], $9::text[], $10::int8[], $11::int8[], $12::int8[], $13::int8[], $14::int8[])";

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
    let mut places = Places::of(document);
    for (chunk, key) in chunks.iter().zip(keys) {
        let vector = *vectors.get(key).ok_or(sqlx::Error::RowNotFound)?;
        rows.push((chunk, vector, places.next(chunk)));
    }
    let together = match session {
        Session::Sqlite(_) => A_STATEMENT_SQLITE,
        Session::Postgres(_) => A_STATEMENT,
    };
    for part in rows.chunks(together) {
        match session {
            Session::Sqlite(_) => {
                let rows = part.iter().map(|row| json_of(row, document));
                let rows = serde_json::Value::from_iter(rows).to_string();
                run!(session, CHUNKS_SQLITE, id, rows)?;
            }
            Session::Postgres(connection) => many(connection, id, document, part).await?,
        }
    }
    Ok(())
}

/// A chunk, the number of its vector, and its place.
type Row<'c> = (&'c Chunk, i64, Place);

/// Where a chunk stands, beside its bytes in the normalised text.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// First character in the normalised text, and one past the last.
    characters: (usize, usize),
    /// First byte in the file, and one past the last, if that is known.
    file: Option<(usize, usize)>,
}

/// Counts the characters of a document's chunks, which are in order.
struct Places<'d> {
    document: &'d Document,
    /// A byte of the text, and how many characters stand before it.
    at: (usize, usize),
}

impl<'d> Places<'d> {
    fn of(document: &'d Document) -> Self {
        Self {
            document,
            at: (0, 0),
        }
    }

    fn next(&mut self, chunk: &Chunk) -> Place {
        let count = |from: usize, to: usize| {
            let part = self.document.text.get(from..to);
            part.unwrap_or_default().chars().count()
        };
        let (byte, before) = if self.at.0 <= chunk.start {
            self.at
        } else {
            (0, 0)
        };
        let first = before + count(byte, chunk.start);
        let last = first + count(chunk.start, chunk.end);
        self.at = (chunk.start, first);
        let map = self.document.source.as_ref();
        Place {
            characters: (first, last),
            file: map.and_then(|map| map.range(chunk.start, chunk.end)),
        }
    }
}

/// A row in the order of [`CHUNKS_SQLITE`].
fn json_of((chunk, vector, place): &Row<'_>, document: &Document) -> serde_json::Value {
    serde_json::json!([
        chunk.ordinal,
        chunk.start,
        chunk.end,
        chunk.tokens,
        heading_json(chunk),
        chunk.pages.map(|(first, _)| first),
        chunk.pages.map(|(_, last)| last),
        chunk.text(document),
        vector,
        place.characters.0,
        place.characters.1,
        place.file.map(|(start, _)| start),
        place.file.map(|(_, end)| end)
    ])
}

async fn many(
    connection: &mut PgConnection,
    id: i64,
    document: &Document,
    rows: &[Row<'_>],
) -> sqlx::Result<()> {
    fn column<T>(rows: &[Row<'_>], value: impl Fn(&Chunk) -> T) -> Vec<T> {
        rows.iter().map(|(chunk, ..)| value(chunk)).collect()
    }
    fn place<T>(rows: &[Row<'_>], value: impl Fn(&Place) -> T) -> Vec<T> {
        rows.iter().map(|(.., place)| value(place)).collect()
    }
    let vectors: Vec<i64> = rows.iter().map(|(_, vector, _)| *vector).collect();
    let texts: Vec<&str> = rows
        .iter()
        .map(|(chunk, ..)| chunk.text(document))
        .collect();
    sqlx::query(CHUNKS_POSTGRES)
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
        .bind(place(rows, |place| number(place.characters.0)))
        .bind(place(rows, |place| number(place.characters.1)))
        .bind(place(rows, |place| {
            place.file.map(|(start, _)| number(start))
        }))
        .bind(place(rows, |place| place.file.map(|(_, end)| number(end))))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn heading_json(chunk: &Chunk) -> String {
    serde_json::Value::from(chunk.heading.clone()).to_string()
}
