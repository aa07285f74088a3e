//! What can be done to schedules, and the runs of their slots.

use jiff::{Timestamp, Zoned};
use serde::de::IgnoredAny;
use serde_json::Value as Json;

use super::{Engine, INTERNAL_QUEUE};
use crate::cron::{self, Cron};
use crate::error::{Error, Result};
use crate::schedule::{Schedule, ScheduleFilter, ScheduleState, ScheduleStatus};
use crate::store::{Isolation, ScheduleRow, ScheduleSelection, ScheduledRun, Transaction};
use crate::{clock, ids, value};

/// A change of one schedule.
#[derive(Debug, Clone)]
pub(crate) enum ScheduleChange {
    Create(Box<ScheduleRow>),
    SetStatus {
        name: String,
        status: ScheduleStatus,
    },
    Delete {
        name: String,
    },
}

impl ScheduleChange {
    /// Makes it in a transaction.
    pub(crate) async fn make(&self, transaction: &mut Transaction) -> Result<()> {
        match self {
            Self::Create(row) => {
                if !transaction.create_schedule(row).await? {
                    return Err(Error::Misuse(format!(
                        "schedule `{}` already exists; choose another name, or apply it to change it",
                        row.name
                    )));
                }
            }
            Self::SetStatus { name, status } => {
                transaction
                    .set_schedule_status(name, status.as_str())
                    .await?;
            }
            Self::Delete { name } => transaction.delete_schedule(name).await?,
        }
        Ok(())
    }
}

impl Engine {
    /// Makes a change now; the scheduler of this process takes note of it at once.
    pub(crate) async fn change_schedule(&self, change: ScheduleChange) -> Result<()> {
        let mut transaction = self.store.begin(Isolation::ReadCommitted).await?;
        match change.make(&mut transaction).await {
            Ok(()) => transaction.commit(&[]).await?,
            Err(error) => {
                transaction.rollback().await?;
                return Err(error);
            }
        };
        self.schedules_changed();
        Ok(())
    }

    /// Has the scheduler look at once.
    pub(crate) fn schedules_changed(&self) {
        self.schedules_changed.notify_one();
    }

    /// Creates schedules or changes those of their names: all of them, or none.
    pub(crate) async fn apply_schedules(&self, rows: &[ScheduleRow]) -> Result<()> {
        let mut transaction = self.store.begin(Isolation::ReadCommitted).await?;
        for row in rows {
            if let Err(error) = transaction.apply_schedule(row).await {
                transaction.rollback().await?;
                return Err(error.into());
            }
        }
        transaction.commit(&[]).await?;
        self.schedules_changed();
        Ok(())
    }

    /// The row of a new schedule, when it makes sense. `application` is that of the caller.
    pub(crate) async fn schedule_row(
        &self,
        schedule: Schedule,
        application: Option<&str>,
    ) -> Result<ScheduleRow> {
        let name = schedule.name;
        let misuse =
            |text: &dyn std::fmt::Display| Error::Misuse(format!("schedule `{name}`: {text}"));
        if name.trim().is_empty() || name.contains('\0') {
            return Err(Error::Misuse("a schedule needs a name".to_owned()));
        }
        if schedule.workflow_name.is_empty() {
            return Err(misuse(&"it runs nothing; add `.workflow::<my_workflow>()`"));
        }
        Cron::parse(&schedule.cron, schedule.time_zone.as_deref())
            .map_err(|error| misuse(&error))?;
        if schedule.is_here && !self.is_client {
            let class = schedule.workflow_class.as_deref();
            self.registry.get(class, &schedule.workflow_name)?;
        }
        if let Some(queue) = &schedule.queue
            && !self.is_client
            && queue != INTERNAL_QUEUE
            && !self.store.has_queue(queue).await?
        {
            return Err(misuse(&format!(
                "there is no queue `{queue}`; serve it with `.queue(...)` where the runtime is opened"
            )));
        }
        Ok(ScheduleRow {
            id: ids::schedule_id(),
            workflow_name: schedule.workflow_name,
            workflow_class: schedule.workflow_class,
            cron: schedule.cron,
            status: ScheduleStatus::Active.as_str().to_owned(),
            context: schedule.context?,
            last_fired_at: None,
            automatic_backfill: schedule.automatic_backfill,
            time_zone: schedule.time_zone,
            queue_name: schedule.queue,
            application_name: schedule
                .application
                .or_else(|| application.map(str::to_owned)),
            name,
        })
    }

    /// The schedule of a name.
    pub(crate) async fn schedule(&self, name: &str) -> Result<Option<ScheduleState>> {
        self.store.schedule(name).await?.map(state).transpose()
    }

    /// Schedules in the order of their names.
    pub(crate) async fn schedules(
        &self,
        filter: &ScheduleFilter,
        application: Option<&str>,
    ) -> Result<Vec<ScheduleState>> {
        let statuses: Vec<_> = filter
            .statuses
            .iter()
            .map(|status| status.as_str())
            .collect();
        let selection = ScheduleSelection {
            application,
            statuses: &statuses,
            workflow_names: &filter.workflow_names,
            prefixes: &filter.prefixes,
        };
        let rows = self.store.schedules(selection).await?;
        rows.into_iter().map(state).collect()
    }

