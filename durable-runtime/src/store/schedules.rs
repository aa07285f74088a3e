//! Schedules, and the runs that they start.

use serde_json::{Value as Json, json};

use super::sql::{Row, first, params};
use super::{Isolation, Store, StoreResult, Transaction};
use crate::error::StoreError;

/// A schedule as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScheduleRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) workflow_name: String,
    pub(crate) workflow_class: Option<String>,
    pub(crate) cron: String,
    /// `ACTIVE` or `PAUSED`.
    pub(crate) status: String,
    /// In the format of whoever wrote it, which the row does not tell.
    pub(crate) context: String,
    /// The last slot that was enqueued, in ISO 8601.
    pub(crate) last_fired_at: Option<String>,
    pub(crate) automatic_backfill: bool,
    pub(crate) time_zone: Option<String>,
    pub(crate) queue_name: Option<String>,
    pub(crate) application_name: Option<String>,
}

/// Which schedules to list; an empty list chooses all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScheduleSelection<'a> {
    /// Those of this application and those of none; without a name those of all.
    pub(crate) application: Option<&'a str>,
    pub(crate) statuses: &'a [&'a str],
    pub(crate) workflow_names: &'a [String],
    pub(crate) prefixes: &'a [String],
}

/// A run that a schedule starts: its id and its arguments.
#[derive(Debug, Clone)]
pub(crate) struct ScheduledRun {
    pub(crate) workflow_id: String,
    pub(crate) input: String,
}

/// How many runs are enqueued with one statement.
const CHUNK: usize = 500;

macro_rules! schedules {
    ($filter:literal) => {
        concat!(
            "SELECT schedule_id, schedule_name, workflow_name, workflow_class_name, schedule,
                    status, context, last_fired_at, automatic_backfill, cron_timezone, queue_name,
                    application_name
             FROM dbos.workflow_schedules WHERE ",
            $filter
        )
    };
}

const ONE: &str = schedules!("schedule_name = $1");

const LIST: &str = schedules!(
    "($1 IS NULL OR application_name IS NULL OR application_name = $1)
     AND ($2 = '[]' OR status IN {each:$2})
     AND ($3 = '[]' OR workflow_name IN {each:$3})
     AND ($4 = '[]' OR EXISTS (
          SELECT 1 FROM {rows:$4}
          WHERE substr(schedule_name, 1, length(value ->> 0)) = value ->> 0))
     ORDER BY schedule_name"
);

macro_rules! insert {
    ($conflict:literal) => {
        concat!(
            "INSERT INTO dbos.workflow_schedules (
                 schedule_id, schedule_name, workflow_name, workflow_class_name, schedule, status,
                 context, automatic_backfill, cron_timezone, queue_name, application_name)
             VALUES ($1, $2, $3, $4, $5, 'ACTIVE', $6, $7, $8, $9, $10)
             ON CONFLICT (schedule_name) DO ",
            $conflict,
            " RETURNING schedule_id"
        )
    };
}

const CREATE: &str = insert!("NOTHING");

/// The id, the status and the last slot stay. The schedule of another application stays altogether.
const APPLY: &str = insert!(
    "UPDATE SET
         workflow_name = excluded.workflow_name, workflow_class_name = excluded.workflow_class_name,
         schedule = excluded.schedule, context = excluded.context,
         automatic_backfill = excluded.automatic_backfill, cron_timezone = excluded.cron_timezone,
         queue_name = excluded.queue_name,
         application_name = COALESCE(workflow_schedules.application_name, excluded.application_name)
     WHERE workflow_schedules.application_name IS NULL OR excluded.application_name IS NULL
        OR workflow_schedules.application_name = excluded.application_name"
);

const OWNER: &str = "SELECT application_name FROM dbos.workflow_schedules WHERE schedule_name = $1";

const SET_STATUS: &str = "UPDATE dbos.workflow_schedules SET status = $2 WHERE schedule_name = $1";

const DELETE: &str = "DELETE FROM dbos.workflow_schedules WHERE schedule_name = $1";

const FIRED: &str = "UPDATE dbos.workflow_schedules SET last_fired_at = $2 WHERE schedule_id = $1";

const LATEST_VERSION: &str = "
    SELECT version_name FROM dbos.application_versions
    WHERE $1 IS NULL OR application_name IS NULL OR application_name = $1
    ORDER BY version_timestamp DESC LIMIT 1";

/// Without a format: that of the application whose workflow it is. Without a creator: nobody waits for its start.
const ENQUEUE: &str = "
    INSERT INTO dbos.workflow_status (
        workflow_uuid, status, name, class_name, queue_name, priority, recovery_attempts,
        application_version, application_name, schedule_name)
    SELECT value ->> 0, 'ENQUEUED', $2, $3, $4, 0, 0, $5, $6, $7 FROM {rows:$1}
    WHERE TRUE ON CONFLICT (workflow_uuid) DO NOTHING
    RETURNING workflow_uuid";

const INPUTS: &str = "
    INSERT INTO dbos.workflow_input (workflow_uuid, inputs)
    SELECT value ->> 0, value ->> 1 FROM {rows:$1}
    WHERE TRUE ON CONFLICT (workflow_uuid) DO NOTHING";

const QUEUE: &str = "SELECT 1 FROM dbos.queues WHERE name = $1";

impl dyn Store {
    /// The schedule of a name.
    pub(crate) async fn schedule(&self, name: &str) -> StoreResult<Option<ScheduleRow>> {
        let rows = self.read("read a schedule", ONE, params![name]).await?;
        rows.into_iter().next().map(schedule).transpose()
    }

