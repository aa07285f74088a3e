use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;

use super::WorkflowContext;
use crate::call::Operation;
use crate::engine::ScheduleChange;
use crate::error::Result;
use crate::schedule::{Schedule, ScheduleFilter, ScheduleState, ScheduleStatus};

/// Schedules, from a workflow: each of these is a recorded call, and what it changes is committed with its record.
impl WorkflowContext {
    /// Creates a schedule.
    ///
    /// # Errors
    /// There is one of this name; the cron expression or the time zone makes no sense; it belongs to another
    /// application; the workflow is not registered, or there is no such queue.
    #[track_caller]
    pub fn create_schedule(
        &self,
        schedule: Schedule,
    ) -> impl Future<Output = Result<()>> + Send + 'static + use<> {
        let operation = Operation::claim(self, "DBOS.createSchedule");
        let engine = Arc::clone(&operation.execution.engine);
        async move {
            let created = operation.transact(|transaction| {
                let (engine, schedule) = (Arc::clone(&engine), schedule.clone());
                async move {
                    let application = engine.identity.application_name.as_deref();
                    let row = engine.schedule_row(schedule, application).await?;
                    let create = ScheduleChange::Create(Box::new(row));
                    create.make(transaction).await
                }
                .boxed()
            });
            created.await?;
            engine.schedules_changed();
            Ok(())
        }
    }

    /// The schedule of this name, if there is one.
    ///
    /// # Errors
    /// The database cannot be read.
    #[track_caller]
    pub fn get_schedule(
        &self,
        name: impl Into<String>,
    ) -> impl Future<Output = Result<Option<ScheduleState>>> + Send + 'static {
        let operation = Operation::claim(self, "DBOS.getSchedule");
        let engine = Arc::clone(&operation.execution.engine);
        let name = name.into();
        async move { operation.run(engine.schedule(&name)).await }
    }

    /// Schedules of the application, and those without an owner, in the order of their names.
    ///
    /// # Errors
    /// The database cannot be read.
    #[track_caller]
    pub fn list_schedules(
        &self,
        filter: ScheduleFilter,
    ) -> impl Future<Output = Result<Vec<ScheduleState>>> + Send + 'static + use<> {
        let operation = Operation::claim(self, "DBOS.listSchedules");
        let engine = Arc::clone(&operation.execution.engine);
        async move {
            let application = engine.identity.application_name.as_deref();
            operation.run(engine.schedules(&filter, application)).await
        }
    }

    /// Lets a schedule start no more runs. Nothing happens when there is none of this name.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn pause_schedule(
        &self,
        name: impl Into<String>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (name, status) = (name.into(), ScheduleStatus::Paused);
        let operation = Operation::claim(self, "DBOS.pauseSchedule");
        change(operation, ScheduleChange::SetStatus { name, status })
    }

    /// Lets a paused schedule start runs again. Nothing happens when there is none of this name.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn resume_schedule(
        &self,
        name: impl Into<String>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (name, status) = (name.into(), ScheduleStatus::Active);
        let operation = Operation::claim(self, "DBOS.resumeSchedule");
        change(operation, ScheduleChange::SetStatus { name, status })
    }

    /// Deletes a schedule; its runs stay. Nothing happens when there is none of this name.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn delete_schedule(
        &self,
        name: impl Into<String>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let operation = Operation::claim(self, "DBOS.deleteSchedule");
        change(operation, ScheduleChange::Delete { name: name.into() })
    }
}

async fn change(operation: Operation, change: ScheduleChange) -> Result<()> {
    let engine = Arc::clone(&operation.execution.engine);
    let changed = operation.transact(|transaction| {
        let change = change.clone();
        async move { change.make(transaction).await }.boxed()
    });
    changed.await?;
    engine.schedules_changed();
    Ok(())
}
