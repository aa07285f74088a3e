//! Takes work off queues.

use std::collections::HashMap;

use super::row::{Claim, ClaimedWorkflow, StepRow};
use super::sql::{Param, Row, params};
use super::{Isolation, Store, StoreResult};
use crate::error::StoreError;

const INTENT: &str = "take work off a queue";

/// The rows of a queue that this process may take. SQLite needs the status as a literal to use the partial index of
/// what is in flight.
macro_rules! candidates {
    () => {
        "queue_name = $1 AND status = 'ENQUEUED' AND status IN ('ENQUEUED', 'PENDING')
         AND (application_name IS NULL OR application_name = $3)
         AND (application_version = $2 OR (application_version IS NULL AND $2 = COALESCE((
              SELECT version_name FROM dbos.application_versions
              WHERE application_name IS NULL OR application_name = $3
              ORDER BY version_timestamp DESC LIMIT 1), $2)))"
    };
}

macro_rules! claimed {
    () => {
        "workflow_uuid, name, class_name, config_name, serialization, recovery_attempts,
         COALESCE((SELECT i.inputs FROM dbos.workflow_input i
                   WHERE i.workflow_uuid = workflow_status.workflow_uuid), inputs),
         workflow_deadline_epoch_ms, authenticated_user, authenticated_roles, assumed_role,
         queue_partition_key, priority, created_at, {pg:0}{lite:rowid}"
    };
}

/// Rows of one millisecond go in the order of their insertion on SQLite, by id on PostgreSQL, the shorter first: the
/// children of one parent, whose ids end in their number, in the order of their starts.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "WITH taken AS (
                SELECT workflow_uuid FROM dbos.workflow_status WHERE ",
            candidates!(),
            "   ORDER BY priority, created_at, {pg:length(workflow_uuid), workflow_uuid}{lite:rowid}
                LIMIT $6 ",
            $lock,
            ")
            UPDATE dbos.workflow_status
            SET status = 'PENDING', owner_xid = $4, executor_id = $5, application_version = $2,
                application_name = COALESCE($3, application_name),
                recovery_attempts = recovery_attempts + 1,
                started_at_epoch_ms = {now}, updated_at = {now},
                workflow_deadline_epoch_ms = COALESCE(workflow_deadline_epoch_ms,
                    CASE WHEN workflow_timeout_ms > 9223372036854775807 - {now}
                         THEN 9223372036854775807 ELSE {now} + workflow_timeout_ms END)
            WHERE workflow_uuid IN (SELECT workflow_uuid FROM taken) AND status = 'ENQUEUED'
            RETURNING ",
            claimed!()
        )
    };
}

/// Without a shared limit processes pass each other by.
const CLAIM: &str = claim!("{pg:FOR UPDATE SKIP LOCKED}");
/// With one they all look at the same rows, and all but one give way.
const CLAIM_LIMITED: &str = claim!("{pg:FOR UPDATE NOWAIT}");

const HAS_WORK: &str = concat!(
    "SELECT 1 FROM dbos.workflow_status WHERE ",
    candidates!(),
    " LIMIT 1"
);

const CLAIMED: &str = concat!(
    "SELECT ",
    claimed!(),
    " FROM dbos.workflow_status
      WHERE queue_name = $1 AND status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')
        AND owner_xid = $2"
);

const RUNNING: &str = "
    SELECT COUNT(*) FROM dbos.workflow_status
    WHERE queue_name = $1 AND status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')
      AND (application_name IS NULL OR application_name = $2)";

const HISTORY: &str = "
    SELECT workflow_uuid, function_id, function_name, output, error, child_workflow_id, serialization
    FROM dbos.operation_outputs WHERE workflow_uuid IN {each:$1}
    ORDER BY workflow_uuid, function_id";

