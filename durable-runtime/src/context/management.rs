//! What a workflow may do to other workflows, and learn about them. Every call has its place in the workflow, fixed
//! when it is made, and its result is recorded: on a replay it is what it was.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use super::WorkflowContext;
use crate::call::{Fork, Operation, Rewind, WorkflowIds, changed, changed_once, json_object};
use crate::clock;
use crate::engine::{Engine, milliseconds};
use crate::error::{Error, Result};
use crate::store::{
    LISTING_LIMIT, StepFilter, StepStatus, WorkflowFilter, WorkflowStatus, epoch_ms,
};

impl WorkflowContext {
    #[track_caller]
    fn operation(&self, name: &'static str) -> (Operation, Arc<Engine>) {
        let operation = Operation::claim(self, name);
        (operation, Arc::clone(&self.execution.engine))
    }

    /// Cancels workflows that have not finished; those that do not exist are passed over. A workflow that cancels
    /// itself ends here.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn cancel_workflow<I: Into<WorkflowIds>>(
        &self,
        ids: I,
    ) -> impl Future<Output = Result<()>> + Send + use<I> {
        self.cancel(ids.into().0, false)
    }

    /// Cancels workflows, and everything that they started.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn cancel_workflow_with_children<I: Into<WorkflowIds>>(
        &self,
        ids: I,
    ) -> impl Future<Output = Result<()>> + Send + use<I> {
        self.cancel(ids.into().0, true)
    }

    #[track_caller]
    fn cancel(
        &self,
        ids: Vec<String>,
        children: bool,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (operation, engine) = self.operation("DBOS.cancelWorkflow");
        async move { changed(operation, || engine.cancel(&ids, children)).await }
    }

    /// Lets workflows go on that were cancelled or given up; see [`Client::resume`](crate::Client::resume).
    ///
    /// # Errors
    /// One of them does not exist, [`Error::NoSuchWorkflow`]; or it is this workflow, which runs.
    #[track_caller]
    pub fn resume_workflow<I: Into<WorkflowIds>>(
        &self,
        ids: I,
    ) -> impl Future<Output = Result<()>> + Send + use<I> {
        self.resume(ids.into().0, None)
    }

    /// The same, on a queue that is known by its name.
    ///
    /// # Errors
    /// As for [`resume_workflow`](Self::resume_workflow).
    #[track_caller]
    pub fn resume_workflow_on<I: Into<WorkflowIds>>(
        &self,
        ids: I,
        queue: &str,
    ) -> impl Future<Output = Result<()>> + Send + use<I> {
        self.resume(ids.into().0, Some(queue.to_owned()))
    }

    #[track_caller]
    fn resume(
        &self,
        ids: Vec<String>,
        queue: Option<String>,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (operation, engine) = self.operation("DBOS.resumeWorkflow");
        // Resumed, it would come back to this call without a record of it, for ever.
        let itself = ids.iter().any(|id| *id == self.execution.workflow_id);
        let refused = itself.then(|| {
            let id = &self.execution.workflow_id;
            Error::Misuse(format!("workflow `{id}` runs, and cannot resume itself"))
        });
        async move {
            let (engine, ids, queue, refused) = (&engine, &ids, &queue, &refused);
            changed_once(operation, (), |record| async move {
                match refused {
                    Some(refused) => Err(refused.clone()),
                    None => engine.resume(ids, queue.as_deref(), Some(&record)).await,
                }
            })
            .await
        }
    }

    /// A fork of another workflow, to be made with [`start`](Fork::start). Its place in this workflow is fixed now.
    #[track_caller]
    pub fn fork_workflow(&self, id: impl Into<String>) -> Fork {
        Fork::in_workflow(self, id.into())
    }

    /// A rewind of another workflow, to happen with [`start`](Rewind::start). Its place in this workflow is fixed now.
    #[track_caller]
    pub fn rewind_workflow(&self, id: impl Into<String>) -> Rewind {
        Rewind::in_workflow(self, id.into())
    }

    /// Deletes workflows with all that is recorded about them, in whatever state; those that do not exist are passed
    /// over. A workflow that deletes itself ends here.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn delete_workflow<I: Into<WorkflowIds>>(
        &self,
        ids: I,
    ) -> impl Future<Output = Result<()>> + Send + use<I> {
        self.delete(ids.into().0, false)
    }

    /// Deletes workflows, and everything that they started.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn delete_workflow_with_children<I: Into<WorkflowIds>>(
        &self,
        ids: I,
    ) -> impl Future<Output = Result<()>> + Send + use<I> {
        self.delete(ids.into().0, true)
    }

    #[track_caller]
    fn delete(
        &self,
        ids: Vec<String>,
        children: bool,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (operation, engine) = self.operation("DBOS.deleteWorkflow");
        async move {
            changed(operation, || async {
                engine.delete(&ids, children).await.map(drop)
            })
            .await
        }
    }

    /// Changes how long a delayed workflow waits, from now on, before it takes its place on its queue. One that is not
    /// delayed is left alone.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn set_workflow_delay(
        &self,
        id: &str,
        delay: Duration,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let until = clock::now_ms().saturating_add(milliseconds(delay));
        self.delay(id.to_owned(), until)
    }

    /// The same, until a time.
    ///
    /// # Errors
    /// As for [`set_workflow_delay`](Self::set_workflow_delay).
    #[track_caller]
    pub fn set_workflow_delay_until(
        &self,
        id: &str,
        time: SystemTime,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        self.delay(id.to_owned(), epoch_ms(time))
    }

    #[track_caller]
    fn delay(&self, id: String, until: i64) -> impl Future<Output = Result<()>> + Send + use<> {
        let (operation, engine) = self.operation("DBOS.setWorkflowDelay");
        async move { changed(operation, || engine.store.set_delay(&id, until)).await }
    }

    /// Replaces what is noted about a workflow, of this one or another: a JSON object.
    ///
    /// # Errors
    /// It is no object, [`Error::Misuse`].
    #[track_caller]
    pub fn set_attributes(
        &self,
        id: &str,
        attributes: Json,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        self.attributes(id.to_owned(), Some(attributes), false)
    }

    /// Adds to what is noted about a workflow; what has the same keys is replaced.
    ///
    /// # Errors
    /// It is no object, [`Error::Misuse`].
    #[track_caller]
    pub fn merge_attributes(
        &self,
        id: &str,
        attributes: Json,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        self.attributes(id.to_owned(), Some(attributes), true)
    }

    /// Takes away what is noted about a workflow.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn clear_attributes(&self, id: &str) -> impl Future<Output = Result<()>> + Send + use<> {
        self.attributes(id.to_owned(), None, false)
    }

    #[track_caller]
    fn attributes(
        &self,
        id: String,
        attributes: Option<Json>,
        merge: bool,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (operation, engine) = self.operation("DBOS.updateWorkflowAttributes");
        async move {
            changed(operation, || async {
                let text = attributes.as_ref().map(json_object).transpose()?;
                let store = &engine.store;
                match &text {
                    Some(text) if merge => store.merge_attributes(&id, text).await?,
                    _ => store.set_attributes(&id, text.as_deref()).await?,
                }
                Ok(())
            })
            .await
        }
    }

    /// The state of a workflow, if there is one with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    #[track_caller]
    pub fn workflow_status(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<WorkflowStatus>>> + Send + use<> {
        let (operation, engine) = self.operation("DBOS.getStatus");
        let id = id.to_owned();
        async move {
            changed(operation, || async {
                Ok(engine.store.workflow(&id).await?)
            })
            .await
        }
    }

    /// Workflows of this application and of none, the oldest first.
    ///
    /// # Errors
    /// It takes longer than 30 s, [`Error::QueryTimedOut`].
    #[track_caller]
    pub fn list_workflows(
        &self,
        filter: WorkflowFilter,
    ) -> impl Future<Output = Result<Vec<WorkflowStatus>>> + Send + use<> {
        self.list("DBOS.listWorkflows", filter)
    }

    /// Workflows on queues: enqueued, delayed or running from one, unless a status is asked for.
    ///
    /// # Errors
    /// It takes longer than 30 s, [`Error::QueryTimedOut`].
    #[track_caller]
    pub fn list_queued_workflows(
        &self,
        filter: WorkflowFilter,
    ) -> impl Future<Output = Result<Vec<WorkflowStatus>>> + Send + use<> {
        self.list("DBOS.listQueuedWorkflows", filter.queues_only())
    }

    #[track_caller]
    fn list(
        &self,
        name: &'static str,
        filter: WorkflowFilter,
    ) -> impl Future<Output = Result<Vec<WorkflowStatus>>> + Send + use<> {
        let (operation, engine) = self.operation(name);
        let filter = filter.within(engine.identity.application_name.as_deref());
        async move {
            changed(operation, || async {
                Ok(engine.store.list(&filter, LISTING_LIMIT).await?)
            })
            .await
        }
    }

    /// The recorded steps of a workflow, in order.
    ///
    /// # Errors
    /// It takes longer than 30 s, [`Error::QueryTimedOut`].
    #[track_caller]
    pub fn list_workflow_steps<F: Into<StepFilter>>(
        &self,
        filter: F,
    ) -> impl Future<Output = Result<Vec<StepStatus>>> + Send + use<F> {
        let (operation, engine) = self.operation("DBOS.listWorkflowSteps");
        let filter = filter.into();
        async move {
            changed(operation, || async {
                Ok(engine.store.list_steps(&filter, LISTING_LIMIT).await?)
            })
            .await
        }
    }
}
