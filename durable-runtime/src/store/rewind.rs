//! Rewinds a finished workflow: it forgets what it did from a step on, and does it again under the same id.

use super::row::Status;
use super::sql::{first, params};
use super::{Isolation, Outcome, Record, Store};
use crate::error::{Error, Result, StoreError};

const INTENT: &str = "rewind a workflow";

/// What a rewind needs to know.
#[derive(Debug, Clone)]
pub(crate) struct RewindRequest {
    pub(crate) workflow_id: String,
    /// The first step that is done again, from 1.
    pub(crate) step: i32,
    /// `None`: the version stays.
    pub(crate) version: Option<String>,
    pub(crate) queue: String,
    pub(crate) partition_key: Option<String>,
}

const LOCK: &str = "
    SELECT status FROM dbos.workflow_status WHERE workflow_uuid = $1 {pg:FOR NO KEY UPDATE}";

/// Events get the last value that they had before the step, or go.
const FORGET_EVENTS: &str = "
    DELETE FROM dbos.workflow_events WHERE workflow_uuid = $1 AND key IN (
        SELECT key FROM dbos.workflow_events_history
        WHERE workflow_uuid = $1 AND function_id >= $2)";

const FORGET_EVENTS_HISTORY: &str = "
    DELETE FROM dbos.workflow_events_history WHERE workflow_uuid = $1 AND function_id >= $2";

const RESTORE_EVENTS: &str = "
    INSERT INTO dbos.workflow_events (workflow_uuid, key, value, serialization)
    SELECT workflow_uuid, key, value, serialization FROM dbos.workflow_events_history h
    WHERE workflow_uuid = $1 AND function_id = (
        SELECT max(function_id) FROM dbos.workflow_events_history l
        WHERE l.workflow_uuid = h.workflow_uuid AND l.key = h.key)
    ON CONFLICT (workflow_uuid, key) DO NOTHING";

/// Readers stop at the mark of a closed stream: what is written again would never be read. The other entries stay.
const REOPEN_STREAMS: &str = "
    DELETE FROM dbos.streams
    WHERE workflow_uuid = $1 AND function_id >= $2 AND serialization = 'portable_json'
      AND value = '\"__DBOS_STREAM_CLOSED__\"'";

const FORGET_STEPS: &str = "
    DELETE FROM dbos.operation_outputs WHERE workflow_uuid = $1 AND function_id >= $2";

const FORGET_MESSAGES: &str = "
    DELETE FROM dbos.notifications
    WHERE destination_uuid = $1 AND (consumed_by_function_id >= $2 OR consumed = FALSE)";

const FORGET_OUTPUT: &str = "DELETE FROM dbos.workflow_output WHERE workflow_uuid = $1";

const ENQUEUE: &str = "
    UPDATE dbos.workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, application_version = COALESCE($2, application_version),
        queue_name = $3, queue_partition_key = $4, recovery_attempts = 0,
        workflow_deadline_epoch_ms = NULL, deduplication_id = NULL, started_at_epoch_ms = NULL,
        updated_at = {now}, completed_at = NULL, output = NULL, error = NULL
    WHERE workflow_uuid = $1";

impl dyn Store {
    /// Drops the records of a finished workflow from a step on, and puts it on a queue. `Err` inside: nothing
    /// happened, because the record of the call was not accepted.
    pub(crate) async fn rewind(
        &self,
        rewind: &RewindRequest,
        record: Option<&Record>,
    ) -> Result<Result<(), Outcome>> {
        let id = &rewind.workflow_id;
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let status = transaction.query(INTENT, LOCK, params![id]).await?;
        let status: String =
            first(status)?.ok_or_else(|| Error::NoSuchWorkflow { id: id.clone() })?;
        let corrupt = |reason| StoreError::Corrupt {
            workflow_id: id.clone(),
            reason,
        };
        let status: Status = status.parse().map_err(corrupt)?;
        if !status.is_finished() {
            return Err(Error::Misuse(format!(
                "workflow `{id}` is {status} and cannot be rewound: only one that has finished can; cancel it first"
            )));
        }
        for forget in [
            FORGET_EVENTS,
            FORGET_EVENTS_HISTORY,
            REOPEN_STREAMS,
            FORGET_STEPS,
            FORGET_MESSAGES,
        ] {
            let cut = params![id, rewind.step];
            transaction.query(INTENT, forget, cut).await?;
        }
        for rest in [RESTORE_EVENTS, FORGET_OUTPUT] {
            transaction.query(INTENT, rest, params![id]).await?;
        }
        let enqueue = params![id, &rewind.version, &rewind.queue, &rewind.partition_key];
        transaction.query(INTENT, ENQUEUE, enqueue).await?;
        Ok(transaction.commit_with(record).await?)
    }
}