    /// Schedules in the order of their names.
    pub(crate) async fn schedules(
        &self,
        selection: ScheduleSelection<'_>,
    ) -> StoreResult<Vec<ScheduleRow>> {
        let prefixes: Vec<Json> = selection
            .prefixes
            .iter()
            .map(|prefix| json!([prefix]))
            .collect();
        let params = params![
            selection.application,
            selection.statuses,
            selection.workflow_names,
            prefixes,
        ];
        let rows = self.read("list schedules", LIST, params).await?;
        rows.into_iter().map(schedule).collect()
    }

    /// True when the table of queues has one of this name.
    pub(crate) async fn has_queue(&self, name: &str) -> StoreResult<bool> {
        let rows = self.read("look for a queue", QUEUE, params![name]).await?;
        Ok(!rows.is_empty())
    }

    /// Puts the runs that are not there yet on the queue of their schedule, in the latest version of its application,
    /// and takes note of the last slot. `None`: the application has no version, and nothing was written.
    pub(crate) async fn enqueue_scheduled(
        &self,
        row: &ScheduleRow,
        queue: &str,
        owner: Option<&str>,
        runs: &[ScheduledRun],
        last_fired_at: Option<&str>,
    ) -> StoreResult<Option<usize>> {
        const INTENT: &str = "enqueue the runs of a schedule";
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let version = transaction
            .query(INTENT, LATEST_VERSION, params![owner])
            .await?;
        let Some(version) = first::<String>(version)? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let mut enqueued = 0;
        for runs in runs.chunks(CHUNK) {
            let ids: Vec<Json> = runs.iter().map(|run| json!([run.workflow_id])).collect();
            let (name, class) = (&row.workflow_name, &row.workflow_class);
            let params = params![ids, name, class, queue, &version, owner, &row.name];
            let rows = transaction.query(INTENT, ENQUEUE, params).await?;
            let new = rows.into_iter().map(|mut row| row.take(0));
            let new: Vec<String> = new.collect::<StoreResult<_>>()?;
            let inputs = runs.iter().filter(|run| new.contains(&run.workflow_id));
            let inputs: Vec<Json> = inputs
                .map(|run| json!([run.workflow_id, run.input]))
                .collect();
            enqueued += inputs.len();
            transaction.query(INTENT, INPUTS, params![inputs]).await?;
        }
        if let Some(slot) = last_fired_at {
            transaction
                .query(INTENT, FIRED, params![&row.id, slot])
                .await?;
        }
        transaction.commit(&[]).await?;
        Ok(Some(enqueued))
    }
}

/// What is done to schedules in a transaction of the caller's.
impl Transaction {
    /// Adds a schedule; false when there is one of its name.
    pub(crate) async fn create_schedule(&mut self, row: &ScheduleRow) -> StoreResult<bool> {
        const INTENT: &str = "create a schedule";
        let created = self.query(INTENT, CREATE, values(row)).await?;
        if created.is_empty() {
            self.check_schedule_owner(row).await?;
        }
        Ok(!created.is_empty())
    }

    /// Adds a schedule, or gives the one of its name this definition.
    pub(crate) async fn apply_schedule(&mut self, row: &ScheduleRow) -> StoreResult<()> {
        let applied = self.query("apply a schedule", APPLY, values(row)).await?;
        if applied.is_empty() {
            self.check_schedule_owner(row).await?;
        }
        Ok(())
    }

    async fn check_schedule_owner(&mut self, row: &ScheduleRow) -> StoreResult<()> {
        let rows = self
            .query("read who owns a schedule", OWNER, params![&row.name])
            .await?;
        match first::<Option<String>>(rows)?.flatten() {
            Some(owner)
                if row
                    .application_name
                    .as_ref()
                    .is_some_and(|name| *name != owner) =>
            {
                Err(StoreError::Owned {
                    kind: "schedule",
                    name: row.name.clone(),
                    owner,
                })
            }
            _ => Ok(()),
        }
    }

    /// Sets the status of the schedule of a name, if there is one.
    pub(crate) async fn set_schedule_status(
        &mut self,
        name: &str,
        status: &str,
    ) -> StoreResult<()> {
        let params = params![name, status];
        self.query("pause or resume a schedule", SET_STATUS, params)
            .await?;
        Ok(())
    }

    /// Deletes the schedule of a name, if there is one. Its runs stay.
    pub(crate) async fn delete_schedule(&mut self, name: &str) -> StoreResult<()> {
        self.query("delete a schedule", DELETE, params![name])
            .await?;
        Ok(())
    }
}

fn values(row: &ScheduleRow) -> Vec<super::sql::Param> {
    params![
        &row.id,
        &row.name,
        &row.workflow_name,
        &row.workflow_class,
        &row.cron,
        &row.context,
        row.automatic_backfill,
        &row.time_zone,
        &row.queue_name,
        &row.application_name,
    ]
}

fn schedule(mut row: Row) -> StoreResult<ScheduleRow> {
    Ok(ScheduleRow {
        id: row.take(0)?,
        name: row.take(1)?,
        workflow_name: row.take(2)?,
        workflow_class: row.take(3)?,
        cron: row.take(4)?,
        status: row.take(5)?,
        context: row.take(6)?,
        last_fired_at: row.take(7)?,
        automatic_backfill: row.take(8)?,
        time_zone: row.take(9)?,
        queue_name: row.take(10)?,
        application_name: row.take(11)?,
    })
}
