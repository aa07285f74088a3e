//! What is done to workflows: cancel, resume, fork, rewind, delete, delay, note.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use super::Client;
use crate::call::{Fork, Rewind, WorkflowIds, json_object, outside};
use crate::clock;
use crate::engine::milliseconds;
use crate::error::Result;
use crate::queue::Queue;
use crate::store::epoch_ms;

impl Client {
    /// Cancels workflows that have not finished: they leave their queue, and whoever runs one ends it at the latest
    /// where it would record something; in this process at once. What they recorded stays, for a
    /// [`resume`](Self::resume). Workflows that do not exist are passed over.
    ///
    /// # Errors
    /// The database refuses or cannot be reached.
    pub async fn cancel(&self, ids: impl Into<WorkflowIds>) -> Result<()> {
        self.engine.cancel(&ids.into().0, false).await
    }

    /// Cancels workflows, and everything that they started.
    ///
    /// # Errors
    /// As for [`cancel`](Self::cancel).
    pub async fn cancel_with_children(&self, ids: impl Into<WorkflowIds>) -> Result<()> {
        self.engine.cancel(&ids.into().0, true).await
    }

    /// Cancels everything unfinished of the application that was started or enqueued at this time or before; says
    /// which.
    ///
    /// # Errors
    /// As for [`cancel`](Self::cancel).
    pub async fn cancel_older_than(&self, time: SystemTime) -> Result<Vec<String>> {
        let application = self.application_name();
        self.engine.cancel_old(epoch_ms(time), application).await
    }

    /// Lets workflows go on that were cancelled or given up: with what they recorded, a new count of attempts, without
    /// the deadline that they had, and on the queue on which recovered workflows wait. One that still waits on a queue
    /// leaves it; one that still runs is taken from whoever runs it. One that has an outcome stays as it is.
    ///
    /// # Errors
    /// One of them does not exist, [`Error::NoSuchWorkflow`](crate::Error::NoSuchWorkflow): then none is resumed.
    pub async fn resume(&self, ids: impl Into<WorkflowIds>) -> Result<()> {
        outside(self.engine.resume(&ids.into().0, None, None).await)
    }

    /// The same, on a queue.
    ///
    /// # Errors
    /// As for [`resume`](Self::resume).
    pub async fn resume_on(&self, ids: impl Into<WorkflowIds>, queue: &Queue) -> Result<()> {
        self.resume_on_named(ids, queue.name()).await
    }

    /// The same, on a queue that is known by its name.
    ///
    /// # Errors
    /// As for [`resume`](Self::resume).
    pub async fn resume_on_named(&self, ids: impl Into<WorkflowIds>, queue: &str) -> Result<()> {
        let queue = Some(queue);
        outside(self.engine.resume(&ids.into().0, queue, None).await)
    }

    /// A fork of a workflow in any state, to be made with [`start`](Fork::start).
    pub fn fork(&self, id: impl Into<String>) -> Fork {
        let engine = Arc::clone(&self.engine);
        Fork::outside(engine, id.into(), self.application.clone())
    }

    /// A rewind of a finished workflow, to happen with [`start`](Rewind::start).
    pub fn rewind(&self, id: impl Into<String>) -> Rewind {
        Rewind::outside(Arc::clone(&self.engine), id.into())
    }

    /// Deletes workflows with all that is recorded about them, in whatever state; says how many were there.
    ///
    /// # Errors
    /// The database refuses or cannot be reached.
    pub async fn delete(&self, ids: impl Into<WorkflowIds>) -> Result<u64> {
        self.engine.delete(&ids.into().0, false).await
    }

    /// Deletes workflows, and everything that they started; says how many were there.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete).
    pub async fn delete_with_children(&self, ids: impl Into<WorkflowIds>) -> Result<u64> {
        self.engine.delete(&ids.into().0, true).await
    }

    /// Changes how long a delayed workflow waits, from now on, before it takes its place on its queue. One that is not
    /// delayed is left alone.
    ///
    /// # Errors
    /// The database refuses or cannot be reached.
    pub async fn set_delay(&self, id: &str, delay: Duration) -> Result<()> {
        let until = clock::now_ms().saturating_add(milliseconds(delay));
        self.engine.store.set_delay(id, until).await
    }

    /// The same, until a time.
    ///
    /// # Errors
    /// As for [`set_delay`](Self::set_delay).
    pub async fn set_delay_until(&self, id: &str, time: SystemTime) -> Result<()> {
        self.engine.store.set_delay(id, epoch_ms(time)).await
    }

    /// Replaces what is noted about a workflow: a JSON object.
    ///
    /// # Errors
    /// It is no object, [`Error::Misuse`](crate::Error::Misuse).
    pub async fn set_attributes(&self, id: &str, attributes: Json) -> Result<()> {
        let text = json_object(&attributes)?;
        let store = &self.engine.store;
        Ok(store.set_attributes(id, Some(&text)).await?)
    }

    /// Adds to what is noted about a workflow; what has the same keys is replaced.
    ///
    /// # Errors
    /// It is no object, [`Error::Misuse`](crate::Error::Misuse).
    pub async fn merge_attributes(&self, id: &str, attributes: Json) -> Result<()> {
        let text = json_object(&attributes)?;
        Ok(self.engine.store.merge_attributes(id, &text).await?)
    }

    /// Takes away what is noted about a workflow.
    ///
    /// # Errors
    /// The database refuses or cannot be reached.
    pub async fn clear_attributes(&self, id: &str) -> Result<()> {
        Ok(self.engine.store.set_attributes(id, None).await?)
    }
}
