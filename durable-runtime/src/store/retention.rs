//! Deletes what finished long ago.

use super::cancel::ids;
use super::delete::delete;
use super::sql::{first, params};
use super::{Isolation, Store, StoreResult};

/// When the newest workflows that are to be kept were created, at the earliest.
const NEWEST: &str = "
    SELECT created_at FROM dbos.workflow_status
    WHERE $2 IS NULL OR application_name IS NULL OR application_name = $2
    ORDER BY created_at DESC LIMIT 1 OFFSET $1";

const OLD: &str = "
    SELECT workflow_uuid FROM dbos.workflow_status
    WHERE created_at < $1 AND status NOT IN ('PENDING', 'ENQUEUED', 'DELAYED')
      AND ($2 IS NULL OR application_name IS NULL OR application_name = $2)
    ORDER BY created_at, workflow_uuid LIMIT $3 {pg:FOR UPDATE SKIP LOCKED}";

impl dyn Store {
    /// When the `count`th newest workflow was created; `None` when there are fewer.
    pub(crate) async fn created_at_of_newest(
        &self,
        count: i64,
        application: Option<&str>,
    ) -> StoreResult<Option<i64>> {
        let params = params![count - 1, application];
        first(
            self.read("find the newest workflows", NEWEST, params)
                .await?,
        )
    }

    /// Deletes up to `limit` finished workflows that were created before `cutoff`, the oldest first; says which.
    pub(crate) async fn delete_old(
        &self,
        cutoff: i64,
        application: Option<&str>,
        limit: i64,
    ) -> StoreResult<Vec<String>> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let params = params![cutoff, application, limit];
        let old = ids(transaction.query("find old workflows", OLD, params).await?)?;
        let deleted = delete(&mut transaction, &old).await?;
        transaction.commit(&[]).await?;
        Ok(deleted)
    }
}
