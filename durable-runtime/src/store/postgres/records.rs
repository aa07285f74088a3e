//! Writes records: one statement a kind, whatever the size of the batch.
//!
//! Rows are passed as arrays. Each statement locks the rows of the workflows that its records belong to and own (in the
//! order of their ids), and drops the other records: a takeover that is being committed is waited for, and seen.

use std::collections::HashSet;

use sqlx::{PgConnection, Row};

use crate::error::StoreError;
use crate::store::record::{CompletionRecord, Outcome, Record, StartRecord, StepRecord};
use crate::store::sql::Session;
use crate::store::{StoreResult, conflict, effect, succession};

const START: &str = "
    WITH given AS (
        SELECT *, extra_text::jsonb AS extra
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                    $7::text[], $8::int4[], $9::text[], $10::text[], $11::text[], $12::text[],
                    $13::text[], $14::text[]) WITH ORDINALITY
        AS given (id, name, executor, version, application, application_id, queue, priority, token,
                  parent, parent_token, input, serialization, extra_text, number)
    ), children AS (
        SELECT given.* FROM given
        JOIN dbos.workflow_status s
          ON s.workflow_uuid = given.parent AND s.owner_xid = given.parent_token
        ORDER BY s.workflow_uuid, number FOR NO KEY UPDATE OF s
    ), allowed AS (
        SELECT * FROM given WHERE parent IS NULL UNION ALL SELECT * FROM children
    ), started AS (
        INSERT INTO dbos.workflow_status (
            workflow_uuid, status, name, executor_id, application_version, application_id,
            recovery_attempts, queue_name, priority, owner_xid, creator_xid, parent_workflow_id,
            serialization, application_name, class_name, config_name, queue_partition_key,
            deduplication_id, delay_until_epoch_ms, workflow_timeout_ms,
            workflow_deadline_epoch_ms, authenticated_user, assumed_role, authenticated_roles,
            attributes, schedule_name, debounce_deadline_epoch_ms, is_debounced)
        SELECT id,
               CASE WHEN queue IS NULL THEN 'PENDING' WHEN extra ? 'delay' THEN 'DELAYED'
                    ELSE 'ENQUEUED' END,
               name, executor, version, application_id,
               CASE WHEN queue IS NULL THEN 1 ELSE 0 END, queue, priority,
               CASE WHEN queue IS NULL THEN token END, token, parent, serialization, application,
               extra ->> 'class', extra ->> 'config', extra ->> 'partition',
               extra ->> 'deduplication', (extra ->> 'delay')::int8, (extra ->> 'timeout')::int8,
               (extra ->> 'deadline')::int8, extra ->> 'user', extra ->> 'role', extra ->> 'roles',
               (extra ->> 'attributes')::jsonb, extra ->> 'schedule',
               (extra ->> 'debounce')::int8, COALESCE(extra ? 'debounced', FALSE)
        FROM allowed
        ON CONFLICT DO NOTHING
        RETURNING workflow_uuid, creator_xid
    ), inputs AS (
        INSERT INTO dbos.workflow_input (workflow_uuid, inputs)
        SELECT id, max(input) FROM (
            SELECT id, token, input FROM allowed
            UNION ALL SELECT workflow_uuid, creator_xid, NULL FROM started
        ) AS pairs GROUP BY id, token HAVING count(*) = 2
        ON CONFLICT (workflow_uuid) DO NOTHING
    )
    SELECT creator_xid FROM started";

const STEP: &str = "
    WITH given AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::text[],
                             $7::text[], $8::text[], $9::int8[], $10::int8[], $11::text[])
        AS given (id, token, position, name, output, error, child, child_name, started, completed,
                  serialization)
    ), owned AS (
        SELECT given.*, s.application_name FROM given
        JOIN dbos.workflow_status s ON s.workflow_uuid = given.id AND s.owner_xid = given.token
        ORDER BY s.workflow_uuid FOR NO KEY UPDATE OF s
    )
    INSERT INTO dbos.operation_outputs (
        workflow_uuid, function_id, function_name, output, error, child_workflow_id,
        started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name)
    SELECT id, position, name, output, error, child, started, completed,
           CASE WHEN output IS NOT NULL OR error IS NOT NULL
                THEN COALESCE(serialization, 'portable_json') END, application_name
    FROM owned
    WHERE child_name IS NULL OR EXISTS (
        SELECT 1 FROM dbos.workflow_status c
        WHERE c.workflow_uuid = owned.child AND c.name = owned.child_name)
    ON CONFLICT (workflow_uuid, function_id) DO NOTHING
    RETURNING workflow_uuid, function_id";

/// The status is that of the locked row. Asked of the table it would lead the planner to the index of all that is
/// pending, which it would read once for each batch.
const COMPLETE: &str = "
    WITH given AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        AS given (id, token, output, error)
    ), owned AS (
        SELECT given.*, s.status FROM given
        JOIN dbos.workflow_status s ON s.workflow_uuid = given.id AND s.owner_xid = given.token
        ORDER BY s.workflow_uuid FOR NO KEY UPDATE OF s
    ), completed AS (
        UPDATE dbos.workflow_status s
        SET status = CASE WHEN owned.error IS NULL THEN 'SUCCESS' ELSE 'ERROR' END,
            deduplication_id = NULL, owner_xid = NULL,
            updated_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
            completed_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint
        FROM owned
        WHERE s.workflow_uuid = owned.id AND owned.status = 'PENDING'
        RETURNING s.workflow_uuid, owned.output, owned.error
    ), outputs AS (
        INSERT INTO dbos.workflow_output (workflow_uuid, output, error)
        SELECT workflow_uuid, output, error FROM completed
        ON CONFLICT (workflow_uuid) DO UPDATE
        SET output = excluded.output, error = excluded.error
    )
    SELECT workflow_uuid FROM completed";

