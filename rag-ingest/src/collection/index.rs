//! What searching needs beside the tables: a number that tells SQLite's readers of changes, and on PostgreSQL the
//! vectors in a form that the extension `vector` (pgvector) can index.
//!
//! These tables have a version of their own, since they can be made only where the extension is. A database without
//! it, or a role that may not create it, is searched exactly, by this program; when the extension is there later, the
//! next one that opens the database takes the vectors over.

use serde::Serialize;

use super::session::{Session, rows, run};
use super::{Collection, CollectionError, vector_of};

const SQLITE: [&str; 1] = [include_str!("search/1.sqlite.sql")];
const POSTGRES: [&str; 1] = [include_str!("search/1.postgres.sql")];

/// From this many vectors on a model gets an index. Comparing fewer takes some milliseconds, and filling a table is
/// faster before it has an index than after.
pub(crate) const INDEX_FROM: i64 = 10_000;
/// Vectors that are taken over at once.
const PAGE: i64 = 1000;
/// The longest vectors that an index takes as they are, and as half floats.
const LONGEST: i64 = 2000;
const LONGEST_HALF: i64 = 4000;
/// Taken while an index is made. Any number that is ours alone.
const LOCK: i64 = 0x7261_675f_6978;

/// How the vectors of a collection are compared with a question's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum VectorIndex {
    /// This program compares all of them.
    Scan {
        /// Why there is no index.
        why: String,
    },
    /// PostgreSQL compares all of them, by the extension `vector`.
    Exact {
        /// Why there is no index.
        why: String,
    },
    /// PostgreSQL walks over a graph of neighbours, an HNSW index.
    Hnsw {
        /// The version of the extension `vector`.
        version: String,
    },
}

impl std::fmt::Display for VectorIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scan { why } => write!(f, "compared one by one by this program ({why})"),
            Self::Exact { why } => write!(f, "compared one by one by PostgreSQL ({why})"),
            Self::Hnsw { version } => write!(f, "found by an HNSW index (pgvector {version})"),
        }
    }
}

/// Makes what is missing, inside the transaction that has brought the tables to this version.
pub(super) async fn prepare(session: &mut Session<'_>) -> sqlx::Result<()> {
    if session.is_postgres() {
        if has_embeddings(session).await? || !has_extension(session).await? {
            return Ok(());
        }
        // Nobody adds a vector until the table is there: who is waiting finds it after that.
        run!(
            session,
            "LOCK TABLE rag_vectors IN SHARE ROW EXCLUSIVE MODE"
        )?;
        for sql in POSTGRES {
            make(session, sql).await?;
        }
        return take_over(session).await;
    }
    let made: Vec<(i64,)> = rows!(
        session,
        "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'rag_generation'"
    )?;
    if made.first().is_none_or(|(count,)| *count == 0) {
        for sql in SQLITE {
            make(session, sql).await?;
        }
    }
    Ok(())
}

async fn make(session: &mut Session<'_>, sql: &'static str) -> sqlx::Result<()> {
    match session {
        Session::Sqlite(connection) => sqlx::raw_sql(sql)
            .execute(&mut **connection)
            .await
            .map(drop),
        Session::Postgres(connection) => sqlx::raw_sql(sql)
            .execute(&mut **connection)
            .await
            .map(drop),
    }
}

/// Whether there are vectors for the extension to search in.
pub(super) async fn has_embeddings(session: &mut Session<'_>) -> sqlx::Result<bool> {
    if !session.is_postgres() {
        return Ok(false);
    }
    let found: Vec<(bool,)> = rows!(session, "SELECT to_regclass('rag_embeddings') IS NOT NULL")?;
    Ok(found.first().is_some_and(|(there,)| *there))
}

/// Sees to it that the extension is there, if that is possible.
async fn has_extension(session: &mut Session<'_>) -> sqlx::Result<bool> {
    let (available, installed) = extension(session).await?;
    if installed.is_some() || !available {
        return Ok(installed.is_some());
    }
    run!(session, "SAVEPOINT rag_extension")?;
    match run!(session, "CREATE EXTENSION IF NOT EXISTS vector") {
        Ok(_) => {
            run!(session, "RELEASE SAVEPOINT rag_extension")?;
            Ok(true)
        }
        Err(error) => {
            tracing::info!(%error, "the extension `vector` cannot be created; vectors are compared one by one");
            run!(session, "ROLLBACK TO SAVEPOINT rag_extension")?;
            Ok(false)
        }
    }
}

/// Whether the server has the extension, and which version the database has.
async fn extension(session: &mut Session<'_>) -> sqlx::Result<(bool, Option<String>)> {
    let found: Vec<(i64, Option<String>)> = rows!(
        session,
        "SELECT (SELECT COUNT(*) FROM pg_available_extensions WHERE name = 'vector'),
            (SELECT extversion FROM pg_extension WHERE extname = 'vector')"
    )?;
    Ok(found
        .into_iter()
        .next()
        .map_or((false, None), |(count, version)| (count > 0, version)))
}

