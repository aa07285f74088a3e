//! Takes work off queues.

use std::collections::HashMap;

use serde_json::json;

use super::row::{Claim, ClaimedWorkflow, Reached, StepRow, Taken};
use super::sql::{Param, Row, params};
use super::turn::wait_for_turn;
use super::{Isolation, Store, StoreResult, Transaction};
use crate::error::StoreError;
use crate::queue::RateLimit;

pub(super) const INTENT: &str = "take work off a queue";

/// The latest version of an application, whose name is a parameter, or nothing.
macro_rules! latest_version {
    ($application:literal) => {
        concat!(
            "(SELECT version_name FROM dbos.application_versions
              WHERE application_name IS NULL OR application_name = ",
            $application,
            "  ORDER BY version_timestamp DESC LIMIT 1)"
        )
    };
}
pub(super) use latest_version;

/// The rows of a queue that this process (version `$2`, application `$3`) may take. SQLite needs the status as a
/// literal to use the partial index of what is in flight.
macro_rules! candidates {
    ($queue:literal) => {
        concat!(
            "queue_name = ",
            $queue,
            " AND status = 'ENQUEUED' AND status IN ('ENQUEUED', 'PENDING')
              AND (application_name IS NULL OR application_name = $3)
              AND (application_version = $2
                   OR (application_version IS NULL AND $2 = COALESCE(",
            $crate::store::claim::latest_version!("$3"),
            ", $2)))"
        )
    };
}
pub(super) use candidates;

/// Makes a row ours: token `$4`, executor `$5`, and `$7` tells whether its start counts for a limiter.
macro_rules! taking {
    () => {
        "UPDATE dbos.workflow_status
         SET status = 'PENDING', owner_xid = $4, executor_id = $5, application_version = $2,
             application_name = COALESCE($3, application_name),
             recovery_attempts = COALESCE(recovery_attempts, 0) + 1, rate_limited = $7,
             started_at_epoch_ms = {now}, updated_at = {now},
             workflow_deadline_epoch_ms = CASE
                 WHEN workflow_deadline_epoch_ms IS NULL
                      AND workflow_timeout_ms > 9223372036854775807 - {now}
                 THEN 9223372036854775807
                 ELSE COALESCE(workflow_deadline_epoch_ms, {now} + workflow_timeout_ms) END"
    };
}
pub(super) use taking;

/// What is read of a row that was taken. The last column tells whether it has a history: a fresh one needs no look. It
/// is no `EXISTS`, which PostgreSQL may answer by reading the whole table of steps once for each claim.
macro_rules! taken {
    () => {
        "workflow_uuid, name, class_name, config_name, serialization, recovery_attempts,
         COALESCE((SELECT i.inputs FROM dbos.workflow_input i
                   WHERE i.workflow_uuid = workflow_status.workflow_uuid), inputs),
         workflow_deadline_epoch_ms, authenticated_user, authenticated_roles, assumed_role,
         queue_partition_key, priority, created_at, {pg:0}{lite:rowid},
         COALESCE((SELECT TRUE FROM dbos.operation_outputs o
                   WHERE o.workflow_uuid = workflow_status.workflow_uuid LIMIT 1), FALSE)"
    };
}
pub(super) use taken;

/// Rows of one millisecond go in the order of their insertion: on PostgreSQL that is the order in which the index keeps
/// equal keys, as long as nobody moved them. With more to order by it would sort all that waits on the queue. SQLite looks
/// at a limit that is nothing but a parameter when it plans, and plans anew when it changes: hence the plus.
macro_rules! claim {
    ($partition:literal, $lock:literal) => {
        concat!(
            "WITH chosen AS (
                SELECT workflow_uuid FROM dbos.workflow_status WHERE ",
            candidates!("$1"),
            $partition,
            "   ORDER BY priority, created_at{lite:, rowid}
                LIMIT {lite:+}$6 ",
            $lock,
            ") ",
            taking!(),
            // As an array: from a join PostgreSQL may read all that waits on queues instead of the chosen rows.
            " WHERE workflow_uuid {pg:= ANY (ARRAY(SELECT workflow_uuid FROM chosen))}
                                  {lite:IN (SELECT workflow_uuid FROM chosen)}
              RETURNING ",
            taken!()
        )
    };
}

/// Without a shared limit processes pass each other by.
pub(super) const CLAIM: &str = claim!("", "{pg:FOR NO KEY UPDATE SKIP LOCKED}");
const CLAIM_PARTITION: &str = claim!(
    " AND queue_partition_key = $8 ",
    "{pg:FOR NO KEY UPDATE SKIP LOCKED}"
);
/// With one they take turns; a worker of another language that is at the same rows goes first.
const CLAIM_LIMITED: &str = claim!("", "{pg:FOR NO KEY UPDATE NOWAIT}");
const CLAIM_PARTITION_LIMITED: &str = claim!(
    " AND queue_partition_key = $8 ",
    "{pg:FOR NO KEY UPDATE NOWAIT}"
);

pub(super) const CLAIMED: &str = concat!(
    "SELECT ",
    taken!(),
    " FROM dbos.workflow_status
      WHERE queue_name = $1 AND status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')
        AND owner_xid = $2"
);

/// Attempts, given as workflow id and token, as far as they still own their workflow.
const OWNED: &str = concat!(
    "SELECT ",
    taken!(),
    " FROM dbos.workflow_status
      WHERE (workflow_uuid, owner_xid) IN (SELECT value ->> 0, value ->> 1 FROM {rows:$1})
        AND status = 'PENDING'"
);

/// Starts that count for a limiter whose period is given, in milliseconds.
macro_rules! started {
    ($period:literal) => {
        concat!(
            "SELECT COUNT(*) FROM dbos.workflow_status
             WHERE queue_name = $1 AND rate_limited = TRUE AND status NOT IN ('ENQUEUED', 'DELAYED')
               AND started_at_epoch_ms > {now} - ",
            $period,
            "  AND (application_name IS NULL OR application_name = $2)"
        )
    };
}
pub(super) use started;

macro_rules! running {
    () => {
        "SELECT COUNT(*) FROM dbos.workflow_status
         WHERE queue_name = $1 AND status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')
           AND (application_name IS NULL OR application_name = $2)"
    };
}
pub(super) use running;

/// How much of each shared limit is used up; what has no limit is not counted. In the order of the columns of
/// [`used`].
const USED: &str = concat!(
    "SELECT CASE WHEN $4 IS NULL THEN 0 ELSE (",
    started!("$4"),
    ") END, CASE WHEN $5 IS NULL THEN 0 ELSE (",
    started!("$5"),
    "   AND queue_partition_key = $3) END, CASE WHEN $6 THEN (",
    running!(),
    ") ELSE 0 END, CASE WHEN $7 THEN (",
    running!(),
    "   AND queue_partition_key = $3) ELSE 0 END"
);

impl dyn Store {
    /// Takes up to `claim.limit` workflows off a queue, or off one partition of it, each with its input and its whole
    /// history.
    pub(crate) async fn claim(&self, claim: &Claim<'_>) -> StoreResult<Taken> {
        let (rows, limit, full) = if claim.queue.has_shared_limit() {
            self.claim_limited(claim).await?
        } else {
            let sql = match claim.partition {
                None => CLAIM,
                Some(_) => CLAIM_PARTITION,
            };
            let rows = self.write_reserved(INTENT, sql, parameters(claim, claim.limit));
            (rows.await?, claim.limit, Reached::Asked)
        };
        let workflows = self.with_histories(in_order(rows)?).await?;
        let all = i64::try_from(workflows.len()).is_ok_and(|count| count < limit);
        Ok(Taken {
            workflows,
            reached: (!all).then_some(full),
        })
    }

    /// Gives the rows, how many were asked for, and the limit that this number comes from.
    async fn claim_limited(&self, claim: &Claim<'_>) -> StoreResult<(Vec<Row>, i64, Reached)> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        if self.is_shared() {
            wait_for_turn(&mut transaction, claim.queue).await?;
        }
        let (room, full) = room(&mut transaction, claim).await?;
        if room <= 0 {
            transaction.rollback().await?;
            return Ok((Vec::new(), 0, full));
        }
        let sql = match claim.partition {
            None => CLAIM_LIMITED,
            Some(_) => CLAIM_PARTITION_LIMITED,
        };
        let rows = transaction.query(INTENT, sql, parameters(claim, room));
        let rows = rows.await?;
        // The workers of other languages take no turns: one may have taken something since the limits were counted.
        if self.is_shared() && !rows.is_empty() && is_exceeded(&mut transaction, claim).await? {
            transaction.rollback().await?;
            return Ok((Vec::new(), 0, full));
        }
        transaction.commit(&[]).await?;
        Ok((rows, room, full))
    }

    /// The workflows of a queue that a claim with this token took: what an unanswered claim would have given.
    pub(crate) async fn claimed(
        &self,
        queue: &str,
        token: &str,
    ) -> StoreResult<Vec<ClaimedWorkflow>> {
        let intent = "read what was taken off a queue";
        let rows = self.read(intent, CLAIMED, params![queue, token]).await?;
        self.with_histories(in_order(rows)?).await
    }

    /// Those of the attempts, given as workflow id and token, that still own their workflow.
    pub(crate) async fn owned(
        &self,
        attempts: &[(&str, &str)],
    ) -> StoreResult<Vec<ClaimedWorkflow>> {
        let pairs: Vec<_> = attempts
            .iter()
            .map(|(id, token)| json!([id, token]))
            .collect();
        let rows = self.read("read workflows", OWNED, params![pairs]).await?;
        self.with_histories(in_order(rows)?).await
    }

    pub(super) async fn with_histories(
        &self,
        claimed: Vec<Queued>,
    ) -> StoreResult<Vec<ClaimedWorkflow>> {
        let histories = self.histories_of(&claimed).await?;
        Ok(attach(claimed, histories))
    }

    /// The histories of those that have one, by the ids of their workflows.
    pub(super) async fn histories_of(&self, claimed: &[Queued]) -> StoreResult<Histories> {
        let recorded = claimed.iter().filter(|(_, recorded)| *recorded);
        let recorded: Vec<&str> = recorded
            .map(|(workflow, _)| workflow.workflow_id.as_str())
            .collect();
        match recorded.is_empty() {
            true => Ok(Histories::default()),
            false => self.histories(&recorded).await,
        }
    }
}

/// Histories by the ids of their workflows.
pub(super) type Histories = HashMap<String, Vec<StepRow>>;

pub(super) fn attach(claimed: Vec<Queued>, mut histories: Histories) -> Vec<ClaimedWorkflow> {
    let claimed = claimed.into_iter();
    claimed
        .map(|(workflow, _)| ClaimedWorkflow {
            history: histories.remove(&workflow.workflow_id).unwrap_or_default(),
            ..workflow
        })
        .collect()
}

/// True when more runs, or was started, than a limit allows.
async fn is_exceeded(transaction: &mut Transaction, claim: &Claim<'_>) -> StoreResult<bool> {
    let (room, _) = room(transaction, claim).await?;
    Ok(room < 0)
}

/// How many may be taken, and by which limit. The limits are looked at in the order in which they are listed here.
async fn room(transaction: &mut Transaction, claim: &Claim<'_>) -> StoreResult<(i64, Reached)> {
    let queue = claim.queue;
    let period = |limiter: Option<RateLimit>| limiter.map(|limiter| milliseconds(&limiter));
    let params = params![
        queue.name(),
        &claim.identity.application_name,
        claim.partition,
        period(queue.limiter),
        period(queue.partition_limiter),
        queue.concurrency.is_some(),
        queue.partition_concurrency.is_some(),
    ];
    let rows = transaction.query(INTENT, USED, params).await?;
    let used = rows.into_iter().next();
    let mut used = used.ok_or_else(|| StoreError::statement(INTENT)(sqlx::Error::RowNotFound))?;
    let most = |limiter: Option<RateLimit>| limiter.map(|limiter| limiter.limit);
    let limits = [
        (most(queue.limiter), Reached::Queue),
        (most(queue.partition_limiter), Reached::Partition),
        (queue.concurrency, Reached::Queue),
        (queue.partition_concurrency, Reached::Partition),
    ];
    let (mut room, mut full) = (claim.limit, Reached::Asked);
    for (column, (limit, reached)) in limits.into_iter().enumerate() {
        let used: i64 = used.take(column)?;
        if let Some(left) = limit.map(|limit| i64::from(limit) - used)
            && left < room
        {
            (room, full) = (left, reached);
        }
    }
    Ok((room, full))
}

pub(super) fn milliseconds(limiter: &RateLimit) -> i64 {
    i64::try_from(limiter.period.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn parameters(claim: &Claim<'_>, limit: i64) -> Vec<Param> {
    let identity = claim.identity;
    let mut params = params![
        claim.queue.name(),
        &identity.application_version,
        &identity.application_name,
        claim.token,
        &identity.executor_id,
        limit,
        claim.queue.is_rate_limited(),
    ];
    params.extend(claim.partition.map(Param::from));
    params
}

/// A workflow that was taken off a queue, without its history, and whether it has one.
pub(super) type Queued = (ClaimedWorkflow, bool);

/// The workflows in the order in which they are to begin.
pub(super) fn in_order(rows: Vec<Row>) -> StoreResult<Vec<Queued>> {
    let mut claimed = Vec::with_capacity(rows.len());
    for mut row in rows {
        let workflow = ClaimedWorkflow {
            workflow_id: row.take(0)?,
            name: row.take::<Option<_>>(1)?.unwrap_or_default(),
            class: row.take(2)?,
            config: row.take(3)?,
            serialization: row.take(4)?,
            recovery_attempts: row.take::<Option<_>>(5)?.unwrap_or_default(),
            input: row.take(6)?,
            deadline: row.take(7)?,
            authenticated_user: row.take(8)?,
            authenticated_roles: row.take(9)?,
            assumed_role: row.take(10)?,
            partition_key: row.take(11)?,
            history: Vec::new(),
        };
        let order: (i64, i64, i64) = (row.take(12)?, row.take(13)?, row.take(14)?);
        claimed.push((order, workflow, row.take::<bool>(15)?));
    }
    claimed.sort_by(|(left_order, left, _), (right_order, right, _)| {
        let key = |workflow: &ClaimedWorkflow| workflow.workflow_id.len();
        left_order
            .cmp(right_order)
            .then_with(|| key(left).cmp(&key(right)))
            .then_with(|| left.workflow_id.cmp(&right.workflow_id))
    });
    let claimed = claimed.into_iter();
    Ok(claimed
        .map(|(_, workflow, recorded)| (workflow, recorded))
        .collect())
}
