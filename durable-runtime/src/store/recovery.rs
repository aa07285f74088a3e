//! What happens to the workflows of a process that is gone.

use super::row::Identity;
use super::sql::{Row, params};
use super::{Store, StoreResult};

/// What the caller runs itself is not interrupted.
const REENQUEUE: &str = "
    UPDATE dbos.workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
        queue_name = COALESCE(queue_name, '_dbos_internal_queue'), updated_at = {now}
    WHERE status = 'PENDING' AND executor_id IN {each:$1}
      AND ({pg:$2::text}{lite:$2} IS NULL OR application_version = $2)
      AND (application_name IS NULL OR application_name = $3)
      AND COALESCE(owner_xid, '') NOT IN {each:$4}
    RETURNING workflow_uuid, queue_name";

const DEAD_LETTER: &str = "
    UPDATE dbos.workflow_status
    SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', owner_xid = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, queue_name = NULL, updated_at = {now}, completed_at = {now}
    WHERE workflow_uuid = $1 AND status = 'PENDING' AND owner_xid = $2";

/// Whose interrupted workflows are to go on.
#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    pub(crate) executor_ids: &'a [String],
    /// Any version, if none is given.
    pub(crate) version: Option<&'a str>,
    pub(crate) application: Option<&'a str>,
    /// The tokens of executions that are to be left alone.
    pub(crate) spare: &'a [String],
}

impl<'a> Recovery<'a> {
    /// What earlier processes of this identity left behind.
    pub(crate) fn of(executor_ids: &'a [String], identity: &'a Identity) -> Self {
        Self {
            executor_ids,
            version: Some(&identity.application_version),
            application: identity.application_name.as_deref(),
            spare: &[],
        }
    }
}

/// A workflow that is on its queue again.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) workflow_id: String,
    pub(crate) queue: String,
}

impl dyn Store {
    /// Puts workflows that were being run back on their queues.
    pub(crate) async fn reenqueue(&self, recovery: &Recovery<'_>) -> StoreResult<Vec<Recovered>> {
        let params = params![
            recovery.executor_ids,
            recovery.version,
            recovery.application,
            recovery.spare,
        ];
        let rows = self.write("recover workflows", REENQUEUE, params).await?;
        let recovered = |mut row: Row| {
            Ok(Recovered {
                workflow_id: row.take(0)?,
                queue: row.take(1)?,
            })
        };
        rows.into_iter().map(recovered).collect()
    }

    /// Gives a workflow up that was recovered too often.
    pub(crate) async fn dead_letter(&self, workflow_id: &str, token: &str) -> StoreResult<()> {
        let params = params![workflow_id, token];
        self.write("give a workflow up", DEAD_LETTER, params)
            .await?;
        Ok(())
    }
}
