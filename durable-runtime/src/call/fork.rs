use std::sync::Arc;
use std::time::Duration;

use super::{Operation, changed, changed_once, outside};
use crate::context::WorkflowContext;
use crate::engine::{Engine, milliseconds, queue_or_internal};
use crate::error::{Error, Result};
use crate::ids;
use crate::queue::Queue;
use crate::store::{ForkPoint, ForkRequest};

/// A fork that is not made yet: a new workflow with the arguments of another one, which takes over its records up to
/// a step and does the rest itself.
#[derive(Debug)]
#[must_use = "a fork is made by `start`"]
pub struct Fork {
    engine: Arc<Engine>,
    /// Inside a workflow: the calls that are recorded, the fork and the look at its state.
    operations: Option<(Operation, Operation)>,
    source: String,
    from: Point,
    id: Option<String>,
    version: Option<String>,
    queue: Option<String>,
    partition_key: Option<String>,
    timeout: Option<Duration>,
    replaced_children: Vec<(String, String)>,
    application: Option<String>,
}

#[derive(Debug)]
enum Point {
    Step(u32),
    LastFailure,
}

impl Fork {
    pub(crate) fn outside(
        engine: Arc<Engine>,
        source: String,
        application: Option<String>,
    ) -> Self {
        Self {
            engine,
            operations: None,
            source,
            from: Point::Step(1),
            id: None,
            version: None,
            queue: None,
            partition_key: None,
            timeout: None,
            replaced_children: Vec::new(),
            application,
        }
    }

    #[track_caller]
    pub(crate) fn in_workflow(ctx: &WorkflowContext, source: String) -> Self {
        let fork = Operation::claim(ctx, "DBOS.forkWorkflow");
        let status = Operation::claim(ctx, "DBOS.getStatus");
        let engine = Arc::clone(&fork.execution.engine);
        let application = engine.identity.application_name.clone();
        Self {
            operations: Some((fork, status)),
            ..Self::outside(engine, source, application)
        }
    }

    /// Takes the records of the steps before this one over, counted from 1. Unless set, none: it begins at the
    /// beginning.
    pub fn from_step(mut self, step: u32) -> Self {
        self.from = Point::Step(step);
        self
    }

    /// Takes over everything up to the step that failed last, and does that again. A step that waited for a child in
    /// vain begins with a new child. When no step failed, all are taken over.
    pub fn from_last_failure(mut self) -> Self {
        self.from = Point::LastFailure;
        self
    }

    /// The id of the fork. Unless set, a random UUID.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Binds it to an application version. Unless set, whoever runs the latest version takes it.
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

    /// The partition of the queue.
    pub fn partition_key(mut self, key: impl Into<String>) -> Self {
        self.partition_key = Some(key.into());
        self
    }

    /// Cancels it when it takes longer, counted from its start. The source's limit is not taken over.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Puts other children in the place of those that the source started: pairs of ids, what stands in the records and
    /// what stands there in the fork. For forks of a workflow whose children are forked as well.
    pub fn replace_children<K, V>(mut self, children: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let pairs = children.into_iter();
        let pairs = pairs.map(|(old, new)| (old.into(), new.into()));
        self.replaced_children.extend(pairs);
        self
    }

    /// Makes the fork, and gives its id. It is durable when this returns.
    ///
    /// # Errors
    /// The source does not exist, [`Error::NoSuchWorkflow`]; the id is in use, [`Error::WorkflowIdInUse`]; what was
    /// given makes no sense.
    pub async fn start(mut self) -> Result<String> {
        let id = self.id.take().unwrap_or_else(ids::workflow_id);
        let operations = self.operations.take();
        let request = self.request(id.clone());
        let (engine, request) = (&self.engine, &request);
        let Some((fork, status)) = operations else {
            let request = request.as_ref().map_err(Clone::clone)?;
            outside(engine.fork(request, None).await)?;
            return Ok(id);
        };
        let id = changed_once(fork, id, |record| async move {
            let request = request.as_ref().map_err(Clone::clone)?;
            engine.fork(request, Some(&record)).await
        })
        .await?;
        changed(status, || async { Ok(engine.store.workflow(&id).await?) }).await?;
        Ok(id)
    }

    fn request(&mut self, id: String) -> Result<ForkRequest> {
        if id.trim().is_empty() || id.contains('\0') {
            return Err(Error::InvalidWorkflowId { id });
        }
        if self.timeout.is_some_and(|limit| limit.is_zero()) {
            let text = "the timeout of a fork is longer than nothing";
            return Err(Error::Misuse(text.to_owned()));
        }
        Ok(ForkRequest {
            source: self.source.clone(),
            from: match self.from {
                Point::Step(step) => ForkPoint::Step(i32::try_from(step).unwrap_or(i32::MAX)),
                Point::LastFailure => ForkPoint::LastFailure,
            },
            id,
            queue: queue_or_internal(self.queue.as_deref())?.to_owned(),
            partition_key: self.partition_key.take(),
            version: self.version.take(),
            timeout_ms: self.timeout.map(milliseconds),
            replaced_children: std::mem::take(&mut self.replaced_children),
            application: self.application.take(),
        })
    }
}