/// Gives the extension the vectors that are there already.
async fn take_over(session: &mut Session<'_>) -> sqlx::Result<()> {
    let mut after = 0_i64;
    loop {
        let page: Vec<(i64, i64, Vec<u8>)> = rows!(
            session,
            "SELECT id, model_id, vector FROM rag_vectors WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            PAGE
        )?;
        let Some((last, ..)) = page.last() else {
            return Ok(());
        };
        after = *last;
        let Session::Postgres(connection) = session else {
            return Ok(());
        };
        let ids: Vec<i64> = page.iter().map(|(id, ..)| *id).collect();
        let models: Vec<i64> = page.iter().map(|(_, model, _)| *model).collect();
        let vectors: Vec<String> = page.iter().map(|(.., vector)| literal(vector)).collect();
        sqlx::query(
            "INSERT INTO rag_embeddings (vector_id, model_id, embedding)
             SELECT id, model, embedding::vector FROM unnest($1::int8[], $2::int8[], $3::text[]) t(id, model, embedding)",
        )
        .bind(ids)
        .bind(models)
        .bind(vectors)
        .execute(&mut **connection)
        .await?;
    }
}

/// Gives the extension vectors that were just added, by the keys of their texts.
pub(super) async fn add(
    session: &mut Session<'_>,
    model: i64,
    vectors: &[&(String, Vec<u8>)],
) -> sqlx::Result<()> {
    if !has_embeddings(session).await? {
        return Ok(());
    }
    let Session::Postgres(connection) = session else {
        return Ok(());
    };
    let keys: Vec<&str> = vectors.iter().map(|(key, _)| key.as_str()).collect();
    let values: Vec<String> = vectors.iter().map(|(_, vector)| literal(vector)).collect();
    sqlx::query(
        "INSERT INTO rag_embeddings (vector_id, model_id, embedding)
         SELECT v.id, v.model_id, t.embedding::vector FROM unnest($2::text[], $3::text[]) t(text_key, embedding)
         JOIN rag_vectors v ON v.model_id = $1 AND v.text_key = t.text_key ON CONFLICT DO NOTHING",
    )
    .bind(model)
    .bind(keys)
    .bind(values)
    .execute(&mut **connection)
    .await?;
    Ok(())
}

/// A stored vector as the extension reads it.
fn literal(vector: &[u8]) -> String {
    let mut text = String::with_capacity(vector.len() * 3);
    for number in vector_of(vector) {
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(&number.to_string());
    }
    text.push(']');
    text
}

/// The type that an index on vectors of a length is made on; none if they are too long for any.
pub(super) fn indexed_type(dimension: i64) -> Option<String> {
    if dimension <= LONGEST {
        return Some(format!("vector({dimension})"));
    }
    (dimension <= LONGEST_HALF).then(|| format!("halfvec({dimension})"))
}

/// The name of the index of a model.
fn index_name(model: i64) -> String {
    format!("rag_embeddings_hnsw_{model}")
}

/// The number of a model and the length of its vectors, if anything was made with it.
pub(super) async fn model_of(
    session: &mut Session<'_>,
    name: &str,
) -> sqlx::Result<Option<(i64, i64)>> {
    let found: Vec<(i64, i64)> = rows!(
        session,
        "SELECT id, dimension FROM rag_models WHERE name = $1",
        name
    )?;
    Ok(found.into_iter().next())
}

/// Whether the index of a model is there and whole; none if it is not there.
async fn index_state(session: &mut Session<'_>, model: i64) -> sqlx::Result<Option<bool>> {
    let found: Vec<(bool,)> = rows!(
        session,
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)",
        index_name(model)
    )?;
    Ok(found.first().map(|(valid,)| *valid))
}

/// How the vectors of a model are compared.
pub(super) async fn kind(session: &mut Session<'_>, model: i64) -> sqlx::Result<VectorIndex> {
    if !session.is_postgres() {
        let why = "SQLite has no index for vectors".to_owned();
        return Ok(VectorIndex::Scan { why });
    }
    let (available, version) = extension(session).await?;
    if !has_embeddings(session).await? {
        let why = match (available, version) {
            (_, Some(_)) => "the extension `vector` is new here; the next `ingest` uses it",
            (true, None) => {
                "the server has the extension `vector`, but this role may not create it; let its owner run CREATE EXTENSION vector"
            }
            (false, None) => "the server does not have the extension `vector`",
        };
        let why = why.to_owned();
        return Ok(VectorIndex::Scan { why });
    }
    if index_state(session, model).await? == Some(true) {
        let version = version.unwrap_or_default();
        return Ok(VectorIndex::Hnsw { version });
    }
    let found: Vec<(i64,)> = rows!(
        session,
        "SELECT dimension FROM rag_models WHERE id = $1",
        model
    )?;
    let dimension = found.first().map_or(0, |(dimension,)| *dimension);
    let why = match indexed_type(dimension) {
        None => format!("vectors of {dimension} numbers are too long for an index"),
        Some(_) => format!("an index is made at the end of a run, from {INDEX_FROM} vectors on"),
    };
    Ok(VectorIndex::Exact { why })
}

