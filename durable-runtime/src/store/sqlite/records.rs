//! Writes records, inside a transaction that the caller began: a statement or two a kind, whatever the size of the
//! batch, because each is handed to the thread of the connection and back. Rows are passed as one JSON array.

use std::collections::HashSet;
use std::str::FromStr;

use serde::Serialize;
use serde_json::json;
use sqlx::{Row, SqliteConnection};

use crate::error::StoreError;
use crate::store::{
    CompletionRecord, ExistingWorkflow, Found, Outcome, Record, StartRecord, Status, StepRecord,
    StoreResult,
};
use crate::value::PORTABLE_JSON;

const START: &str = "
    INSERT INTO workflow_status (
        workflow_uuid, status, name, executor_id, application_version, application_id,
        recovery_attempts, queue_name, priority, owner_xid, creator_xid, parent_workflow_id,
        serialization, application_name)
    SELECT value ->> 0, iif(value ->> 5 IS NULL, 'PENDING', 'ENQUEUED'), value ->> 1, value ->> 2,
           value ->> 3, '', value ->> 5 IS NULL, value ->> 5, value ->> 6,
           iif(value ->> 5 IS NULL, value ->> 7, NULL), value ->> 7, value ->> 8, ?2, value ->> 4
    FROM json_each(?1)
    WHERE value ->> 8 IS NULL
       OR EXISTS (SELECT 1 FROM workflow_status parent
                  WHERE parent.workflow_uuid = value ->> 8 AND parent.owner_xid = value ->> 9)
    ON CONFLICT (workflow_uuid) DO NOTHING";

const INPUT: &str = "
    INSERT INTO workflow_input (workflow_uuid, inputs)
    SELECT s.workflow_uuid, value ->> 10
    FROM json_each(?1)
    CROSS JOIN workflow_status s
        ON s.workflow_uuid = value ->> 0 AND s.creator_xid = value ->> 7
    WHERE TRUE
    ON CONFLICT (workflow_uuid) DO NOTHING";

const EXISTING: &str =
    "SELECT name, status, creator_xid FROM workflow_status WHERE workflow_uuid = ?1";

const STEP: &str = "
    INSERT INTO operation_outputs (
        workflow_uuid, function_id, function_name, output, error, child_workflow_id,
        started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name)
    SELECT s.workflow_uuid, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 8, value ->> 9,
           iif(value ->> 4 IS NOT NULL OR value ->> 5 IS NOT NULL, ?2, NULL), s.application_name
    FROM json_each(?1)
    CROSS JOIN workflow_status s
        ON s.workflow_uuid = value ->> 0 AND s.owner_xid = value ->> 1
    WHERE value ->> 7 IS NULL
       OR EXISTS (SELECT 1 FROM workflow_status child
                  WHERE child.workflow_uuid = value ->> 6 AND child.name = value ->> 7)
    ON CONFLICT (workflow_uuid, function_id) DO NOTHING";

const RECORDED: &str = "
    SELECT s.owner_xid IS ?3, o.function_id IS NOT NULL,
           o.function_name IS ?4 AND o.output IS ?5 AND o.error IS ?6
           AND o.child_workflow_id IS ?7 AND o.completed_at_epoch_ms IS ?8
    FROM workflow_status s
    LEFT JOIN operation_outputs o ON o.workflow_uuid = s.workflow_uuid AND o.function_id = ?2
    WHERE s.workflow_uuid = ?1";

/// The plus keeps the status from choosing the index: the rows are found by their keys.
const COMPLETE: &str = "
    UPDATE workflow_status
    SET status = iif(value ->> 3 IS NULL, 'SUCCESS', 'ERROR'), deduplication_id = NULL,
        owner_xid = NULL,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
        completed_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    FROM json_each(?1)
    WHERE workflow_uuid = value ->> 0 AND +status = 'PENDING' AND owner_xid = value ->> 1
    RETURNING workflow_uuid";

const OUTPUT: &str = "
    INSERT INTO workflow_output (workflow_uuid, output, error)
    SELECT value ->> 0, value ->> 2, value ->> 3 FROM json_each(?1) WHERE TRUE
    ON CONFLICT (workflow_uuid) DO UPDATE SET output = excluded.output, error = excluded.error";

/// Writes all records: starts, then steps, then completions, which is the order that a workflow's records have among
/// themselves. Tells what became of each.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    batch: &[Record],
) -> StoreResult<Vec<Outcome>> {
    let mut starts = Vec::new();
    let mut steps = Vec::new();
    let mut completions = Vec::new();
    for record in batch {
        match record {
            Record::Start(start) => starts.push(start.as_ref()),
            Record::Step(step) => steps.push(step.as_ref()),
            Record::Completion(completion) => completions.push(completion.as_ref()),
        }
    }
    let failed = || StoreError::statement("write records");
    let mut started = write_starts(connection, &starts)
        .await
        .map_err(failed())?
        .into_iter();
    let mut stepped = write_steps(connection, &steps)
        .await
        .map_err(failed())?
        .into_iter();
    let mut completed = write_completions(connection, &completions)
        .await
        .map_err(failed())?
        .into_iter();
    Ok(batch
        .iter()
        .filter_map(|record| match record {
            Record::Start(_) => started.next(),
            Record::Step(_) => stepped.next(),
            Record::Completion(_) => completed.next(),
        })
        .collect())
}

