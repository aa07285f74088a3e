//! Takes work off queues.

use super::row::{Claim, ClaimedWorkflow, Reached, Taken};
use super::sql::{Param, Row, params};
use super::{Isolation, Store, StoreResult, Transaction};
use crate::error::StoreError;
use crate::queue::{Queue, RateLimit};

const INTENT: &str = "take work off a queue";

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

/// What is read of a row that was taken. The last column tells whether it has a history: a fresh one needs no look.
macro_rules! taken {
    () => {
        "workflow_uuid, name, class_name, config_name, serialization, recovery_attempts,
         COALESCE((SELECT i.inputs FROM dbos.workflow_input i
                   WHERE i.workflow_uuid = workflow_status.workflow_uuid), inputs),
         workflow_deadline_epoch_ms, authenticated_user, authenticated_roles, assumed_role,
         queue_partition_key, priority, created_at, {pg:0}{lite:rowid},
         EXISTS (SELECT 1 FROM dbos.operation_outputs o
                 WHERE o.workflow_uuid = workflow_status.workflow_uuid)"
    };
}
pub(super) use taken;

/// Rows of one millisecond go in the order of their insertion on SQLite, by id on PostgreSQL, the shorter first: the
/// children of one parent, whose ids end in their number, in the order of their starts.
macro_rules! claim {
    ($partition:literal, $lock:literal) => {
        concat!(
            "WITH chosen AS (
                SELECT workflow_uuid FROM dbos.workflow_status WHERE ",
            candidates!("$1"),
            $partition,
            "   ORDER BY priority, created_at, {pg:length(workflow_uuid), workflow_uuid}{lite:rowid}
                LIMIT $6 ",
            $lock,
            ") ",
            taking!(),
            " WHERE workflow_uuid IN (SELECT workflow_uuid FROM chosen) AND status = 'ENQUEUED'
              RETURNING ",
            taken!()
        )
    };
}

/// Without a shared limit processes pass each other by.
const CLAIM: &str = claim!("", "{pg:FOR UPDATE SKIP LOCKED}");
const CLAIM_PARTITION: &str = claim!(
    " AND queue_partition_key = $8 ",
    "{pg:FOR UPDATE SKIP LOCKED}"
);
/// With one they all look at the same rows, and all but one give way.
const CLAIM_LIMITED: &str = claim!("", "{pg:FOR UPDATE NOWAIT}");
const CLAIM_PARTITION_LIMITED: &str =
    claim!(" AND queue_partition_key = $8 ", "{pg:FOR UPDATE NOWAIT}");

const CLAIMED: &str = concat!(
    "SELECT ",
    taken!(),
    " FROM dbos.workflow_status
      WHERE queue_name = $1 AND status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')
        AND owner_xid = $2"
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
            let rows = self.write(INTENT, sql, parameters(claim, claim.limit));
            (rows.await?, claim.limit, Reached::Asked)
        };
        let workflows = self.with_histories(rows).await?;
        let all = i64::try_from(workflows.len()).is_ok_and(|count| count < limit);
        Ok(Taken {
            workflows,
            reached: (!all).then_some(full),
        })
    }

    /// Gives the rows, how many were asked for, and the limit that this number comes from.
    async fn claim_limited(&self, claim: &Claim<'_>) -> StoreResult<(Vec<Row>, i64, Reached)> {
        let mut transaction = self.begin(isolation(claim)).await?;
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
        self.with_histories(rows).await
    }

    pub(super) async fn with_histories(&self, rows: Vec<Row>) -> StoreResult<Vec<ClaimedWorkflow>> {
        let claimed = in_order(rows)?;
        let recorded: Vec<&str> = claimed
            .iter()
            .filter(|(_, recorded)| *recorded)
            .map(|(workflow, _)| workflow.workflow_id.as_str())
            .collect();
        let mut histories = match recorded.is_empty() {
            true => Default::default(),
            false => self.histories(&recorded).await?,
        };
        let claimed = claimed.into_iter().map(|(workflow, _)| ClaimedWorkflow {
            history: histories.remove(&workflow.workflow_id).unwrap_or_default(),
            ..workflow
        });
        Ok(claimed.collect())
    }
}

/// A limit of the whole queue and one of its partitions are counted over different rows: only serializable
/// transactions see that another partition used up what they count on.
fn isolation(claim: &Claim<'_>) -> Isolation {
    let Queue {
        concurrency,
        limiter,
        ..
    } = claim.queue;
    if claim.partition.is_some() && (concurrency.is_some() || limiter.is_some()) {
        Isolation::Serializable
    } else {
        Isolation::RepeatableRead
    }
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

/// The workflows in the order in which they are to begin, each with whether it has a history.
fn in_order(rows: Vec<Row>) -> Result<Vec<(ClaimedWorkflow, bool)>, StoreError> {
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