impl Collection {
    /// How the vectors of a model are compared with a question's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn vector_index(&self, model: &str) -> Result<VectorIndex, CollectionError> {
        let failed = || CollectionError::statement("look for an index");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let model = model_of(session, model).await.map_err(failed())?;
        kind(session, model.map_or(0, |(id, _)| id))
            .await
            .map_err(failed())
    }

    /// Makes the index of a model that has at least `from` vectors, where PostgreSQL can have one and it is missing.
    /// Others may read and write meanwhile.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn index_vectors(
        &self,
        model: &str,
        from: i64,
    ) -> Result<VectorIndex, CollectionError> {
        let failed = || CollectionError::statement("index the vectors");
        let wanted = self.wants_index(model, from).await.map_err(failed())?;
        if let (Self::Postgres(pool), Some((id, kind))) = (self, wanted) {
            let mut connection = pool.acquire().await.map_err(failed())?;
            let made = make_index(&mut Session::Postgres(&mut connection), id, &kind).await;
            // The settings of this connection are for the making of indexes, so it is not used again.
            connection.close_on_drop();
            made.map_err(failed())?;
        }
        self.vector_index(model).await
    }

    async fn wants_index(&self, model: &str, from: i64) -> sqlx::Result<Option<(i64, String)>> {
        let mut look = self.look().await?;
        let session = &mut look.session();
        if !has_embeddings(session).await? {
            return Ok(None);
        }
        let Some((id, dimension)) = model_of(session, model).await? else {
            return Ok(None);
        };
        let counted: Vec<(i64,)> = rows!(
            session,
            "SELECT COUNT(*) FROM rag_embeddings WHERE model_id = $1",
            id
        )?;
        let enough = counted.first().is_some_and(|(count,)| *count >= from);
        Ok(indexed_type(dimension)
            .filter(|_| enough)
            .map(|kind| (id, kind)))
    }
}

/// Makes an index while others go on. One whose making was interrupted is not whole, and made again.
async fn make_index(session: &mut Session<'_>, model: i64, kind: &str) -> sqlx::Result<()> {
    let name = index_name(model);
    // Who waited for this lock would hold a snapshot, for which the making of the index waits.
    let locked: Vec<(bool,)> = rows!(session, "SELECT pg_try_advisory_lock($1)", LOCK)?;
    if locked.first() != Some(&(true,)) {
        return Ok(());
    }
    match index_state(session, model).await? {
        Some(true) => return Ok(()),
        Some(false) => drop_index(session, &name).await?,
        None => {}
    }
    // A graph that fits into memory is made many times faster.
    run!(session, "SET maintenance_work_mem = '512MB'")?;
    let operators = kind.split('(').next().unwrap_or_default();
    let sql = format!(
        "CREATE INDEX CONCURRENTLY {name} ON rag_embeddings
         USING hnsw ((embedding::{kind}) {operators}_ip_ops) WHERE model_id = {model}"
    );
    match run!(session, &sql) {
        // Processes that make it together share that memory, of which a container has 64 MB unless it is given more.
        Err(error) if is_short_of_resources(&error) => {
            tracing::info!(%error, "making the index by one process of the server");
            drop_index(session, &name).await?;
            run!(session, "SET max_parallel_maintenance_workers = 0")?;
            run!(session, &sql)?;
        }
        made => {
            made?;
        }
    }
    run!(session, "ANALYZE rag_embeddings")?;
    Ok(())
}

async fn drop_index(session: &mut Session<'_>, name: &str) -> sqlx::Result<()> {
    run!(
        session,
        &format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")
    )?;
    Ok(())
}

/// Whether the server had too little memory or too little room: class 53 of its codes.
fn is_short_of_resources(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let code = error.and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("53"))
}

#[cfg(test)]
mod tests {
    use super::{indexed_type, literal};
    use crate::collection::bytes_of;

    #[test]
    fn a_vector_is_written_with_all_its_digits() {
        assert_eq!(literal(&bytes_of(&[0.1, -1.0, 1e-7])), "[0.1,-1,0.0000001]");
    }

    #[test]
    fn vectors_of_any_length_have_a_type_that_can_be_indexed_or_none() {
        assert_eq!(indexed_type(256).as_deref(), Some("vector(256)"));
        assert_eq!(indexed_type(3072).as_deref(), Some("halfvec(3072)"));
        assert_eq!(indexed_type(8192), None);
    }
}
