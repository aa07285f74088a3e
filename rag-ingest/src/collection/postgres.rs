//! A collection in a PostgreSQL database: vectors as bytes, words in a `tsvector` index over the chunks.

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection, raw_sql};

use super::{CollectionError, NewDocument, SCHEMA_VERSION, bytes_of, heading_json};

const SCHEMA: &str = include_str!("schema_postgres.sql");

/// Taken while the tables are made, so that two processes do not make them at once. Any number that is ours alone.
const SCHEMA_LOCK: i64 = 0x7261_675f_736c;

/// Rows in one statement.
const CHUNKS_A_STATEMENT: usize = 1000;

pub(super) const KNOWN: &str =
    "SELECT root, path, content_hash, fingerprint FROM rag_documents WHERE collection = $1";

pub(super) const MODELS: &str = "SELECT model, COUNT(*) FROM rag_documents WHERE collection = $1 GROUP BY model ORDER BY 2 DESC";

pub(super) const VECTORS: &str = "
    SELECT c.id, c.vector FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id
    WHERE d.collection = $1 AND d.model = $2 ORDER BY c.id";

pub(super) const WORDS: &str = "
    SELECT c.id FROM rag_chunks c
    JOIN rag_documents d ON d.id = c.document_id, websearch_to_tsquery('english', $1) query
    WHERE c.words @@ query AND d.collection = $2
    ORDER BY ts_rank_cd(c.words, query, 1) DESC, c.id LIMIT $3";

pub(super) const PASSAGE: &str = "
    SELECT c.id, d.root, d.path, c.text, c.start_byte, c.end_byte, c.heading, c.first_page
    FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id WHERE c.id = $1";

const DOCUMENT: &str = "
    INSERT INTO rag_documents (collection, root, path, content_hash, fingerprint, model, kind,
        title, encoding, size, mtime_ms, pages, chunks, warnings, run_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT (collection, root, path) DO UPDATE
    SET content_hash = excluded.content_hash, fingerprint = excluded.fingerprint,
        model = excluded.model, kind = excluded.kind, title = excluded.title,
        encoding = excluded.encoding, size = excluded.size, mtime_ms = excluded.mtime_ms,
        pages = excluded.pages, chunks = excluded.chunks, warnings = excluded.warnings,
        run_id = excluded.run_id
    RETURNING id";

const CHUNKS: &str = "
    INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading,
        first_page, last_page, text, vector)
    SELECT $1, * FROM unnest($2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::text[],
        $7::int4[], $8::int4[], $9::text[], $10::bytea[])";

pub(super) async fn open(url: &str) -> Result<PgPool, CollectionError> {
    let failed = || CollectionError::statement("open the database");
    // A pool would keep trying; who starts a program wants to know at once that there is no server.
    let first = PgConnection::connect(url).await.map_err(failed())?;
    first.close().await.map_err(failed())?;
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .connect(url)
        .await
        .map_err(failed())?;
    migrate(&pool).await?;
    Ok(pool)
}

async fn migrate(pool: &PgPool) -> Result<(), CollectionError> {
    let failed = || CollectionError::statement("make the tables of the collection");
    let mut transaction = pool.begin().await.map_err(failed())?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(SCHEMA_LOCK)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('rag_schema') IS NOT NULL")
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

/// A web-search query for chunks with any of the words.
pub(super) fn any_of(words: &[String]) -> String {
    let quoted: Vec<_> = words
        .iter()
        .map(|word| format!("\"{}\"", word.replace('"', "")))
        .collect();
    quoted.join(" or ")
}

/// The chunks first: whether they go with their documents is up to the connection.
const MEMBERS: [&str; 2] = [
    "DELETE FROM rag_chunks WHERE document_id IN (
        SELECT id FROM rag_documents WHERE collection = $1 AND root = $2 AND starts_with(path, $3))",
    "DELETE FROM rag_documents WHERE collection = $1 AND root = $2 AND starts_with(path, $3)",
];

pub(super) async fn remove_members(
    connection: &mut PgConnection,
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

pub(super) async fn save(connection: &mut PgConnection, new: NewDocument<'_>) -> sqlx::Result<()> {
    let (file, document) = (new.file, new.document);
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let page = |page: u32| i32::try_from(page).unwrap_or(i32::MAX);
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
    sqlx::query("DELETE FROM rag_chunks WHERE document_id = $1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    let vectors = new.vectors.chunks(CHUNKS_A_STATEMENT);
    for (chunks, vectors) in new.chunks.chunks(CHUNKS_A_STATEMENT).zip(vectors) {
        sqlx::query(CHUNKS)
            .bind(id)
            .bind(
                chunks
                    .iter()
                    .map(|chunk| i64::from(chunk.ordinal))
                    .collect::<Vec<_>>(),
            )
            .bind(
                chunks
                    .iter()
                    .map(|chunk| number(chunk.start))
                    .collect::<Vec<_>>(),
            )
            .bind(
                chunks
                    .iter()
                    .map(|chunk| number(chunk.end))
                    .collect::<Vec<_>>(),
            )
            .bind(
                chunks
                    .iter()
                    .map(|chunk| i64::from(chunk.tokens))
                    .collect::<Vec<_>>(),
            )
            .bind(chunks.iter().map(heading_json).collect::<Vec<_>>())
            .bind(
                chunks
                    .iter()
                    .map(|it| it.pages.map(|(first, _)| page(first)))
                    .collect::<Vec<_>>(),
            )
            .bind(
                chunks
                    .iter()
                    .map(|it| it.pages.map(|(_, last)| page(last)))
                    .collect::<Vec<_>>(),
            )
            .bind(
                chunks
                    .iter()
                    .map(|chunk| chunk.text(document))
                    .collect::<Vec<_>>(),
            )
            .bind(
                vectors
                    .iter()
                    .map(|vector| bytes_of(vector))
                    .collect::<Vec<_>>(),
            )
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
