//! Writes records: one statement, whatever is in the batch.

use std::collections::HashSet;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row as _};

use super::statement::{self, Existing, Parts};
use crate::error::StoreError;
use crate::store::record::{
    CompletionRecord, Outcome, Record, StartRecord, StepRecord, SuccessionRecord,
};
use crate::store::row::Claim;
use crate::store::sql::{self, Row, Session};
use crate::store::{StoreResult, conflict, effect, succession};

/// Prepares a connection that only writes records and takes work off queues.
pub(super) async fn prepare(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(statement::SETTINGS)
        .execute(connection)
        .await?;
    Ok(())
}

/// The records of a batch by their kinds.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch<'r> {
    records: &'r [Record],
    starts: Vec<&'r StartRecord>,
    /// Steps of workflows that do not end in the batch.
    steps: Vec<&'r StepRecord>,
    ends: Vec<&'r CompletionRecord>,
    /// Steps of those that do.
    last_steps: Vec<&'r StepRecord>,
    successions: Vec<&'r SuccessionRecord>,
}

impl<'r> Batch<'r> {
    pub(super) fn of(records: &'r [Record]) -> Self {
        let ends = records.iter().filter_map(|record| match record {
            Record::Completion(it) => Some((it.workflow_id.as_str(), it.token.as_str())),
            _ => None,
        });
        let ending: HashSet<_> = ends.collect();
        let mut batch = Self {
            records,
            ..Self::default()
        };
        for record in records {
            match record {
                Record::Start(start) => batch.starts.push(start),
                Record::Step(step) if ending.contains(&(&step.workflow_id, &step.token)) => {
                    batch.last_steps.push(step);
                }
                Record::Step(step) => batch.steps.push(step),
                Record::Completion(end) => batch.ends.push(end),
                Record::Succession(succession) => batch.successions.push(succession),
            }
        }
        batch
    }

    fn all_steps(&self) -> impl Iterator<Item = &'r StepRecord> {
        self.steps.iter().chain(&self.last_steps).copied()
    }

    /// How many records a statement writes, without what it takes off a queue.
    fn written(&self) -> usize {
        self.starts.len() + self.steps.len() + self.ends.len() + self.last_steps.len()
    }

    /// True when one statement writes the whole batch, so that it needs no transaction around it.
    pub(super) fn is_one_statement(&self) -> bool {
        (self.successions.is_empty() || self.claim().is_some())
            && self.all_steps().all(|step| step.effects.is_empty())
            && !self.parent_ends()
    }

    /// What the statement that writes the batch takes off a queue.
    fn claim(&self) -> Option<Claim<'r>> {
        match self.ends.is_empty() || self.parent_ends() {
            true => None,
            false => succession::one_claim(&self.successions),
        }
    }

    /// Its starts, and the rest.
    fn split_starts(mut self) -> (Self, Self) {
        let starts = Self {
            starts: std::mem::take(&mut self.starts),
            ..Self::default()
        };
        (starts, self)
    }

    /// A workflow starts a child and ends: no statement can lock a row and update it too.
    fn parent_ends(&self) -> bool {
        let ending = |id: &String| self.ends.iter().any(|end| end.workflow_id == *id);
        let mut parents = self.starts.iter().filter_map(|it| it.parent.as_ref());
        parents.any(|parent| ending(&parent.workflow_id))
    }
}

/// What to do about rows that are there already: a workflow may be started a second time if its caller named it. Whatever
/// else is there is a surprise.
pub(super) fn expected(records: &[Record]) -> Existing {
    let may_exist = |record: &Record| matches!(record, Record::Start(start) if !start.is_new);
    match records.iter().any(may_exist) {
        true => Existing::Stays,
        false => Existing::Fails,
    }
}

