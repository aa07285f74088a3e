//! What can be learnt about workflows.

use std::sync::Arc;

use super::Client;
use crate::call::WorkflowHandle;
use crate::error::{Error, Result};
use crate::store::{
    GroupBy, StepCount, StepCountFilter, StepFilter, StepStatus, WorkflowCount, WorkflowFilter,
    WorkflowStatus,
};
use crate::workflow::Workflow;

impl Client {
    /// The handle of a workflow that was started before, here or elsewhere.
    ///
    /// # Errors
    /// No workflow has the id, [`Error::NoSuchWorkflow`]; or it is a run of another workflow than `W`.
    pub async fn retrieve<W: Workflow>(
        &self,
        workflow_id: impl Into<String>,
    ) -> Result<WorkflowHandle<W>> {
        let id = workflow_id.into();
        let status = self.status(&id).await?;
        if status.name != W::NAME {
            return Err(Error::ConflictingWorkflow {
                id,
                existing: status.name,
                wanted: W::NAME.to_owned(),
            });
        }
        Ok(WorkflowHandle::outside(Arc::clone(&self.engine), id))
    }

    /// The state of a workflow.
    ///
    /// # Errors
    /// No workflow has the id, [`Error::NoSuchWorkflow`]; or the database cannot be read.
    pub async fn status(&self, workflow_id: &str) -> Result<WorkflowStatus> {
        let status = self.engine.store.workflow(workflow_id).await?;
        status.ok_or_else(|| Error::NoSuchWorkflow {
            id: workflow_id.to_owned(),
        })
    }

    /// The runs of `W` that have not finished, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn active<W: Workflow>(&self) -> Result<Vec<WorkflowStatus>> {
        Ok(self.engine.store.active(W::NAME).await?)
    }

    /// Workflows of the application and of none, the oldest first.
    ///
    /// # Errors
    /// It takes too long, [`Error::QueryTimedOut`]; or the database cannot be read.
    pub async fn list(&self, filter: WorkflowFilter) -> Result<Vec<WorkflowStatus>> {
        let filter = filter.within(self.application_name());
        let store = &self.engine.store;
        Ok(store.list(&filter, self.listing_limit).await?)
    }

    /// Workflows on queues: enqueued, delayed or running from one, unless a status is asked for.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn list_queued(&self, filter: WorkflowFilter) -> Result<Vec<WorkflowStatus>> {
        self.list(filter.queues_only()).await
    }

    /// The recorded steps of a workflow, in order: of its id, or of a [`StepFilter`].
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn steps(&self, filter: impl Into<StepFilter>) -> Result<Vec<StepStatus>> {
        let store = &self.engine.store;
        Ok(store.list_steps(&filter.into(), self.listing_limit).await?)
    }

    /// How many workflows there are, for each combination of what they are counted by. The filter's limit and offset
    /// mean nothing here.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn count(
        &self,
        filter: WorkflowFilter,
        by: &[GroupBy],
    ) -> Result<Vec<WorkflowCount>> {
        let filter = filter.within(self.application_name());
        let store = &self.engine.store;
        Ok(store
            .count_workflows(&filter, by, self.listing_limit)
            .await?)
    }

    /// How many steps are recorded, for each name.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn count_steps(&self, filter: StepCountFilter) -> Result<Vec<StepCount>> {
        let filter = filter.within(self.application_name());
        let store = &self.engine.store;
        Ok(store.count_steps(&filter, self.listing_limit).await?)
    }
}