/// The rows of a statement: an array of arrays.
fn text(rows: &[impl Serialize]) -> sqlx::Result<String> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn committed<R>(records: &[R]) -> Vec<Outcome> {
    records.iter().map(|_| Outcome::Committed).collect()
}

async fn write_starts(
    connection: &mut SqliteConnection,
    starts: &[&StartRecord],
) -> sqlx::Result<Vec<Outcome>> {
    if starts.is_empty() {
        return Ok(Vec::new());
    }
    let row = |start: &&StartRecord| {
        let parent = start.parent.as_ref();
        json!([
            start.workflow_id,
            start.name,
            start.executor_id,
            start.application_version,
            start.application_name,
            start.queue,
            start.priority,
            start.token,
            parent.map(|parent| &parent.workflow_id),
            parent.map(|parent| &parent.token),
            start.input,
        ])
    };
    let rows = text(&starts.iter().map(row).collect::<Vec<_>>())?;
    let inserted = sqlx::query(START)
        .bind(&rows)
        .bind(PORTABLE_JSON)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    sqlx::query(INPUT)
        .bind(&rows)
        .execute(&mut *connection)
        .await?;
    if usize::try_from(inserted) == Ok(starts.len()) {
        return Ok(committed(starts));
    }
    let mut outcomes = Vec::with_capacity(starts.len());
    for start in starts {
        outcomes.push(what_is_there(connection, start).await?);
    }
    Ok(outcomes)
}

async fn what_is_there(
    connection: &mut SqliteConnection,
    start: &StartRecord,
) -> sqlx::Result<Outcome> {
    let existing = sqlx::query(EXISTING)
        .bind(&start.workflow_id)
        .fetch_optional(connection)
        .await?;
    let Some(row) = existing else {
        return Ok(Outcome::Fenced);
    };
    if row.try_get::<Option<&str>, _>(2)? == Some(&start.token) {
        return Ok(Outcome::Committed);
    }
    let status = Status::from_str(row.try_get(1)?).unwrap_or(Status::Pending);
    Ok(Outcome::Exists(ExistingWorkflow {
        name: row.try_get(0)?,
        status,
    }))
}

async fn write_steps(
    connection: &mut SqliteConnection,
    steps: &[&StepRecord],
) -> sqlx::Result<Vec<Outcome>> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let row = |step: &&StepRecord| {
        json!([
            step.workflow_id,
            step.token,
            step.position,
            step.name,
            step.output,
            step.error,
            step.child_workflow_id,
            step.child_name,
            step.started_at,
            step.completed_at,
        ])
    };
    let inserted = sqlx::query(STEP)
        .bind(text(&steps.iter().map(row).collect::<Vec<_>>())?)
        .bind(PORTABLE_JSON)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if usize::try_from(inserted) == Ok(steps.len()) {
        return Ok(committed(steps));
    }
    let mut outcomes = Vec::with_capacity(steps.len());
    for step in steps {
        outcomes.push(what_is_recorded(connection, step).await?);
    }
    Ok(outcomes)
}

async fn what_is_recorded(
    connection: &mut SqliteConnection,
    step: &StepRecord,
) -> sqlx::Result<Outcome> {
    let found = sqlx::query(RECORDED)
        .bind(&step.workflow_id)
        .bind(step.position)
        .bind(&step.token)
        .bind(step.name.as_ref())
        .bind(&step.output)
        .bind(&step.error)
        .bind(&step.child_workflow_id)
        .bind(step.completed_at)
        .fetch_optional(connection)
        .await?;
    let Some(row) = found else {
        return Ok(Outcome::Fenced);
    };
    let same: Option<bool> = row.try_get(2)?;
    let found = Found {
        owned: row.try_get(0)?,
        recorded: row.try_get(1)?,
        same: same == Some(true),
    };
    Ok(found.outcome())
}

async fn write_completions(
    connection: &mut SqliteConnection,
    completions: &[&CompletionRecord],
) -> sqlx::Result<Vec<Outcome>> {
    if completions.is_empty() {
        return Ok(Vec::new());
    }
    let row = |it: &CompletionRecord| {
        let (output, error) = (it.result.as_ref().ok(), it.result.as_ref().err());
        json!([it.workflow_id, it.token, output, error])
    };
    let rows: Vec<_> = completions.iter().map(|it| row(it)).collect();
    let completed: Vec<String> = sqlx::query_scalar(COMPLETE)
        .bind(text(&rows)?)
        .fetch_all(&mut *connection)
        .await?;
    let completed: HashSet<_> = completed.into_iter().collect();
    let is_completed = |it: &CompletionRecord| completed.contains(&it.workflow_id);
    let written = completions.iter().filter(|it| is_completed(it));
    let rows: Vec<_> = written.map(|it| row(it)).collect();
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
