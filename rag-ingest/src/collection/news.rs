//! What happened in a collection lately.

use super::session::rows;
use super::{Collection, CollectionError};
use crate::progress::FileNews;

/// So many events are read at once.
const PAGE: i64 = 2000;

impl Collection {
    /// The number of the last event.
    pub(crate) async fn last_event(&self) -> Result<i64, CollectionError> {
        let failed = || CollectionError::statement("read the history");
        let mut look = self.look().await.map_err(failed())?;
        let last: Vec<(i64,)> = rows!(
            &mut look.session(),
            "SELECT COALESCE(MAX(id), 0) FROM rag_history"
        )
        .map_err(failed())?;
        Ok(last.first().map_or(0, |(id,)| *id))
    }

    /// What became of files since an event, with the numbers of the events. Members of a file are told with it.
    pub(crate) async fn news(
        &self,
        collection: &str,
        after: i64,
    ) -> Result<Vec<(i64, FileNews)>, CollectionError> {
        type Row = (i64, String, String, String, Option<String>, i64, i64);
        let failed = || CollectionError::statement("read the history");
        let mut look = self.look().await.map_err(failed())?;
        let found: Vec<Row> = rows!(
            &mut look.session(),
            "SELECT h.id, s.location, h.path, h.status, h.reason, h.chunks,
                (SELECT CAST(COALESCE(SUM(c.tokens), 0) AS BIGINT) FROM rag_costs c WHERE c.workflow_id = d.workflow_id)
             FROM rag_history h JOIN rag_documents d ON d.id = h.document_id JOIN rag_sources s ON s.id = d.source_id
             WHERE h.collection = $1 AND h.id > $2 AND d.member_of IS NULL ORDER BY h.id LIMIT $3",
            collection,
            after,
            PAGE
        )
        .map_err(failed())?;
        let news = |(id, root, path, status, reason, chunks, tokens): Row| {
            let path = crate::discover::location_of(&root, &path);
            let news = FileNews {
                path: path.display().to_string(),
                status,
                reason,
                chunks,
                tokens,
            };
            (id, news)
        };
        Ok(found.into_iter().map(news).collect())
    }

    /// How many files wait or are worked on.
    pub(crate) async fn waiting(&self, collection: &str) -> Result<u64, CollectionError> {
        let failed = || CollectionError::statement("count what waits");
        let mut look = self.look().await.map_err(failed())?;
        let counted: Vec<(i64,)> = rows!(
            &mut look.session(),
            "SELECT COUNT(*) FROM rag_documents WHERE collection = $1 AND status = 'queued' AND member_of IS NULL",
            collection
        )
        .map_err(failed())?;
        Ok(counted
            .first()
            .map_or(0, |(count,)| u64::try_from(*count).unwrap_or(0)))
    }
}
