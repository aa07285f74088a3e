//! Whether the vectors answer for themselves: each, asked for, finds its own chunk.

use super::super::find::{Allowed, nearest};
use super::super::session::{Session, rows};
use super::super::{index, vector_of};
use crate::search::Matrix;

/// What to do about a chunk that its own vector does not find.
pub(super) const REMEDY: &str = "its own vector does not find it; on PostgreSQL run `REINDEX TABLE rag_embeddings`, elsewhere tell the authors";

/// What to do about vectors that the extension does not have as they are.
pub(super) const MISSING: &str = "its vector is missing or another in `rag_embeddings`; drop that table: the next program that opens the database \
     makes it again";

/// What is asked: path, chunk, the model and the length of its vectors, the vector.
type Asked = (String, i64, String, i64, Vec<u8>);

/// The chunks that their own vector does not find. Two chunks with the same vector are equally near; either may be
/// found.
pub(super) async fn lost(
    session: &mut Session<'_>,
    collection: &str,
    sample: &[i64],
) -> sqlx::Result<Vec<(String,)>> {
    let asked: Vec<Asked> = rows!(
        session,
        "SELECT d.path, c.id, m.name, m.dimension, v.vector FROM rag_chunks c
         JOIN rag_documents d ON d.id = c.document_id JOIN rag_vectors v ON v.id = c.vector_id
         JOIN rag_models m ON m.id = v.model_id WHERE c.id IN {numbers:$1} ORDER BY m.name, c.id",
        serde_json::Value::from(sample.to_vec()).to_string()
    )?;
    let by_postgres = index::has_embeddings(session).await?;
    let mut lost = Vec::new();
    let mut scanned: Option<(String, Matrix)> = None;
    for (path, chunk, model, dimension, bytes) in asked {
        let vector = vector_of(&bytes);
        let found = if by_postgres {
            let Some(model) = index::model_of(session, &model).await? else {
                continue;
            };
            let everything = Allowed::default();
            nearest(session, collection, model, &vector, &everything, 1).await?
        } else {
            if scanned.as_ref().is_none_or(|(name, _)| *name != model) {
                let mut matrix = Matrix::new(usize::try_from(dimension).unwrap_or(0));
                super::super::find::each_vector(session, collection, &model, |row| {
                    matrix.push(row)
                })
                .await?;
                scanned = Some((model, matrix));
            }
            let matrix = scanned.as_ref().map(|(_, matrix)| matrix);
            matrix.map_or_else(Vec::new, |matrix| {
                matrix.nearest(&vector, &Allowed::default(), 1)
            })
        };
        let answer = found.first().copied();
        if answer != Some(chunk) && !is_as_near(session, answer, &vector).await? {
            lost.push((format!("{path}, chunk {chunk}"),));
        }
    }
    Ok(lost)
}

/// Whether the chunk that was found has a vector that is as near as the one that was asked for is to itself.
async fn is_as_near(
    session: &mut Session<'_>,
    answer: Option<i64>,
    vector: &[f32],
) -> sqlx::Result<bool> {
    let Some(answer) = answer else {
        return Ok(false);
    };
    let found: Vec<(Vec<u8>,)> = rows!(
        session,
        "SELECT v.vector FROM rag_chunks c JOIN rag_vectors v ON v.id = c.vector_id WHERE c.id = $1",
        answer
    )?;
    let likeness = |other: &[f32]| -> f32 { vector.iter().zip(other).map(|(a, b)| a * b).sum() };
    Ok(found
        .first()
        .is_some_and(|(other,)| likeness(&vector_of(other)) >= likeness(vector) - 1e-5))
}

/// The chunks whose vectors the extension does not have, or has others of.
pub(super) async fn missing(
    session: &mut Session<'_>,
    collection: &str,
) -> sqlx::Result<Vec<(String,)>> {
    if !index::has_embeddings(session).await? {
        return Ok(Vec::new());
    }
    rows!(
        session,
        "SELECT d.path || ', chunk ' || c.id FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id
         JOIN rag_vectors v ON v.id = c.vector_id LEFT JOIN rag_embeddings e ON e.vector_id = v.id
         WHERE d.collection = $1 AND (e.vector_id IS NULL OR e.model_id <> v.model_id
            OR vector_dims(e.embedding) * 4 <> length(v.vector)) ORDER BY c.id",
        collection
    )
}
