//! Taking away what nothing refers to any more.

use serde::Serialize;

use super::session::run;
use super::{Collection, CollectionError};

/// What was taken away, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Documents whose files are gone.
    pub documents: u64,
    /// Vectors of no chunk.
    pub vectors: u64,
    /// Texts of no document.
    pub texts: u64,
    /// Entries of the history that are older than asked for.
    pub history: u64,
    /// Runs, and what they could not look at, but for the newest of each collection.
    pub runs: u64,
}

impl Collection {
    /// Takes away, in one transaction, tombstones, vectors and texts that no document has, history from before
    /// `before_ms` (milliseconds since 1970), and all runs but the newest of each collection. With `dry` nothing goes,
    /// and it is only counted.
    ///
    /// A file that is worked on meanwhile misses nothing: what it needs is made again.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn prune(&self, before_ms: i64, dry: bool) -> Result<Pruned, CollectionError> {
        let failed = || CollectionError::statement("prune");
        let mut transaction = self.begin().await.map_err(failed())?;
        let session = &mut transaction.session();
        let documents = run!(
            session,
            "DELETE FROM rag_documents WHERE status = 'vanished'"
        )
        .map_err(failed())?;
        let vectors = run!(
            session,
            "DELETE FROM rag_vectors WHERE NOT EXISTS
                (SELECT 1 FROM rag_chunks c WHERE c.vector_id = rag_vectors.id)"
        )
        .map_err(failed())?;
        let texts = run!(
            session,
            "DELETE FROM rag_texts WHERE NOT EXISTS
                (SELECT 1 FROM rag_documents d WHERE d.text_key = rag_texts.key)"
        )
        .map_err(failed())?;
        let history = run!(
            session,
            "DELETE FROM rag_history WHERE at_ms < $1",
            before_ms
        )
        .map_err(failed())?;
        let runs = run!(
            session,
            "DELETE FROM rag_runs WHERE begun_ms < $1 AND EXISTS (SELECT 1 FROM rag_runs newer
                WHERE newer.collection = rag_runs.collection AND newer.begun_ms > rag_runs.begun_ms)",
            before_ms
        )
        .map_err(failed())?;
        run!(
            session,
            "DELETE FROM rag_problems WHERE run_id NOT IN (SELECT id FROM rag_runs)"
        )
        .map_err(failed())?;
        if !dry {
            transaction.commit().await.map_err(failed())?;
        }
        Ok(Pruned {
            documents,
            vectors,
            texts,
            history,
            runs,
        })
    }
}
