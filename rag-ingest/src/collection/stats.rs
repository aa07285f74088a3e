//! How much there is, and what it cost.

use serde::Serialize;

use super::session::rows;
use super::{Collection, CollectionError, VectorIndex};

/// The size of a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Documents that can be found.
    pub documents: i64,
    /// Their files' bytes.
    pub bytes: i64,
    /// Their chunks.
    pub chunks: i64,
    /// The chunks' word pieces.
    pub tokens: i64,
    /// Different texts with a vector among the chunks.
    pub vectors: i64,
    /// Texts that were embedded, ever.
    pub embedded: i64,
    /// Texts whose vectors were there already.
    pub reused: i64,
    /// Word pieces that were embedded, ever.
    pub embedded_tokens: i64,
    /// What that cost, in millionths of the price's currency.
    pub cost_micros: i64,
    /// Documents of each model.
    pub models: Vec<(String, i64)>,
    /// How the vectors of the model of most documents are compared with a question's.
    pub index: Option<VectorIndex>,
    /// What each model has cost, ever.
    pub spending: Vec<(String, super::Spending)>,
}

impl Collection {
    /// Counts.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn stats(&self, collection: &str) -> Result<Stats, CollectionError> {
        let models = self.models(collection).await?;
        let index = match models.first() {
            Some((model, _)) => Some(self.vector_index(model).await?),
            None => None,
        };
        let spending = self.spending_by_model(collection).await?;
        let failed = || CollectionError::statement("count");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let documents: Vec<(i64, i64)> = rows!(
            session,
            "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM rag_documents
             WHERE collection = $1 AND content_hash <> ''",
            collection
        )
        .map_err(failed())?;
        let chunks: Vec<(i64, i64, i64)> = rows!(
            session,
            "SELECT COUNT(*), CAST(COALESCE(SUM(c.tokens), 0) AS BIGINT), COUNT(DISTINCT c.vector_id)
             FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id WHERE d.collection = $1",
            collection
        )
        .map_err(failed())?;
        let mut stats = Stats {
            models,
            index,
            ..Stats::default()
        };
        for (_, of) in &spending {
            stats.embedded += of.embedded;
            stats.reused += of.reused;
            stats.embedded_tokens += of.tokens;
            stats.cost_micros += of.cost_micros;
        }
        stats.spending = spending;
        if let Some((documents, bytes)) = documents.first() {
            (stats.documents, stats.bytes) = (*documents, *bytes);
        }
        if let Some((chunks, tokens, vectors)) = chunks.first() {
            (stats.chunks, stats.tokens, stats.vectors) = (*chunks, *tokens, *vectors);
        }
        Ok(stats)
    }
}