/// Every statement here finds its rows by their keys, however many it is given, and joins nothing but what was given
/// to a table. Left alone, the planner plans each run anew, which takes longer than the run itself; told to keep a plan,
/// it may keep one that reads whole tables, made while they were empty.
const SETTINGS: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// Prepares a connection that only writes records and takes work off queues.
pub(super) async fn prepare(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(SETTINGS).execute(connection).await?;
    Ok(())
}

/// True when one statement writes the whole batch, so that it needs no transaction around it.
pub(super) fn is_one_statement(batch: &[Record]) -> bool {
    let mut kinds = batch.iter().map(std::mem::discriminant);
    let first = kinds.next();
    let several = |record: &Record| match record {
        Record::Step(step) => !step.effects.is_empty(),
        Record::Succession(_) => true,
        Record::Start(_) | Record::Completion(_) => false,
    };
    kinds.all(|kind| Some(kind) == first) && !batch.iter().any(several)
}

/// Writes all records: starts, then steps, then completions, then successions, which is the order that a workflow's records have among
/// themselves. Tells what became of each.
pub(in crate::store) async fn write(
    connection: &mut PgConnection,
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
    let mut completed = write_completions(&mut *connection, &completions)
        .await?
        .into_iter();
    let mut session = Session::Postgres(connection);
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

fn column<'r, R, T>(records: &[&'r R], value: impl Fn(&'r R) -> T) -> Vec<T> {
    records.iter().map(|record| value(record)).collect()
}

async fn write_starts(
    connection: &mut PgConnection,
    starts: &[&StartRecord],
) -> StoreResult<Vec<Outcome>> {
    if starts.is_empty() {
        return Ok(Vec::new());
    }
    let inserted: Vec<String> = sqlx::query_scalar(START)
        .bind(column(starts, |start| start.workflow_id.as_str()))
        .bind(column(starts, |start| start.name.as_str()))
        .bind(column(starts, |start| start.executor_id.as_deref()))
        .bind(column(starts, |start| start.application_version.as_deref()))
        .bind(column(starts, |start| start.application_name.as_deref()))
        .bind(column(starts, |start| start.application_id.as_deref()))
        .bind(column(starts, |start| start.queue.as_deref()))
        .bind(column(starts, |start| start.priority))
        .bind(column(starts, |start| start.token.as_str()))
        .bind(column(starts, |start| {
            start.parent.as_ref().map(|it| it.workflow_id.as_str())
        }))
        .bind(column(starts, |start| {
            start.parent.as_ref().map(|it| it.token.as_str())
        }))
        .bind(column(starts, |start| start.input.as_str()))
        .bind(column(starts, |start| start.serialization()))
        .bind(column(starts, |start| {
            start.extra().map(|extra| extra.to_string())
        }))
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
    let inserted: HashSet<_> = inserted.into_iter().collect();
    let mut outcomes = Vec::with_capacity(starts.len());
    for start in starts {
        outcomes.push(match inserted.contains(&start.token) {
            true => Outcome::Committed,
            false => conflict::existing(&mut Session::Postgres(connection), start).await?,
        });
    }
    Ok(outcomes)
}

async fn write_steps(
    connection: &mut PgConnection,
    steps: &[&StepRecord],
) -> StoreResult<Vec<Outcome>> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(STEP)
        .bind(column(steps, |step| step.workflow_id.as_str()))
        .bind(column(steps, |step| step.token.as_str()))
        .bind(column(steps, |step| step.position))
        .bind(column(steps, |step| step.name.as_ref()))
        .bind(column(steps, |step| step.output.as_deref()))
        .bind(column(steps, |step| step.error.as_deref()))
        .bind(column(steps, |step| step.child_workflow_id.as_deref()))
        .bind(column(steps, |step| step.child_name.as_deref()))
        .bind(column(steps, |step| step.started_at))
        .bind(column(steps, |step| step.completed_at))
        .bind(column(steps, |step| step.serialization.as_deref()))
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
    let mut outcomes: Vec<Outcome> = steps.iter().map(|_| Outcome::Committed).collect();
    if rows.len() != steps.len() {
        let mut inserted = HashSet::new();
        for row in &rows {
            let id: &str = row.try_get(0).map_err(failed())?;
            inserted.insert((id, row.try_get::<i32, _>(1).map_err(failed())?));
        }
        for (step, outcome) in steps.iter().zip(&mut outcomes) {
            if !inserted.contains(&(step.workflow_id.as_str(), step.position)) {
                *outcome = conflict::recorded(&mut Session::Postgres(connection), step).await?;
            }
        }
    }
    let mut session = Session::Postgres(connection);
    effect::apply(&mut session, steps, &mut outcomes)
        .await
        .map_err(failed())?;
    Ok(outcomes)
}

async fn write_completions(
    connection: &mut PgConnection,
    completions: &[&CompletionRecord],
) -> StoreResult<Vec<Outcome>> {
    if completions.is_empty() {
        return Ok(Vec::new());
    }
    let completed: Vec<String> = sqlx::query_scalar(COMPLETE)
        .bind(column(completions, |it| it.workflow_id.as_str()))
        .bind(column(completions, |it| it.token.as_str()))
        .bind(column(completions, |it| it.result.as_deref().ok()))
        .bind(column(completions, |it| {
            it.result.as_ref().err().map(String::as_str)
        }))
        .fetch_all(connection)
        .await
        .map_err(failed())?;
    let completed: HashSet<_> = completed.into_iter().collect();
    let outcome = |it: &&CompletionRecord| match completed.contains(&it.workflow_id) {
        true => Outcome::Committed,
        false => Outcome::Fenced,
    };
    Ok(completions.iter().map(outcome).collect())
}
