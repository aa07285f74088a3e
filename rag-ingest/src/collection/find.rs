//! What searching reads: the documents that a filter lets through, the chunks that are near or have the words, and
//! the chunks themselves.

use std::collections::HashMap;

use futures_util::TryStreamExt;

use super::session::{Session, rows, run};
use super::{Collection, CollectionError, index};

/// How many candidates an HNSW index looks at for a question; more find more and take longer.
const LOOKED_AT: &str = "200";

/// A chunk as it is found.
#[derive(Debug, Clone)]
pub struct Passage {
    /// The chunk's number in the database.
    pub id: i64,
    /// Its document's number.
    pub document: i64,
    /// The root that its file was found under.
    pub root: String,
    /// The file's path below the root.
    pub path: String,
    /// The word for what the document was made from, see [`Kind`](crate::document::Kind).
    pub kind: String,
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// When the file was last changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The text.
    pub text: String,
    /// First byte in the document's normalised text.
    pub start: i64,
    /// One past the last byte.
    pub end: i64,
    /// First character in the document's normalised text, and one past the last; nothing of chunks that an older
    /// version has saved.
    pub characters: Option<(i64, i64)>,
    /// First byte in the file, and one past the last, if the text is that of the file.
    pub file: Option<(i64, i64)>,
    /// The headings it stands under, the highest first.
    pub heading: Vec<String>,
    /// The first and the last page it stands on.
    pub pages: Option<(i64, i64)>,
    /// The vector, as little-endian floats.
    pub vector: Vec<u8>,
}

/// A document that a filter may let through.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) id: i64,
    pub(crate) root: String,
    pub(crate) path: String,
}

/// Which chunks may be found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed {
    /// Only chunks of these documents, if given.
    pub(crate) documents: Option<Vec<i64>>,
    /// Only chunks that stand on one of the pages from the first number to the second, if given.
    pub(crate) pages: Option<(i64, i64)>,
}

impl Allowed {
    pub(super) fn is_everything(&self) -> bool {
        self.documents.is_none() && self.pages.is_none()
    }

    /// The values of the four parameters in [`ALLOWED`].
    pub(super) fn parameters(&self) -> (i64, String, i64, i64) {
        let documents = self.documents.as_deref().unwrap_or_default();
        let list = serde_json::Value::from(documents.to_vec()).to_string();
        let (first, last) = self.pages.unwrap_or_default();
        (i64::from(self.documents.is_some()), list, first, last)
    }
}

/// A condition on chunks `c`: whether documents count, which, the first page or 0, the last.
pub(super) const ALLOWED: &str = "($2 = 0 OR c.document_id IN {numbers:$3}) AND ($4 = 0 OR (c.last_page >= $4 AND c.first_page <= $5))";

/// A vector in the memory: number of the chunk, of its document, its pages, the floats in little-endian order.
pub(crate) type VectorRow = (i64, i64, Option<i64>, Option<i64>, Vec<u8>);

const VECTORS: &str = "
    SELECT c.id, c.document_id, CAST(c.first_page AS BIGINT), CAST(c.last_page AS BIGINT), v.vector
    FROM rag_models m JOIN rag_vectors v ON v.model_id = m.id
    JOIN rag_chunks c ON c.vector_id = v.id
    JOIN rag_documents d ON d.id = c.document_id
    WHERE d.collection = $1 AND m.name = $2";

impl Collection {
    /// Whether a collection has a document with vectors by a model, or by any.
    pub(crate) async fn is_made_with(
        &self,
        collection: &str,
        model: Option<&str>,
    ) -> Result<bool, CollectionError> {
        let failed = || CollectionError::statement("look into the collection");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let found: Vec<(i64,)> = rows!(
            session,
            "SELECT id FROM rag_documents WHERE collection = $1 AND content_hash <> '' AND ($2 = 0 OR model = $3)
             LIMIT 1",
            collection,
            i64::from(model.is_some()),
            model.unwrap_or_default()
        )
        .map_err(failed())?;
        Ok(!found.is_empty())
    }

