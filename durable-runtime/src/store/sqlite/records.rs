//! Writes records, inside a transaction that the caller began: a statement or two a kind, whatever the size of the
//! batch, because each is handed to the thread of the connection and back. Rows are passed as one JSON array,
//! of which `jsonb_each` gives each row as it was read; of `json_each` each `->>` would read it again.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::SqliteConnection;

use crate::error::StoreError;
use crate::store::record::{CompletionRecord, Outcome, Record, StartRecord, StepRecord};
use crate::store::sql::Session;
use crate::store::{StoreResult, conflict, effect, succession};

/// Starts: their state, what is set beside the columns that all have, and its values.
macro_rules! start {
    ($status:literal, $columns:literal, $values:literal) => {
        concat!(
            "INSERT INTO workflow_status (
                workflow_uuid, status, name, executor_id, application_version, application_id,
                recovery_attempts, queue_name, priority, owner_xid, creator_xid, parent_workflow_id,
                serialization, application_name",
            $columns,
            ") SELECT value ->> 0, ",
            $status,
            ", value ->> 1, value ->> 2, value ->> 3, value ->> 5, value ->> 6 IS NULL, value ->> 6,
               value ->> 7, iif(value ->> 6 IS NULL, value ->> 8, NULL), value ->> 8, value ->> 9,
               value ->> 12, value ->> 4",
            $values,
            " FROM jsonb_each(?1)
              WHERE value ->> 9 IS NULL
                 OR EXISTS (SELECT 1 FROM workflow_status parent
                            WHERE parent.workflow_uuid = value ->> 9
                              AND parent.owner_xid = value ->> 10)
              ON CONFLICT DO NOTHING"
        )
    };
}

/// Starts that have nothing of what most have nothing of: to ask each for it takes half as long again.
const START: &str = start!("iif(value ->> 6 IS NULL, 'PENDING', 'ENQUEUED')", "", "");

const START_WITH_EXTRA: &str = start!(
    "CASE WHEN value ->> 6 IS NULL THEN 'PENDING'
          WHEN value ->> '$[13].delay' IS NOT NULL THEN 'DELAYED' ELSE 'ENQUEUED' END",
    ", class_name, config_name, queue_partition_key, deduplication_id, delay_until_epoch_ms,
       workflow_timeout_ms, workflow_deadline_epoch_ms, authenticated_user, assumed_role,
       authenticated_roles, attributes, schedule_name, debounce_deadline_epoch_ms, is_debounced",
    ", value ->> '$[13].class', value ->> '$[13].config', value ->> '$[13].partition',
       value ->> '$[13].deduplication', value ->> '$[13].delay', value ->> '$[13].timeout',
       value ->> '$[13].deadline', value ->> '$[13].user', value ->> '$[13].role',
       value ->> '$[13].roles', value ->> '$[13].attributes', value ->> '$[13].schedule',
       value ->> '$[13].debounce', value ->> '$[13].debounced' IS NOT NULL"
);

/// The inputs of starts that were all written.
const INPUT: &str = "
    INSERT INTO workflow_input (workflow_uuid, inputs)
    SELECT value ->> 0, value ->> 11 FROM jsonb_each(?1) WHERE TRUE
    ON CONFLICT (workflow_uuid) DO NOTHING";

/// The inputs of those starts that were written.
const INPUT_OF_SOME: &str = "
    INSERT INTO workflow_input (workflow_uuid, inputs)
    SELECT s.workflow_uuid, value ->> 11
    FROM jsonb_each(?1)
    CROSS JOIN workflow_status s
        ON s.workflow_uuid = value ->> 0 AND s.creator_xid = value ->> 8
    WHERE TRUE
    ON CONFLICT (workflow_uuid) DO NOTHING";

const STEP: &str = "
    INSERT INTO operation_outputs (
        workflow_uuid, function_id, function_name, output, error, child_workflow_id,
        started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name)
    SELECT s.workflow_uuid, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 8, value ->> 9,
           iif(value ->> 4 IS NOT NULL OR value ->> 5 IS NOT NULL,
               COALESCE(value ->> 10, 'portable_json'), NULL), s.application_name
    FROM jsonb_each(?1)
    CROSS JOIN workflow_status s
        ON s.workflow_uuid = value ->> 0 AND s.owner_xid = value ->> 1
    WHERE value ->> 7 IS NULL
       OR EXISTS (SELECT 1 FROM workflow_status child
                  WHERE child.workflow_uuid = value ->> 6 AND child.name = value ->> 7)
    ON CONFLICT (workflow_uuid, function_id) DO NOTHING";

/// The plus keeps the status from choosing the index: the rows are found by their keys.
const COMPLETE: &str = "
    UPDATE workflow_status
    SET status = iif(value ->> 3 IS NULL, 'SUCCESS', 'ERROR'), deduplication_id = NULL,
        owner_xid = NULL,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
        completed_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    FROM jsonb_each(?1)
    WHERE workflow_uuid = value ->> 0 AND +status = 'PENDING' AND owner_xid = value ->> 1
    RETURNING workflow_uuid";

const OUTPUT: &str = "
    INSERT INTO workflow_output (workflow_uuid, output, error)
    SELECT value ->> 0, value ->> 2, value ->> 3 FROM jsonb_each(?1) WHERE TRUE
    ON CONFLICT (workflow_uuid) DO UPDATE SET output = excluded.output, error = excluded.error";

/// True when one statement writes the whole batch, so that it needs no transaction around it, and is handed over once.
/// What is to be found out where it did not write is only read.
pub(super) fn is_one_statement(batch: &[Record]) -> bool {
    let is_plain = |record: &Record| matches!(record, Record::Step(it) if it.effects.is_empty());
    batch.iter().all(is_plain)
}