/// True when a statement failed because of a row that is there already.
pub(super) fn met_existing(error: &StoreError) -> bool {
    let StoreError::Statement { cause, .. } = error else {
        return false;
    };
    let error = cause.as_database_error();
    error.is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Writes all records, in the order that a workflow's records have among themselves: its start, its steps, its end; and
/// then who comes next on its queue. Tells what became of each.
pub(super) async fn write(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    existing: Existing,
) -> StoreResult<Vec<Outcome>> {
    let records = batch.records;
    let claim = batch.claim();
    if claim.is_some() {
        succession::sent(&batch.successions);
    }
    let (written, claimed) = Written::execute(connection, batch, claim.as_ref(), existing).await?;
    let mut session = Session::Postgres(connection);
    let steps: Vec<&StepRecord> = records.iter().filter_map(as_step).collect();
    let mut stepped = Vec::with_capacity(steps.len());
    for step in &steps {
        stepped.push(written.step(&mut session, step).await?);
    }
    let effects = effect::apply(&mut session, &steps, &mut stepped).await;
    effects.map_err(failed())?;
    let succeeded = match claim {
        Some(_) => succession::outcomes(&batch.successions, claimed)?,
        None => succession::write(&mut session, &batch.successions).await?,
    };
    let (mut stepped, mut succeeded) = (stepped.into_iter(), succeeded.into_iter());
    let mut outcomes = Vec::with_capacity(records.len());
    for record in records {
        outcomes.extend(match record {
            Record::Start(start) => Some(written.start(&mut session, start).await?),
            Record::Step(_) => stepped.next(),
            Record::Completion(end) => Some(written.end(end)),
            Record::Succession(_) => succeeded.next(),
        });
    }
    Ok(outcomes)
}

fn as_step(record: &Record) -> Option<&StepRecord> {
    match record {
        Record::Step(step) => Some(step),
        _ => None,
    }
}

fn failed() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::statement("write records")
}

/// What was written.
#[derive(Debug)]
enum Written {
    /// Every record.
    All,
    /// Some, and these are they.
    Some(Rows),
}

/// What a statement tells of the records that it wrote.
#[derive(Debug, Default)]
struct Rows {
    /// The tokens of starts.
    started: HashSet<String>,
    /// The places of steps.
    stepped: HashSet<(String, i32)>,
    /// The ids of workflows that ended.
    ended: HashSet<String>,
}

impl Written {
    /// Writes what is in a batch, and takes what is claimed. What else its successions ask for is left to do.
    async fn execute(
        connection: &mut PgConnection,
        batch: &Batch<'_>,
        claim: Option<&Claim<'_>>,
        existing: Existing,
    ) -> StoreResult<(Self, Vec<Row>)> {
        if !batch.parent_ends() {
            let rows = execute(connection, batch, claim, existing).await;
            return Self::of(&rows.map_err(failed())?, batch, claim).map_err(failed());
        }
        let (starts, rest) = batch.clone().split_starts();
        let rows = execute(connection, &starts, None, existing).await;
        let mut rows = rows.map_err(failed())?;
        let ends = execute(connection, &rest, None, existing).await;
        rows.extend(ends.map_err(failed())?);
        let told = Rows::of(&rows, 0).map_err(failed())?;
        Ok((Self::Some(told), Vec::new()))
    }

    fn of(
        rows: &[PgRow],
        batch: &Batch<'_>,
        claim: Option<&Claim<'_>>,
    ) -> sqlx::Result<(Self, Vec<Row>)> {
        let at = claim.map_or(0, |_| statement::CLAIMED_COLUMNS);
        // What was taken comes first.
        let mut claimed = Vec::new();
        for row in rows {
            if claim.is_none() || row.try_get::<i32, _>(at)? != statement::CLAIMED {
                break;
            }
            claimed.push(sql::postgres_row(row)?);
        }
        let told = rows.get(claimed.len()..).unwrap_or_default();
        let written = match told.len() == batch.written() {
            true => Self::All,
            false => Self::Some(Rows::of(told, at)?),
        };
        Ok((written, claimed))
    }

    async fn start(&self, session: &mut Session<'_>, start: &StartRecord) -> StoreResult<Outcome> {
        match self {
            Self::Some(rows) if !rows.started.contains(&start.token) => {
                conflict::existing(session, start).await
            }
            _ => Ok(Outcome::Committed),
        }
    }

