//! What happens to the workflows of a process that is gone.

use super::row::Identity;
use super::sql::params;
use super::{Store, StoreResult};

const REENQUEUE: &str = "
    UPDATE dbos.workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
        queue_name = COALESCE(queue_name, '_dbos_internal_queue'), updated_at = {now}
    WHERE status = 'PENDING' AND executor_id = $1 AND application_version = $2
      AND (application_name IS NULL OR application_name = $3)
    RETURNING workflow_uuid";

const DEAD_LETTER: &str = "
    UPDATE dbos.workflow_status
    SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', owner_xid = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, queue_name = NULL, updated_at = {now}, completed_at = {now}
    WHERE workflow_uuid = $1 AND status = 'PENDING' AND owner_xid = $2";

impl dyn Store {
    /// Puts the workflows that a dead process of this identity was running back on their queues; says how many.
    pub(crate) async fn reenqueue(&self, identity: &Identity) -> StoreResult<usize> {
        let params = params![
            &identity.executor_id,
            &identity.application_version,
            &identity.application_name,
        ];
        Ok(self
            .write("recover workflows", REENQUEUE, params)
            .await?
            .len())
    }

    /// Gives a workflow up that was recovered too often.
    pub(crate) async fn dead_letter(&self, workflow_id: &str, token: &str) -> StoreResult<()> {
        let params = params![workflow_id, token];
        self.write("give a workflow up", DEAD_LETTER, params)
            .await?;
        Ok(())
    }
}
