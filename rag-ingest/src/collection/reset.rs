//! Emptying a collection.

use super::session::run;
use super::{Collection, CollectionError};

/// What a collection has rows in, but for what goes with its sources.
const TABLES: [&str; 3] = ["rag_history", "rag_costs", "rag_runs"];

impl Collection {
    /// Takes everything of one collection away, in one transaction, and gives how many documents it had. Vectors and
    /// texts stay until they are pruned, so that ingesting the same again embeds nothing.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn reset(&self, collection: &str) -> Result<u64, CollectionError> {
        let failed = || CollectionError::statement("reset the collection");
        let mut transaction = self.begin().await.map_err(failed())?;
        let session = &mut transaction.session();
        // Chunks go with their documents.
        let documents = run!(
            session,
            "DELETE FROM rag_documents WHERE collection = $1",
            collection
        )
        .map_err(failed())?;
        run!(
            session,
            "DELETE FROM rag_problems WHERE source_id IN (SELECT id FROM rag_sources WHERE collection = $1)",
            collection
        )
        .map_err(failed())?;
        run!(
            session,
            "DELETE FROM rag_sources WHERE collection = $1",
            collection
        )
        .map_err(failed())?;
        for table in TABLES {
            let sql = format!("DELETE FROM {table} WHERE collection = $1");
            run!(session, &sql, collection).map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())?;
        Ok(documents)
    }
}