    /// Enqueues a run now, beside the slots; gives its id.
    pub(crate) async fn trigger_schedule(
        &self,
        name: &str,
        application: Option<&str>,
    ) -> Result<String> {
        let row = self.existing_schedule(name).await?;
        let now = Timestamp::from_microsecond(clock::now_us()).map_err(out_of_range)?;
        let workflow_id = format!(
            "sched-{name}-trigger-{}",
            now.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00")
        );
        let context = readable_context(&row)?;
        let run = ScheduledRun {
            workflow_id: workflow_id.clone(),
            input: input(now, &context),
        };
        self.enqueue_runs(&row, &[run], None, application).await?;
        Ok(workflow_id)
    }

    /// Enqueues a run for each slot after `start` and before `end` that has none; gives the ids of all.
    pub(crate) async fn backfill_schedule(
        &self,
        name: &str,
        start: Timestamp,
        end: Timestamp,
        application: Option<&str>,
    ) -> Result<Vec<String>> {
        let row = self.existing_schedule(name).await?;
        let cron = cron_of(&row)?;
        let context = readable_context(&row)?;
        let slots = std::iter::successors(cron.next(start), |slot| cron.next(slot.timestamp()));
        let slots: Vec<_> = slots.take_while(|slot| slot.timestamp() < end).collect();
        let runs: Vec<_> = slots.iter().map(|slot| run(name, slot, &context)).collect();
        self.enqueue_runs(&row, &runs, None, application).await?;
        Ok(runs.into_iter().map(|run| run.workflow_id).collect())
    }

    /// Enqueues the run of a slot, unless it is there, and takes note that the slot is done.
    pub(super) async fn fire_slot(
        &self,
        row: &ScheduleRow,
        slot: &Zoned,
        context: &str,
    ) -> Result<()> {
        let run = run(&row.name, slot, context);
        let application = self.identity.application_name.as_deref();
        self.enqueue_runs(row, &[run], Some(&cron::iso(slot)), application)
            .await
    }

    async fn enqueue_runs(
        &self,
        row: &ScheduleRow,
        runs: &[ScheduledRun],
        last_fired_at: Option<&str>,
        application: Option<&str>,
    ) -> Result<()> {
        let owner = row.application_name.as_deref().or(application);
        let queue = row.queue_name.as_deref().unwrap_or(INTERNAL_QUEUE);
        let enqueued = self
            .store
            .enqueue_scheduled(row, queue, owner, runs, last_fired_at);
        match enqueued.await? {
            Some(0) => Ok(()),
            Some(_) => {
                self.wake_queue(queue);
                Ok(())
            }
            None => Err(Error::Misuse(format!(
                "schedule `{}`: no version of its application is known; launch the application once",
                row.name
            ))),
        }
    }

    async fn existing_schedule(&self, name: &str) -> Result<ScheduleRow> {
        let row = self.store.schedule(name).await?;
        row.ok_or_else(|| Error::Misuse(format!("schedule `{name}` does not exist")))
    }
}

/// When the schedule is due.
pub(super) fn cron_of(row: &ScheduleRow) -> Result<Cron> {
    Cron::parse(&row.cron, row.time_zone.as_deref())
        .map_err(|error| Error::Misuse(format!("schedule `{}`: {error}", row.name)))
}

/// The context as portable JSON. Its row does not say who wrote it: a client of Python pickles it unless told otherwise.
pub(super) fn readable_context(row: &ScheduleRow) -> Result<String> {
    let unreadable = |reason: String| Error::Format {
        what: format!("the context of schedule `{}`", row.name),
        direction: "read",
        reason,
    };
    let context = value::format::read_value(None, &row.context)
        .map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str::<IgnoredAny>(&context).map_err(|error| unreadable(error.to_string()))?;
    Ok(context)
}

/// The run of a slot: every process that fires it makes the same one.
fn run(name: &str, slot: &Zoned, context: &str) -> ScheduledRun {
    ScheduledRun {
        workflow_id: format!("sched-{name}-{}", cron::iso(slot)),
        input: input(slot.timestamp(), context),
    }
}

/// The arguments of a run. Not in the envelope of portable JSON: a row without a format holds them as Python does.
fn input(due: Timestamp, context: &str) -> String {
    let due = due.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    format!(r#"{{"args":["{due}",{context}],"kwargs":{{}}}}"#)
}

fn state(row: ScheduleRow) -> Result<ScheduleState> {
    let context = readable_context(&row).ok();
    let context = context.and_then(|context| serde_json::from_str(&context).ok());
    Ok(ScheduleState {
        status: ScheduleStatus::from_name(&row.name, &row.status)?,
        schedule_id: row.id,
        name: row.name,
        workflow_name: row.workflow_name,
        workflow_class_name: row.workflow_class,
        cron: row.cron,
        context: context.unwrap_or(Json::String(row.context)),
        last_fired_at: row.last_fired_at,
        automatic_backfill: row.automatic_backfill,
        time_zone: row.time_zone,
        queue_name: row.queue_name,
        application_name: row.application_name,
    })
}

fn out_of_range(error: jiff::Error) -> Error {
    Error::Setup(format!(
        "the clock of this machine is out of range: {error}"
    ))
}