impl dyn Store {
    /// Takes up to `claim.limit` workflows off a queue, each with its input and its whole history.
    pub(crate) async fn claim(&self, claim: &Claim<'_>) -> StoreResult<Vec<ClaimedWorkflow>> {
        // On SQLite an idle queue is seen by reading: it does not make the writer wait.
        if !self.is_shared() {
            let identity = claim.identity;
            let params = params![
                claim.queue,
                &identity.application_version,
                &identity.application_name
            ];
            if self
                .read("look at a queue", HAS_WORK, params)
                .await?
                .is_empty()
            {
                return Ok(Vec::new());
            }
        }
        let rows = match claim.concurrency {
            None => {
                self.write(INTENT, CLAIM, parameters(claim, claim.limit))
                    .await?
            }
            Some(concurrency) => match self.claim_limited(claim, i64::from(concurrency)).await {
                Err(error) if error.lost_to_another() => Vec::new(),
                done => done?,
            },
        };
        self.with_histories(rows).await
    }

    async fn claim_limited(&self, claim: &Claim<'_>, concurrency: i64) -> StoreResult<Vec<Row>> {
        let mut transaction = self.begin(Isolation::RepeatableRead).await?;
        let application = &claim.identity.application_name;
        let running = transaction
            .query(INTENT, RUNNING, params![claim.queue, application])
            .await?;
        let running: i64 = super::sql::first(running)?.unwrap_or_default();
        let limit = claim.limit.min(concurrency - running);
        if limit <= 0 {
            return Ok(Vec::new());
        }
        let rows = transaction
            .query(INTENT, CLAIM_LIMITED, parameters(claim, limit))
            .await?;
        transaction.commit(&[]).await?;
        Ok(rows)
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

    async fn with_histories(&self, rows: Vec<Row>) -> StoreResult<Vec<ClaimedWorkflow>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut claimed = in_order(rows)?;
        let ids: Vec<&str> = claimed
            .iter()
            .map(|workflow| workflow.workflow_id.as_str())
            .collect();
        let mut histories = self.histories(&ids).await?;
        for workflow in &mut claimed {
            workflow.history = histories.remove(&workflow.workflow_id).unwrap_or_default();
        }
        Ok(claimed)
    }

    /// The recorded steps of a workflow, in order.
    pub(crate) async fn steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRow>> {
        let mut histories = self.histories(&[workflow_id]).await?;
        Ok(histories.remove(workflow_id).unwrap_or_default())
    }

    /// The recorded steps of these workflows, by workflow.
    pub(crate) async fn histories(
        &self,
        workflow_ids: &[&str],
    ) -> StoreResult<HashMap<String, Vec<StepRow>>> {
        let mut histories: HashMap<String, Vec<StepRow>> = HashMap::new();
        for mut row in self
            .read("read steps", HISTORY, params![workflow_ids])
            .await?
        {
            histories.entry(row.take(0)?).or_default().push(StepRow {
                position: row.take(1)?,
                name: row.take(2)?,
                output: row.take(3)?,
                error: row.take(4)?,
                child_workflow_id: row.take(5)?,
                serialization: row.take(6)?,
            });
        }
        Ok(histories)
    }
}

fn parameters(claim: &Claim<'_>, limit: i64) -> Vec<Param> {
    let identity = claim.identity;
    params![
        claim.queue,
        &identity.application_version,
        &identity.application_name,
        claim.token,
        &identity.executor_id,
        limit,
    ]
}

fn in_order(rows: Vec<Row>) -> Result<Vec<ClaimedWorkflow>, StoreError> {
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
        claimed.push((order, workflow));
    }
    claimed.sort_by(|(left_order, left), (right_order, right)| {
        let key = |workflow: &ClaimedWorkflow| workflow.workflow_id.len();
        left_order
            .cmp(right_order)
            .then_with(|| key(left).cmp(&key(right)))
            .then_with(|| left.workflow_id.cmp(&right.workflow_id))
    });
    Ok(claimed.into_iter().map(|(_, workflow)| workflow).collect())
}
