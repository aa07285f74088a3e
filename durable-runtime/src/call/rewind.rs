use std::sync::Arc;

use super::{Operation, changed_once, outside};
use crate::context::WorkflowContext;
use crate::engine::{Engine, queue_or_internal};
use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::store::RewindRequest;

/// A rewind that has not happened yet: a finished workflow forgets what it did from a step on, and does it again under
/// the same id.
#[derive(Debug)]
#[must_use = "a workflow is rewound by `start`"]
pub struct Rewind {
    engine: Arc<Engine>,
    operation: Option<Operation>,
    workflow_id: String,
    step: u32,
    version: Option<String>,
    queue: Option<String>,
    partition_key: Option<String>,
}

impl Rewind {
    pub(crate) fn outside(engine: Arc<Engine>, workflow_id: String) -> Self {
        Self {
            engine,
            operation: None,
            workflow_id,
            step: 1,
            version: None,
            queue: None,
            partition_key: None,
        }
    }

    #[track_caller]
    pub(crate) fn in_workflow(ctx: &WorkflowContext, workflow_id: String) -> Self {
        let operation = Operation::claim(ctx, "DBOS.rewindWorkflow");
        let engine = Arc::clone(&operation.execution.engine);
        Self {
            operation: Some(operation),
            ..Self::outside(engine, workflow_id)
        }
    }

    /// The first step that it does again, counted from 1. Unless set, the first.
    pub fn to_step(mut self, step: u32) -> Self {
        self.step = step;
        self
    }

    /// Binds it to another application version. Unless set, it keeps its own.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Puts it on a queue. Unless set, it runs as soon as a process has time.
    pub fn queue(mut self, queue: &Queue) -> Self {
        self.queue = Some(queue.name().to_owned());
        self
    }

    /// Puts it on a queue that is known by its name.
    pub fn queue_named(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// The partition of the queue. Unless set, it has none from now on.
    pub fn partition_key(mut self, key: impl Into<String>) -> Self {
        self.partition_key = Some(key.into());
        self
    }

    /// Rewinds the workflow. From the step on its records, what became of its events since, messages that it received
    /// since or not at all, and its outcome are gone for good; entries of its streams stay.
    ///
    /// # Errors
    /// The workflow does not exist, [`Error::NoSuchWorkflow`]; it has not finished, or the step is 0,
    /// [`Error::Misuse`].
    pub async fn start(mut self) -> Result<()> {
        let operation = self.operation.take();
        let request = self.request();
        let (engine, request) = (&self.engine, &request);
        let Some(operation) = operation else {
            let request = request.as_ref().map_err(Clone::clone)?;
            return outside(engine.rewind(request, None).await);
        };
        changed_once(operation, (), |record| async move {
            let request = request.as_ref().map_err(Clone::clone)?;
            engine.rewind(request, Some(&record)).await
        })
        .await
    }

    fn request(&mut self) -> Result<RewindRequest> {
        if self.step == 0 {
            let text = "a workflow is rewound to one of its steps, and the first is 1";
            return Err(Error::Misuse(text.to_owned()));
        }
        Ok(RewindRequest {
            workflow_id: self.workflow_id.clone(),
            step: i32::try_from(self.step).unwrap_or(i32::MAX),
            version: self.version.take(),
            queue: queue_or_internal(self.queue.as_deref())?.to_owned(),
            partition_key: self.partition_key.take(),
        })
    }
}