    /// The documents of a collection of some kinds (all, if there are none) that were changed at or after one moment
    /// and before another.
    pub(crate) async fn places(
        &self,
        collection: &str,
        kinds: &[&str],
        (from_ns, before_ns): (i64, i64),
    ) -> Result<Vec<Place>, CollectionError> {
        let failed = || CollectionError::statement("list the documents");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let found: Vec<(i64, String, String)> = rows!(
            session,
            "SELECT d.id, s.location, d.path FROM rag_documents d JOIN rag_sources s ON s.id = d.source_id
             WHERE d.collection = $1 AND d.content_hash <> '' AND ($2 = 0 OR d.kind IN {list:$3})
                AND d.mtime_ns >= $4 AND d.mtime_ns < $5 ORDER BY d.id",
            collection,
            i64::from(!kinds.is_empty()),
            super::session::list(kinds),
            from_ns,
            before_ns
        )
        .map_err(failed())?;
        let place = |(id, root, path)| Place { id, root, path };
        Ok(found.into_iter().map(place).collect())
    }

    /// The chunks whose vectors by a model point most nearly where `wanted` does, the nearest first, found by
    /// PostgreSQL; none if it cannot, since there is no extension for it.
    pub(crate) async fn nearest_of_postgres(
        &self,
        collection: &str,
        model: &str,
        wanted: &[f32],
        allowed: &Allowed,
        limit: i64,
    ) -> Result<Option<Vec<i64>>, CollectionError> {
        let failed = || CollectionError::statement("search the vectors");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        if !index::has_embeddings(session).await.map_err(failed())? {
            return Ok(None);
        }
        let Some(model) = index::model_of(session, model).await.map_err(failed())? else {
            return Ok(Some(Vec::new()));
        };
        nearest(session, collection, model, wanted, allowed, limit)
            .await
            .map(Some)
            .map_err(failed())
    }

