use std::time::SystemTime;

use jiff::Timestamp;

use super::Client;
use crate::call::registered;
use crate::engine::ScheduleChange;
use crate::error::{Error, Result};
use crate::schedule::{Schedule, ScheduleFilter, ScheduleState, ScheduleStatus};
use crate::workflow::Workflow;

/// Schedules. The processes of the application that owns one start its runs, each slot once; changes reach them within
/// 30 s (1 s in their first minute), and at once the process that makes them.
impl Client {
    /// Creates a schedule. When this returns it is in the database.
    ///
    /// # Errors
    /// There is one of this name; the cron expression or the time zone makes no sense; it belongs to another
    /// application; the workflow is not registered or the queue not there, as far as this program runs workflows.
    pub async fn create_schedule(&self, schedule: Schedule) -> Result<()> {
        let row = self
            .engine()
            .schedule_row(schedule, self.application_name())
            .await?;
        let create = ScheduleChange::Create(Box::new(row));
        self.engine().change_schedule(create).await
    }

    /// Creates schedules, or gives those of their names these definitions: all in one transaction. A schedule that is
    /// there stays paused or active, and keeps its last slot.
    ///
    /// # Errors
    /// As [`create_schedule`](Self::create_schedule), except that a schedule may be there; then nothing is changed.
    pub async fn apply_schedules(
        &self,
        schedules: impl IntoIterator<Item = Schedule>,
    ) -> Result<()> {
        let mut rows = Vec::new();
        for schedule in schedules {
            rows.push(
                self.engine()
                    .schedule_row(schedule, self.application_name())
                    .await?,
            );
        }
        self.engine().apply_schedules(&rows).await
    }

    /// The schedule of this name, if there is one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn get_schedule(&self, name: &str) -> Result<Option<ScheduleState>> {
        self.engine().schedule(name).await
    }

    /// Schedules of the application, and those without an owner, in the order of their names.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn list_schedules(&self, filter: &ScheduleFilter) -> Result<Vec<ScheduleState>> {
        self.engine()
            .schedules(filter, self.application_name())
            .await
    }

    /// Lets a schedule start no more runs. Nothing happens when there is none of this name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn pause_schedule(&self, name: &str) -> Result<()> {
        self.set_status(name, ScheduleStatus::Paused).await
    }

    /// Lets a paused schedule start runs again, from its next slot on; with
    /// [`automatic_backfill`](Schedule::automatic_backfill) from the last one that was started.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn resume_schedule(&self, name: &str) -> Result<()> {
        self.set_status(name, ScheduleStatus::Active).await
    }

    async fn set_status(&self, name: &str, status: ScheduleStatus) -> Result<()> {
        let name = name.to_owned();
        let change = ScheduleChange::SetStatus { name, status };
        self.engine().change_schedule(change).await
    }

    /// Deletes a schedule; its runs stay. Nothing happens when there is none of this name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn delete_schedule(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.engine()
            .change_schedule(ScheduleChange::Delete { name })
            .await
    }

    /// Starts a run now, beside those of the slots; gives its workflow id.
    ///
    /// # Errors
    /// There is no such schedule; its application was never launched; its context cannot be read.
    pub async fn trigger_schedule(&self, name: &str) -> Result<String> {
        self.engine()
            .trigger_schedule(name, self.application_name())
            .await
    }

    /// Starts a run for each slot after `start` and before `end` that has none; gives the workflow ids of all of them, in
    /// the order of their slots.
    ///
    /// # Errors
    /// As [`trigger_schedule`](Self::trigger_schedule).
    pub async fn backfill_schedule(
        &self,
        name: &str,
        start: SystemTime,
        end: SystemTime,
    ) -> Result<Vec<String>> {
        let time = |time: SystemTime| {
            Timestamp::try_from(time)
                .map_err(|error| Error::Misuse(format!("schedule `{name}`: {error}")))
        };
        let (start, end) = (time(start)?, time(end)?);
        self.engine()
            .backfill_schedule(name, start, end, self.application_name())
            .await
    }
}

impl Schedule {
    /// What to run: a workflow of this program, which takes the time of the slot and the context.
    pub fn workflow<W: Workflow>(mut self) -> Self {
        let workflow = registered::<W>();
        self.workflow_name = workflow.name.to_owned();
        self.workflow_class = workflow.class.map(str::to_owned);
        self.is_here = true;
        self
    }
}
