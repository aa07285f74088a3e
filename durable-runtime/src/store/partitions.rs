//! Partitioned queues: which keys have work, and the one statement that serves them all.

use super::claim::{
    candidates, in_order, milliseconds, parameters, running, started, taken, taking,
};
use super::row::{Claim, ClaimedWorkflow, Identity};
use super::sql::params;
use super::turn::wait_for_turn;
use super::{Isolation, Store, StoreResult};
use crate::queue::Queue;

/// How many keys one sweep serves at most. The others have their turn at the next.
pub(crate) const SWEEP: i64 = 8192;

/// The distinct keys of a queue, one index seek each: the cost does not grow with what waits behind them.
macro_rules! keys {
    ($application:literal) => {
        concat!(
            "WITH RECURSIVE keys(key) AS (
                SELECT MIN(queue_partition_key) FROM dbos.workflow_status
                WHERE queue_partition_key IS NOT NULL AND ",
            keys!(enqueued $application),
            "   UNION ALL
                SELECT (SELECT MIN(queue_partition_key) FROM dbos.workflow_status
                        WHERE queue_partition_key > keys.key AND ",
            keys!(enqueued $application),
            "          )
                FROM keys WHERE keys.key IS NOT NULL)"
        )
    };
    (enqueued $application:literal) => {
        concat!(
            "queue_name = $1 AND status = 'ENQUEUED' AND status IN ('ENQUEUED', 'PENDING')
             AND (application_name IS NULL OR application_name = ",
            $application,
            ")"
        )
    };
}

/// A first look, so that no transaction is spent on keys that are full: the claim of each counts again.
const KEYS: &str = concat!(
    keys!("$2"),
    " SELECT key FROM keys
      WHERE key IS NOT NULL
        AND ($3 IS NULL OR $3 > (",
    running!(),
    "        AND queue_partition_key = key))
        AND ($4 IS NULL OR $4 > (",
    started!("$5"),
    "        AND queue_partition_key = key))
      ORDER BY random() LIMIT $6"
);

/// Takes the first row of every key of which nothing runs, whoever owns it. Fixes the rows before it locks them: one
/// that another process takes meanwhile is left out, and none behind it is taken in its place.
const TAKE_FIRST_OF_EACH: &str = concat!(
    keys!("$3"),
    ", free AS {pg:MATERIALIZED} (
          SELECT key FROM keys
          WHERE key IS NOT NULL AND NOT EXISTS (
              SELECT 1 FROM dbos.workflow_status
              WHERE queue_name = $1 AND status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')
                AND queue_partition_key IS NOT NULL AND queue_partition_key = key)
          ORDER BY CASE WHEN $8 THEN random() END, key LIMIT $6),
      heads AS {pg:MATERIALIZED} (
          SELECT (SELECT workflow_uuid FROM dbos.workflow_status
                  WHERE queue_partition_key = key AND ",
    candidates!("$1"),
    "             ORDER BY priority, created_at, workflow_uuid LIMIT 1) AS workflow_uuid
          FROM free),
      locked AS (
          SELECT workflow_uuid FROM dbos.workflow_status
          WHERE workflow_uuid IN (SELECT workflow_uuid FROM heads)
            AND queue_partition_key IS NOT NULL AND ",
    candidates!("$1"),
    "     {pg:FOR NO KEY UPDATE SKIP LOCKED}) ",
    taking!(),
    " WHERE workflow_uuid IN (SELECT workflow_uuid FROM locked) AND status = 'ENQUEUED'
        AND queue_name = $1
      RETURNING ",
    taken!()
);

const INTENT: &str = "take work off a partitioned queue";

impl dyn Store {
    /// The partitions of a queue that have work and, at this moment, room; in random order, so that all get their
    /// turn.
    pub(crate) async fn partitions(
        &self,
        queue: &Queue,
        identity: &Identity,
    ) -> StoreResult<Vec<String>> {
        let limiter = queue.partition_limiter;
        let params = params![
            queue.name(),
            &identity.application_name,
            queue.partition_concurrency.map(i64::from),
            limiter.map(|limiter| i64::from(limiter.limit)),
            limiter.as_ref().map(milliseconds),
            SWEEP,
        ];
        let rows = self.read("list the partitions of a queue", KEYS, params);
        let rows = rows.await?.into_iter();
        rows.map(|mut row| row.take(0)).collect()
    }

    /// Takes one workflow off every partition of which none runs, `claim.limit` at most: for a queue of which one of
    /// each partition may run, and that has no other shared limit.
    pub(crate) async fn sweep(&self, claim: &Claim<'_>) -> StoreResult<Vec<ClaimedWorkflow>> {
        let mut params = parameters(claim, claim.limit.min(SWEEP));
        params.extend(params![claim.limit < SWEEP]);
        let rows = if self.is_shared() {
            let mut transaction = self.begin(Isolation::ReadCommitted).await?;
            wait_for_turn(&mut transaction, claim.queue).await?;
            let rows = transaction
                .query(INTENT, TAKE_FIRST_OF_EACH, params)
                .await?;
            transaction.commit(&[]).await?;
            rows
        } else {
            self.write(INTENT, TAKE_FIRST_OF_EACH, params).await?
        };
        self.with_histories(in_order(rows)?).await
    }
}