    async fn step(&self, session: &mut Session<'_>, step: &StepRecord) -> StoreResult<Outcome> {
        match self {
            // A set of pairs is asked with a pair.
            Self::Some(rows)
                if !rows
                    .stepped
                    .contains(&(step.workflow_id.clone(), step.position)) =>
            {
                conflict::recorded(session, step).await
            }
            _ => Ok(Outcome::Committed),
        }
    }

    fn end(&self, end: &CompletionRecord) -> Outcome {
        match self {
            Self::Some(rows) if !rows.ended.contains(&end.workflow_id) => Outcome::Fenced,
            _ => Outcome::Committed,
        }
    }
}

impl Rows {
    /// The columns that tell begin at `at`.
    fn of(rows: &[PgRow], at: usize) -> sqlx::Result<Self> {
        let mut told = Self::default();
        for row in rows {
            let (kind, key): (i32, String) = (row.try_get(at)?, row.try_get(at + 1)?);
            match kind {
                statement::STARTED => told.started.insert(key),
                statement::STEPPED => told.stepped.insert((key, row.try_get(at + 2)?)),
                _ => told.ended.insert(key),
            };
        }
        Ok(told)
    }
}

async fn execute(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    claim: Option<&Claim<'_>>,
    existing: Existing,
) -> sqlx::Result<Vec<PgRow>> {
    let parts = Parts {
        starts: !batch.starts.is_empty(),
        steps: !batch.steps.is_empty(),
        ends: !batch.ends.is_empty(),
        claim: claim.is_some(),
    };
    if let ([step], false, false) = (batch.steps.as_slice(), parts.starts, parts.ends) {
        return one_step(step, existing).fetch_all(connection).await;
    }
    if !parts.starts && !parts.steps && !parts.ends {
        return Ok(Vec::new());
    }
    let mut query = sqlx::query(parts.statement(existing));
    if parts.starts {
        query = bind_starts(query, &batch.starts);
    }
    if parts.steps {
        query = bind_steps(query, &batch.steps);
    }
    if parts.ends {
        query = bind_ends(query, &batch.ends);
        query = bind_steps(query, &batch.last_steps);
    }
    if let Some(claim) = claim {
        query = bind_claim(query, claim);
    }
    query.fetch_all(connection).await
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

fn column<'r, R, T>(records: &[&'r R], value: impl Fn(&'r R) -> T) -> Vec<T> {
    records.iter().map(|record| value(record)).collect()
}

fn bind_starts<'q>(query: Statement<'q>, starts: &[&'q StartRecord]) -> Statement<'q> {
    query
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
}

fn bind_steps<'q>(query: Statement<'q>, steps: &[&'q StepRecord]) -> Statement<'q> {
    query
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
}

fn bind_ends<'q>(query: Statement<'q>, ends: &[&'q CompletionRecord]) -> Statement<'q> {
    query
        .bind(column(ends, |it| it.workflow_id.as_str()))
        .bind(column(ends, |it| it.token.as_str()))
        .bind(column(ends, |it| it.result.as_deref().ok()))
        .bind(column(ends, |it| {
            it.result.as_ref().err().map(String::as_str)
        }))
}

fn bind_claim<'q>(query: Statement<'q>, claim: &Claim<'q>) -> Statement<'q> {
    query
        .bind(claim.queue.name())
        .bind(claim.identity.application_version.as_str())
        .bind(claim.identity.application_name.as_deref())
        .bind(claim.token)
        .bind(claim.identity.executor_id.as_str())
        .bind(claim.limit)
        .bind(claim.queue.is_rate_limited())
}

fn one_step(step: &StepRecord, existing: Existing) -> Statement<'_> {
    sqlx::query(statement::one_step(existing))
        .bind(step.workflow_id.as_str())
        .bind(step.token.as_str())
        .bind(step.position)
        .bind(step.name.as_ref())
        .bind(step.output.as_deref())
        .bind(step.error.as_deref())
        .bind(step.child_workflow_id.as_deref())
        .bind(step.child_name.as_deref())
        .bind(step.started_at)
        .bind(step.completed_at)
        .bind(step.serialization.as_deref())
}
