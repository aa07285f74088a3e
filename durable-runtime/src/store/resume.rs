//! Lets workflows go on that were cancelled or given up, or moves them to another queue.

use std::collections::HashSet;

use super::cancel::ids;
use super::sql::params;
use super::{Isolation, Outcome, Record, Store};
use crate::error::{Error, Result};

const INTENT: &str = "resume workflows";

const LOCK: &str = "
    SELECT workflow_uuid FROM dbos.workflow_status WHERE workflow_uuid IN {each:$1}
    ORDER BY workflow_uuid {pg:FOR NO KEY UPDATE}";

const RESUME: &str = "
    UPDATE dbos.workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, queue_name = $2, recovery_attempts = 0,
        workflow_deadline_epoch_ms = NULL, deduplication_id = NULL, started_at_epoch_ms = NULL,
        updated_at = {now}, completed_at = NULL
    WHERE workflow_uuid IN {each:$1} AND status NOT IN ('SUCCESS', 'ERROR')
    RETURNING workflow_uuid";

const DELAY: &str = "
    UPDATE dbos.workflow_status SET delay_until_epoch_ms = $2, updated_at = {now}
    WHERE workflow_uuid = $1 AND status = 'DELAYED'";

impl dyn Store {
    /// Puts workflows that have not finished on a queue, without their owner; says which. A missing one fails all.
    /// `Err` inside: nothing happened, because the record of the call was not accepted.
    pub(crate) async fn resume(
        &self,
        workflow_ids: &[String],
        queue: &str,
        record: Option<&Record>,
    ) -> Result<Result<Vec<String>, Outcome>> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let found = transaction
            .query(INTENT, LOCK, params![workflow_ids])
            .await?;
        let found: HashSet<String> = ids(found)?.into_iter().collect();
        let missing = workflow_ids.iter().filter(|id| !found.contains(*id));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(Error::NoSuchWorkflow {
                id: missing.join("`, `"),
            });
        }
        let params = params![workflow_ids, queue];
        let resumed = transaction.query(INTENT, RESUME, params).await?;
        let resumed = ids(resumed)?;
        Ok(transaction.commit_with(record).await?.map(|()| resumed))
    }

    /// Changes how long a workflow waits before it takes its place on its queue. One that does not wait is left alone.
    pub(crate) async fn set_delay(&self, workflow_id: &str, until: i64) -> Result<()> {
        let params = params![workflow_id, until];
        self.write("delay a workflow", DELAY, params).await?;
        Ok(())
    }
}
