//! Cancels workflows.

use std::collections::HashSet;

use super::sql::{Row, params};
use super::{Store, StoreResult};

const INTENT: &str = "cancel workflows";

/// What is finished stays as it is; what is cancelled already is stamped again. The rows are locked in the order of
/// their ids, as those do who write records.
macro_rules! cancel {
    ($chosen:literal) => {
        concat!(
            "WITH chosen AS (
                SELECT workflow_uuid FROM dbos.workflow_status WHERE ",
            $chosen,
            "   ORDER BY workflow_uuid {pg:FOR NO KEY UPDATE}
            )
            UPDATE dbos.workflow_status
            SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
                started_at_epoch_ms = NULL, updated_at = {now}, completed_at = {now}
            WHERE workflow_uuid IN (SELECT workflow_uuid FROM chosen)
              AND status NOT IN ('SUCCESS', 'ERROR')
            RETURNING workflow_uuid"
        )
    };
}

const CANCEL: &str = cancel!("workflow_uuid IN {each:$1}");

const CANCEL_OLD: &str = cancel!(
    "status IN ('PENDING', 'ENQUEUED', 'DELAYED') AND created_at <= $1
     AND ($2 IS NULL OR application_name IS NULL OR application_name = $2)"
);

const CHILDREN: &str = "
    SELECT workflow_uuid FROM dbos.workflow_status WHERE parent_workflow_id IN {each:$1}";

impl dyn Store {
    /// Cancels workflows that have not finished; says which.
    pub(crate) async fn cancel(&self, workflow_ids: &[String]) -> StoreResult<Vec<String>> {
        ids(self.write(INTENT, CANCEL, params![workflow_ids]).await?)
    }

    /// Cancels workflows and everything that they started, level by level: who is cancelled starts no more children,
    /// so that none is missed. Says which.
    pub(crate) async fn cancel_with_children(
        &self,
        workflow_ids: &[String],
    ) -> StoreResult<Vec<String>> {
        let mut cancelled = Vec::new();
        let mut seen: HashSet<String> = workflow_ids.iter().cloned().collect();
        let mut level = workflow_ids.to_vec();
        while !level.is_empty() {
            cancelled.extend(self.cancel(&level).await?);
            let children = self
                .read("find children", CHILDREN, params![&level])
                .await?;
            level = ids(children)?;
            level.retain(|id| seen.insert(id.clone()));
        }
        Ok(cancelled)
    }

    /// Cancels everything unfinished that was created at `cutoff` or before, of this application and of none; of all
    /// applications when it is not given. Says which.
    pub(crate) async fn cancel_old(
        &self,
        cutoff: i64,
        application: Option<&str>,
    ) -> StoreResult<Vec<String>> {
        let params = params![cutoff, application];
        ids(self.write(INTENT, CANCEL_OLD, params).await?)
    }
}

/// The first column of each row.
pub(super) fn ids(rows: Vec<Row>) -> StoreResult<Vec<String>> {
    rows.into_iter().map(|mut row| row.take(0)).collect()
}
