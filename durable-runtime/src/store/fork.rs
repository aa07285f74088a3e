//! Forks: a new workflow with the arguments of another one and its records up to a step.

use serde_json::json;

use super::sql::{first, params};
use super::{Isolation, Outcome, Record, Store, Transaction};
use crate::error::{Error, Result};

const INTENT: &str = "fork a workflow";

/// What a fork needs to know.
#[derive(Debug, Clone)]
pub(crate) struct ForkRequest {
    pub(crate) source: String,
    pub(crate) from: ForkPoint,
    pub(crate) id: String,
    pub(crate) queue: String,
    pub(crate) partition_key: Option<String>,
    /// `None`: whoever runs the latest version may take it.
    pub(crate) version: Option<String>,
    pub(crate) timeout_ms: Option<i64>,
    /// The id of a child in the copied records, and the one that takes its place.
    pub(crate) replaced_children: Vec<(String, String)>,
    /// Owns the fork where nobody owns the source.
    pub(crate) application: Option<String>,
}

/// The first step that is not copied.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ForkPoint {
    Step(i32),
    /// The step that failed last; behind all steps when none did.
    LastFailure,
}

/// Also the lock that keeps the source from recording anything while it is copied.
const MARK: &str = "
    UPDATE dbos.workflow_status SET was_forked_from = TRUE WHERE workflow_uuid = $1
    RETURNING workflow_uuid";

const ROW: &str = "
    INSERT INTO dbos.workflow_status (
        workflow_uuid, status, name, class_name, config_name, application_version, application_id,
        authenticated_user, authenticated_roles, assumed_role, serialization, queue_name,
        queue_partition_key, forked_from, attributes, application_name, workflow_timeout_ms)
    SELECT $2, 'ENQUEUED', name, class_name, config_name, $3, application_id,
           authenticated_user, authenticated_roles, assumed_role, serialization, $4,
           $5, workflow_uuid, attributes, COALESCE(application_name, $6), $7
    FROM dbos.workflow_status WHERE workflow_uuid = $1
    ON CONFLICT (workflow_uuid) DO NOTHING
    RETURNING workflow_uuid";

const INPUT: &str = "
    INSERT INTO dbos.workflow_input (workflow_uuid, inputs)
    SELECT $2, COALESCE(i.inputs, s.inputs) FROM dbos.workflow_status s
    LEFT JOIN dbos.workflow_input i ON i.workflow_uuid = s.workflow_uuid
    WHERE s.workflow_uuid = $1
    ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = excluded.inputs";

/// Where the last step failed. When it failed waiting for a child, the start of the child: waiting again for the same
/// child would give the same failure.
const LAST_FAILURE: &str = "
    SELECT COALESCE((SELECT min(started.function_id) FROM dbos.operation_outputs started
                     WHERE started.workflow_uuid = failed.workflow_uuid
                       AND started.child_workflow_id = failed.child_workflow_id),
                    failed.function_id)
    FROM dbos.operation_outputs failed
    WHERE failed.workflow_uuid = $1 AND failed.error IS NOT NULL
    ORDER BY failed.function_id DESC LIMIT 1";

const END: &str = "
    SELECT COALESCE(max(function_id), 0) + 1 FROM dbos.operation_outputs WHERE workflow_uuid = $1";

const STEPS: &str = "
    INSERT INTO dbos.operation_outputs (
        workflow_uuid, function_id, function_name, output, error, serialization,
        child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms, application_name)
    SELECT $2, o.function_id, o.function_name, o.output, o.error, o.serialization,
           COALESCE((SELECT value ->> 1 FROM {rows:$4} WHERE value ->> 0 = o.child_workflow_id),
                    o.child_workflow_id),
           o.started_at_epoch_ms, o.completed_at_epoch_ms,
           (SELECT application_name FROM dbos.workflow_status WHERE workflow_uuid = $2)
    FROM dbos.operation_outputs o WHERE o.workflow_uuid = $1 AND o.function_id < $3";

const EVENTS_HISTORY: &str = "
    INSERT INTO dbos.workflow_events_history (workflow_uuid, function_id, key, value, serialization)
    SELECT $2, function_id, key, value, serialization FROM dbos.workflow_events_history
    WHERE workflow_uuid = $1 AND function_id < $3";

/// The last value of each key: the history of the fork ends before the first step that is not copied.
const EVENTS: &str = "
    INSERT INTO dbos.workflow_events (workflow_uuid, key, value, serialization)
    SELECT workflow_uuid, key, value, serialization FROM dbos.workflow_events_history h
    WHERE workflow_uuid = $1 AND function_id = (
        SELECT max(function_id) FROM dbos.workflow_events_history l
        WHERE l.workflow_uuid = h.workflow_uuid AND l.key = h.key)";

const STREAMS: &str = "
    INSERT INTO dbos.streams (workflow_uuid, key, value, \"offset\", function_id, serialization)
    SELECT $2, key, value, \"offset\", function_id, serialization FROM dbos.streams
    WHERE workflow_uuid = $1 AND function_id < $3";

impl dyn Store {
    /// Makes the fork, on its queue. Messages are not copied. `Err` inside: nothing happened, because the record of
    /// the call was not accepted.
    pub(crate) async fn fork(
        &self,
        fork: &ForkRequest,
        record: Option<&Record>,
    ) -> Result<Result<(), Outcome>> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let source = &fork.source;
        let marked = transaction.query(INTENT, MARK, params![source]).await?;
        if marked.is_empty() {
            return Err(Error::NoSuchWorkflow { id: source.clone() });
        }
        let row = params![
            source,
            &fork.id,
            &fork.version,
            &fork.queue,
            &fork.partition_key,
            &fork.application,
            fork.timeout_ms,
        ];
        if transaction.query(INTENT, ROW, row).await?.is_empty() {
            let id = fork.id.clone();
            return Err(Error::WorkflowIdInUse { id });
        }
        transaction
            .query(INTENT, INPUT, params![source, &fork.id])
            .await?;
        let step = first_step(&mut transaction, fork).await?;
        if step > 1 {
            copy(&mut transaction, fork, step).await?;
        }
        Ok(transaction.commit_with(record).await?)
    }
}

async fn first_step(transaction: &mut Transaction, fork: &ForkRequest) -> Result<i32> {
    let source = &fork.source;
    match fork.from {
        ForkPoint::Step(step) => Ok(step),
        ForkPoint::LastFailure => {
            let failed = transaction.query(INTENT, LAST_FAILURE, params![source]);
            if let Some(step) = first(failed.await?)? {
                return Ok(step);
            }
            let end = transaction.query(INTENT, END, params![source]).await?;
            Ok(first(end)?.unwrap_or(1))
        }
    }
}

async fn copy(transaction: &mut Transaction, fork: &ForkRequest, step: i32) -> Result<()> {
    let (source, id) = (&fork.source, &fork.id);
    let replaced = fork.replaced_children.iter();
    let replaced: Vec<_> = replaced.map(|(old, new)| json!([old, new])).collect();
    let steps = params![source, id, step, replaced];
    transaction.query(INTENT, STEPS, steps).await?;
    let cut = params![source, id, step];
    transaction
        .query(INTENT, EVENTS_HISTORY, cut.clone())
        .await?;
    transaction.query(INTENT, EVENTS, params![id]).await?;
    transaction.query(INTENT, STREAMS, cut).await?;
    Ok(())
}