    /// A number, or some of them, that tells whether the vectors of a collection are still those that were read.
    pub(crate) async fn generation(&self, collection: &str) -> Result<(i64, i64), CollectionError> {
        let failed = || CollectionError::statement("look for changes");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let found: Vec<(i64, i64)> = if session.is_postgres() {
            // Numbers of chunks are never used twice there, and chunks never change.
            rows!(
                session,
                "SELECT COUNT(*), COALESCE(SUM(hashint8(c.id)), 0) FROM rag_chunks c
                 JOIN rag_documents d ON d.id = c.document_id WHERE d.collection = $1",
                collection
            )
        } else {
            rows!(session, "SELECT number, 0 FROM rag_generation")
        }
        .map_err(failed())?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Hands over the vectors of a collection that one model made, one by one.
    pub(crate) async fn each_vector(
        &self,
        collection: &str,
        model: &str,
        take: impl FnMut(VectorRow),
    ) -> Result<(), CollectionError> {
        let failed = || CollectionError::statement("read the vectors");
        let mut look = self.look().await.map_err(failed())?;
        each_vector(&mut look.session(), collection, model, take)
            .await
            .map_err(failed())
    }

    /// Some chunks with their documents, in no order; those that are gone meanwhile are left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn passages(&self, ids: &[i64]) -> Result<Vec<Passage>, CollectionError> {
        type Row = (
            i64,
            i64,
            String,
            String,
            String,
            Option<String>,
            i64,
            String,
            i64,
            i64,
            String,
            Option<i64>,
            Option<i64>,
            Vec<u8>,
        );
        type Place = (i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
        let failed = || CollectionError::statement("read the chunks");
        let ids = &serde_json::Value::from(ids.to_vec()).to_string();
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let found: Vec<Row> = rows!(
            session,
            "SELECT c.id, d.id, s.location, d.path, d.kind, d.title, d.mtime_ns, c.text, c.start_byte, c.end_byte,
                c.heading, CAST(c.first_page AS BIGINT), CAST(c.last_page AS BIGINT), v.vector
             FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id
             JOIN rag_sources s ON s.id = d.source_id JOIN rag_vectors v ON v.id = c.vector_id
             WHERE c.id IN {numbers:$1}",
            ids
        )
        .map_err(failed())?;
        let places: Vec<Place> = rows!(
            session,
            "SELECT id, start_char, end_char, file_start, file_end FROM rag_chunks WHERE id IN {numbers:$1}",
            ids
        )
        .map_err(failed())?;
        let places: HashMap<i64, Place> =
            places.into_iter().map(|place| (place.0, place)).collect();
        let passage = |row: Row| {
            let place = places.get(&row.0).copied().unwrap_or_default();
            Passage {
                id: row.0,
                document: row.1,
                root: row.2,
                path: row.3,
                kind: row.4,
                title: row.5,
                mtime_ns: row.6,
                text: row.7,
                start: row.8,
                end: row.9,
                characters: place.1.zip(place.2),
                file: place.3.zip(place.4),
                heading: serde_json::from_str(&row.10).unwrap_or_default(),
                pages: row.11.zip(row.12),
                vector: row.13,
            }
        };
        Ok(found.into_iter().map(passage).collect())
    }
}

/// Hands over the vectors of a collection that one model made, one by one.
pub(super) async fn each_vector(
    session: &mut Session<'_>,
    collection: &str,
    model: &str,
    mut take: impl FnMut(VectorRow),
) -> sqlx::Result<()> {
    match session {
        Session::Sqlite(connection) => {
            let query = sqlx::query_as(VECTORS).bind(collection).bind(model);
            let mut found = query.fetch(&mut **connection);
            while let Some(row) = found.try_next().await? {
                take(row);
            }
        }
        Session::Postgres(connection) => {
            let query = sqlx::query_as(VECTORS).bind(collection).bind(model);
            let mut found = query.fetch(&mut **connection);
            while let Some(row) = found.try_next().await? {
                take(row);
            }
        }
    }
    Ok(())
}

/// The nearest chunks by the extension `vector`: over its index, if there is one, and compared one by one when the
/// index gives fewer than were asked for.
pub(super) async fn nearest(
    session: &mut Session<'_>,
    collection: &str,
    (model, dimension): (i64, i64),
    wanted: &[f32],
    allowed: &Allowed,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    let indexed = match index::kind(session, model).await? {
        index::VectorIndex::Hnsw { version } => Some(version),
        _ => None,
    };
    let from = "FROM rag_embeddings e JOIN rag_chunks c ON c.vector_id = e.vector_id
         JOIN rag_documents d ON d.id = c.document_id";
    let conditions = format!("e.model_id = {model} AND d.collection = $1 AND {ALLOWED}");
    if let Some((version, kind)) = indexed.zip(index::indexed_type(dimension)) {
        run!(session, &format!("SET LOCAL hnsw.ef_search = {LOOKED_AT}"))?;
        if goes_on(&version) {
            run!(session, "SET LOCAL hnsw.iterative_scan = strict_order")?;
        }
        let distance = format!("e.embedding::{kind} <#> $6::real[]::{kind}");
        let sql = format!(
            "SELECT c.id, {distance} {from} WHERE {conditions} ORDER BY {distance} LIMIT $7"
        );
        let found = near(session, &sql, collection, wanted, allowed, limit).await?;
        if i64::try_from(found.len()).is_ok_and(|count| count >= limit) {
            return Ok(found);
        }
    }
    let sql = format!(
        "WITH allowed AS MATERIALIZED (SELECT c.id, e.embedding {from} WHERE {conditions})
         SELECT id, embedding <#> $6::real[]::vector FROM allowed ORDER BY 2, 1 LIMIT $7"
    );
    near(session, &sql, collection, wanted, allowed, limit).await
}

/// Whether a version of the extension looks further when a filter has taken away what it found.
fn goes_on(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse);
    let mut next = || parts.next().and_then(Result::ok).unwrap_or(0_u32);
    (next(), next()) >= (0, 8)
}

async fn near(
    session: &mut Session<'_>,
    sql: &str,
    collection: &str,
    wanted: &[f32],
    allowed: &Allowed,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    let Session::Postgres(connection) = session else {
        return Ok(Vec::new());
    };
    let (some, documents, first, last) = allowed.parameters();
    let sql = super::session::dialect(sql, true);
    let mut found: Vec<(i64, f64)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(collection)
        .bind(some)
        .bind(documents)
        .bind(first)
        .bind(last)
        .bind(wanted)
        .bind(limit)
        // The server plans it with its values in sight: a plan for any values could not leave conditions out.
        .persistent(false)
        .fetch_all(&mut **connection)
        .await?;
    found.sort_by(|(first, a), (second, b)| a.total_cmp(b).then(first.cmp(second)));
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

#[cfg(test)]
mod tests {
    use super::goes_on;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(goes_on("0.8.5") && goes_on("0.10") && goes_on("1.0.0"));
        assert!(!goes_on("0.7.4") && !goes_on(""));
    }
}