/// Writes all records: starts, then steps, then completions, which is the order that a workflow's records have among
/// themselves. Tells what became of each.
pub(in crate::store) async fn write(
    connection: &mut SqliteConnection,
    batch: &[Record],
) -> StoreResult<Vec<Outcome>> {
    let mut starts = Vec::new();
    let mut steps = Vec::new();
    let mut completions = Vec::new();
    let mut successions = Vec::new();
    for record in batch {
        match record {
            Record::Start(start) => starts.push(start.as_ref()),
            Record::Step(step) => steps.push(step.as_ref()),
            Record::Completion(completion) => completions.push(completion.as_ref()),
            Record::Succession(succession) => successions.push(succession.as_ref()),
        }
    }
    let mut started = write_starts(connection, &starts).await?.into_iter();
    let mut stepped = write_steps(connection, &steps).await?.into_iter();
    let mut completed = write_completions(connection, &completions)
        .await
        .map_err(failed())?
        .into_iter();
    let mut session = Session::Sqlite(connection);
    let mut succeeded = succession::write(&mut session, &successions)
        .await?
        .into_iter();
    Ok(batch
        .iter()
        .filter_map(|record| match record {
            Record::Start(_) => started.next(),
            Record::Step(_) => stepped.next(),
            Record::Completion(_) => completed.next(),
            Record::Succession(_) => succeeded.next(),
        })
        .collect())
}

fn failed() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::statement("write records")
}

/// The rows of a statement: an array of arrays.
fn text(rows: &[impl Serialize]) -> sqlx::Result<String> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn start_row(start: &StartRecord) -> impl Serialize {
    let parent = start.parent.as_ref();
    (
        &start.workflow_id,
        &start.name,
        &start.executor_id,
        &start.application_version,
        &start.application_name,
        &start.application_id,
        &start.queue,
        start.priority,
        &start.token,
        parent.map(|parent| &parent.workflow_id),
        parent.map(|parent| &parent.token),
        &start.input,
        start.serialization(),
        start.extra(),
    )
}

fn step_row(step: &StepRecord) -> impl Serialize {
    (
        &step.workflow_id,
        &step.token,
        step.position,
        &step.name,
        &step.output,
        &step.error,
        &step.child_workflow_id,
        &step.child_name,
        step.started_at,
        step.completed_at,
        &step.serialization,
    )
}

fn completion_row(it: &CompletionRecord) -> impl Serialize {
    let (output, error) = (it.result.as_ref().ok(), it.result.as_ref().err());
    (&it.workflow_id, &it.token, output, error)
}

fn committed<R>(records: &[R]) -> Vec<Outcome> {
    records.iter().map(|_| Outcome::Committed).collect()
}

async fn write_starts(
    connection: &mut SqliteConnection,
    starts: &[&StartRecord],
) -> StoreResult<Vec<Outcome>> {
    if starts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = text(&starts.iter().map(|it| start_row(it)).collect::<Vec<_>>()).map_err(failed())?;
    let plain = starts.iter().all(|start| start.extra().is_none());
    let inserted = sqlx::query(if plain { START } else { START_WITH_EXTRA })
        .bind(&rows)
        .execute(&mut *connection)
        .await
        .map_err(failed())?
        .rows_affected();
    let all = usize::try_from(inserted) == Ok(starts.len());
    sqlx::query(if all { INPUT } else { INPUT_OF_SOME })
        .bind(&rows)
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    if all {
        return Ok(committed(starts));
    }
    let mut outcomes = Vec::with_capacity(starts.len());
    for start in starts {
        outcomes.push(conflict::existing(&mut Session::Sqlite(connection), start).await?);
    }
    Ok(outcomes)
}

async fn write_steps(
    connection: &mut SqliteConnection,
    steps: &[&StepRecord],
) -> StoreResult<Vec<Outcome>> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let rows = text(&steps.iter().map(|it| step_row(it)).collect::<Vec<_>>()).map_err(failed())?;
    let inserted = sqlx::query(STEP)
        .bind(rows)
        .execute(&mut *connection)
        .await
        .map_err(failed())?
        .rows_affected();
    let mut session = Session::Sqlite(connection);
    let mut outcomes = committed(steps);
    if usize::try_from(inserted) != Ok(steps.len()) {
        for (step, outcome) in steps.iter().zip(&mut outcomes) {
            *outcome = conflict::recorded(&mut session, step).await?;
        }
    }
    effect::apply(&mut session, steps, &mut outcomes)
        .await
        .map_err(failed())?;
    Ok(outcomes)
}

async fn write_completions(
    connection: &mut SqliteConnection,
    completions: &[&CompletionRecord],
) -> sqlx::Result<Vec<Outcome>> {
    if completions.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<_> = completions.iter().map(|it| completion_row(it)).collect();
    let completed: Vec<String> = sqlx::query_scalar(COMPLETE)
        .bind(text(&rows)?)
        .fetch_all(&mut *connection)
        .await?;
    let completed: HashSet<_> = completed.into_iter().collect();
    let is_completed = |it: &CompletionRecord| completed.contains(&it.workflow_id);
    let written = completions.iter().filter(|it| is_completed(it));
    let rows: Vec<_> = written.map(|it| completion_row(it)).collect();
    if !rows.is_empty() {
        sqlx::query(OUTPUT)
            .bind(text(&rows)?)
            .execute(connection)
            .await?;
    }
    let outcome = |it: &&CompletionRecord| match is_completed(it) {
        true => Outcome::Committed,
        false => Outcome::Fenced,
    };
    Ok(completions.iter().map(outcome).collect())
}
