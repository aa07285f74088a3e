//! A collection in a SQLite file: vectors as blobs, words in an FTS5 index over the chunks.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{SqliteConnection, raw_sql};

use super::{CollectionError, NewDocument, SCHEMA_VERSION, bytes_of, heading_json};

const SCHEMA: &str = include_str!("schema_sqlite.sql");

pub(super) const KNOWN: &str =
    "SELECT root, path, content_hash, fingerprint FROM rag_documents WHERE collection = ?1";

pub(super) const MODELS: &str = "SELECT model, COUNT(*) FROM rag_documents WHERE collection = ?1 GROUP BY model ORDER BY 2 DESC";

pub(super) const VECTORS: &str = "
    SELECT c.id, c.vector FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id
    WHERE d.collection = ?1 AND d.model = ?2 ORDER BY c.id";

/// A match in a heading counts double.
pub(super) const WORDS: &str = "
    SELECT c.id FROM rag_words
    JOIN rag_chunks c ON c.id = rag_words.rowid
    JOIN rag_documents d ON d.id = c.document_id
    WHERE rag_words MATCH ?1 AND d.collection = ?2
    ORDER BY bm25(rag_words, 2.0, 1.0), c.id LIMIT ?3";

pub(super) const PASSAGE: &str = "
    SELECT c.id, d.root, d.path, c.text, c.start_byte, c.end_byte, c.heading, c.first_page
    FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id WHERE c.id = ?1";

const DOCUMENT: &str = "
    INSERT INTO rag_documents (collection, root, path, content_hash, fingerprint, model, kind,
        title, encoding, size, mtime_ms, pages, chunks, warnings, run_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
    ON CONFLICT (collection, root, path) DO UPDATE
    SET content_hash = excluded.content_hash, fingerprint = excluded.fingerprint,
        model = excluded.model, kind = excluded.kind, title = excluded.title,
        encoding = excluded.encoding, size = excluded.size, mtime_ms = excluded.mtime_ms,
        pages = excluded.pages, chunks = excluded.chunks, warnings = excluded.warnings,
        run_id = excluded.run_id
    RETURNING id";

const CHUNK: &str = "
    INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading,
        first_page, last_page, text, vector)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(super) async fn open(url: &str, create: bool) -> Result<SqlitePool, CollectionError> {
    let failed = || CollectionError::statement("open the database");
    let options = SqliteConnectOptions::from_str(url)
        .map_err(failed())?
        .create_if_missing(create)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(30));
    if !create && !options.get_filename().exists() {
        return Err(CollectionError::Missing {
            path: options.get_filename().display().to_string(),
        });
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await;
    let pool = pool.map_err(failed())?;
    migrate(&pool).await?;
    Ok(pool)
}

async fn migrate(pool: &SqlitePool) -> Result<(), CollectionError> {
    let failed = || CollectionError::statement("make the tables of the collection");
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'rag_schema')")
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed())?;
    if !exists {
        raw_sql(SCHEMA)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        return transaction.commit().await.map_err(failed());
    }
    let found: i64 = sqlx::query_scalar("SELECT version FROM rag_schema")
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed())?;
    if found > SCHEMA_VERSION {
        return Err(CollectionError::Newer {
            found,
            known: SCHEMA_VERSION,
        });
    }
    Ok(())
}

/// An FTS5 query for chunks with any of the words; each is a string there, so nothing in it is syntax.
pub(super) fn any_of(words: &[String]) -> String {
    let quoted: Vec<_> = words
        .iter()
        .map(|word| format!("\"{}\"", word.replace('"', "")))
        .collect();
    quoted.join(" OR ")
}

/// The chunks first: whether they go with their documents is up to the connection.
const MEMBERS: [&str; 2] = [
    "DELETE FROM rag_chunks WHERE document_id IN (
        SELECT id FROM rag_documents WHERE collection = ?1 AND root = ?2 AND substr(path, 1, length(?3)) = ?3)",
    "DELETE FROM rag_documents WHERE collection = ?1 AND root = ?2 AND substr(path, 1, length(?3)) = ?3",
];

pub(super) async fn remove_members(
    connection: &mut SqliteConnection,
    collection: &str,
    root: &str,
    prefix: &str,
) -> sqlx::Result<()> {
    for statement in MEMBERS {
        sqlx::query(statement)
            .bind(collection)
            .bind(root)
            .bind(prefix)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn save(
    connection: &mut SqliteConnection,
    new: NewDocument<'_>,
) -> sqlx::Result<()> {
    let (file, document) = (new.file, new.document);
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let id: i64 = sqlx::query_scalar(DOCUMENT)
        .bind(new.collection)
        .bind(&file.root)
        .bind(&file.path)
        .bind(&file.hash)
        .bind(new.fingerprint)
        .bind(new.model)
        .bind(document.kind.as_str())
        .bind(&document.title)
        .bind(&document.encoding)
        .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
        .bind(file.mtime_ms)
        .bind(number(document.pages.len()))
        .bind(number(new.chunks.len()))
        .bind(serde_json::Value::from(document.warnings.clone()).to_string())
        .bind(new.run_id)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM rag_chunks WHERE document_id = ?1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    for (chunk, vector) in new.chunks.iter().zip(new.vectors) {
        sqlx::query(CHUNK)
            .bind(id)
            .bind(i64::from(chunk.ordinal))
            .bind(number(chunk.start))
            .bind(number(chunk.end))
            .bind(i64::from(chunk.tokens))
            .bind(heading_json(chunk))
            .bind(chunk.pages.map(|(first, _)| i64::from(first)))
            .bind(chunk.pages.map(|(_, last)| i64::from(last)))
            .bind(chunk.text(document))
            .bind(bytes_of(vector))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
