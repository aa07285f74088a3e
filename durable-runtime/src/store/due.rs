//! What time does to workflows: a deadline cancels them, the end of a delay lets them run.

use sha2::{Digest, Sha256};

use super::row::Identity;
use super::sql::{Row, first, params};
use super::{Isolation, Store, StoreResult};

const INTENT: &str = "look for deadlines and delays";

/// In how many milliseconds the next deadline or delay ends, within a horizon, of an application; both are parameters.
/// The statuses are repeated as they stand in the indexes.
macro_rules! next_due {
    ($horizon:literal, $application:literal) => {
        concat!(
            "SELECT min(due) - {now} FROM (
                 SELECT min(workflow_deadline_epoch_ms) AS due FROM dbos.workflow_status
                 WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')
                   AND workflow_deadline_epoch_ms IS NOT NULL
                   AND workflow_deadline_epoch_ms <= {now} + ",
            $horizon,
            "      AND (application_name IS NULL OR application_name = ",
            $application,
            "     )
                 UNION ALL
                 SELECT min(delay_until_epoch_ms) FROM dbos.workflow_status
                 WHERE status = 'DELAYED' AND delay_until_epoch_ms <= {now} + ",
            $horizon,
            "      AND (application_name IS NULL OR application_name = ",
            $application,
            "     )
             ) AS times"
        )
    };
}
pub(super) use next_due;

const NEXT: &str = next_due!("$1", "$2");

/// One process of an application at a time. A holder that freezes loses its session, and the lock with it.
const LOCK: &str = "
    {pg:SELECT pg_try_advisory_xact_lock($1)
        FROM set_config('idle_in_transaction_session_timeout', '5000', true)}
    {lite:SELECT $1 IS NOT NULL}";

const CANCEL: &str = "
    WITH due AS (
        SELECT workflow_uuid FROM dbos.workflow_status
        WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')
          AND workflow_deadline_epoch_ms IS NOT NULL
          AND workflow_deadline_epoch_ms <= {now}
          AND (application_name IS NULL OR application_name = $1)
        ORDER BY workflow_deadline_epoch_ms LIMIT 1000 {pg:FOR NO KEY UPDATE SKIP LOCKED})
    UPDATE dbos.workflow_status
    SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, updated_at = {now}, completed_at = {now}
    WHERE workflow_uuid IN (SELECT workflow_uuid FROM due)
    RETURNING workflow_uuid";

/// A debounced workflow lets go of its deduplication id: the next call of its key starts another.
const PROMOTE: &str = "
    WITH due AS (
        SELECT workflow_uuid FROM dbos.workflow_status
        WHERE status = 'DELAYED' AND delay_until_epoch_ms <= {now}
          AND (application_name IS NULL OR application_name = $1)
        ORDER BY delay_until_epoch_ms LIMIT 1000 {pg:FOR NO KEY UPDATE SKIP LOCKED})
    UPDATE dbos.workflow_status
    SET status = 'ENQUEUED',
        deduplication_id = CASE WHEN is_debounced THEN NULL ELSE deduplication_id END
    WHERE workflow_uuid IN (SELECT workflow_uuid FROM due)
    RETURNING queue_name";

/// What was due.
#[derive(Debug)]
pub(crate) struct Due {
    /// The workflows that were cancelled.
    pub(crate) cancelled: Vec<String>,
    /// The queues of those that may run now, one for each workflow.
    pub(crate) promoted: Vec<String>,
}

impl dyn Store {
    /// In how many milliseconds the next deadline or delay of this application ends, if within `horizon_ms`; negative
    /// when it has.
    pub(crate) async fn next_due(
        &self,
        identity: &Identity,
        horizon_ms: i64,
    ) -> StoreResult<Option<i64>> {
        let params = params![horizon_ms, &identity.application_name];
        let rows = self.read(INTENT, NEXT, params).await?;
        Ok(first::<Option<i64>>(rows)?.flatten())
    }

    /// Cancels what has passed its deadline and lets run what was delayed for long enough. `None` when another process
    /// of the application is at it.
    pub(crate) async fn settle_due(&self, identity: &Identity) -> StoreResult<Option<Due>> {
        let application = &identity.application_name;
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let key = job_key(application.as_deref().unwrap_or_default());
        let locked = transaction.query(INTENT, LOCK, params![key]).await?;
        if first(locked)? != Some(true) {
            transaction.rollback().await?;
            return Ok(None);
        }
        let cancelled = transaction.query(
            "cancel workflows at their deadline",
            CANCEL,
            params![application],
        );
        let cancelled = texts(cancelled.await?)?;
        let promoted =
            transaction.query("let delayed workflows run", PROMOTE, params![application]);
        let promoted = texts(promoted.await?)?;
        transaction.commit(&[]).await?;
        Ok(Some(Due {
            cancelled,
            promoted,
        }))
    }
}

fn texts(rows: Vec<Row>) -> StoreResult<Vec<String>> {
    let text = |mut row: Row| Ok(row.take::<Option<_>>(0)?.unwrap_or_default());
    rows.into_iter().map(text).collect()
}

/// The advisory lock under which DBOS does the same for an application: the first 8 bytes of a digest of its name.
fn job_key(application: &str) -> i64 {
    let name = format!("dbos.background_job.dbos.{application}.background_jobs");
    let digest = Sha256::digest(name.as_bytes());
    let first = digest.first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::job_key;

    #[test]
    fn the_key_of_the_lock_is_that_of_dbos() {
        // Computed by DBOS for Python 3.4.0.
        assert_eq!(job_key("rs-app"), 8_502_758_482_468_080_953);
        assert_eq!(job_key(""), 3_846_875_679_211_966_399);
    }
}
