use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use super::outside;
use crate::clock;
use crate::context::WorkflowContext;
use crate::engine::{Engine, Execution, Phase, Slot};
use crate::error::{Error, ErrorRecord, Result};
use crate::store::{Finished, Record, StepRecord, WorkflowStatus};
use crate::value;
use crate::workflow::Workflow;

/// The name under which a parent records a child's outcome.
const GET_RESULT: &str = "DBOS.getResult";

/// A workflow that is in the database.
#[must_use = "the workflow runs without its handle; keep it to wait for the result"]
pub struct WorkflowHandle<W> {
    engine: Arc<Engine>,
    workflow_id: String,
    slot: Arc<Slot>,
    origin: Origin,
    workflow: PhantomData<fn() -> W>,
}

/// Who holds a handle.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Outside,
    /// A workflow: what it learns through the handle is recorded.
    Workflow(Arc<Execution>),
}

impl<W> fmt::Debug for WorkflowHandle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowHandle")
            .field("workflow_id", &self.workflow_id)
            .finish_non_exhaustive()
    }
}

impl<W> WorkflowHandle<W> {
    pub(super) fn new(
        engine: Arc<Engine>,
        workflow_id: String,
        slot: Arc<Slot>,
        origin: Origin,
    ) -> Self {
        Self {
            engine,
            workflow_id,
            slot,
            origin,
            workflow: PhantomData,
        }
    }

    /// The id of the workflow.
    #[must_use]
    pub fn workflow_id(&self) -> &str {
        &self.workflow_id
    }

    /// The state of the workflow as the database has it now. Not recorded: from a workflow's code, only for logging.
    ///
    /// # Errors
    /// The database cannot be read, or the workflow was deleted.
    pub async fn status(&self) -> Result<WorkflowStatus> {
        let status = self.engine.store.workflow(&self.workflow_id).await?;
        status.ok_or_else(|| Error::NoSuchWorkflow {
            id: self.workflow_id.clone(),
        })
    }
}

impl<W: Workflow> WorkflowHandle<W> {
    pub(crate) fn outside(engine: Arc<Engine>, workflow_id: String) -> Self {
        let slot = engine.completions.slot(&workflow_id);
        engine.completions.ask_now();
        Self::new(engine, workflow_id, slot, Origin::Outside)
    }

    /// Cancels the workflow, if it has not finished. From a workflow's code this is a recorded call, with its place
    /// fixed now.
    ///
    /// # Errors
    /// The database refuses or cannot be reached.
    #[track_caller]
    pub fn cancel(&self) -> impl Future<Output = Result<()>> + Send + 'static + use<W> {
        let id = self.workflow_id.clone();
        let engine = Arc::clone(&self.engine);
        let recorded = match &self.origin {
            Origin::Outside => None,
            Origin::Workflow(execution) => {
                let ctx = WorkflowContext::new(Arc::clone(execution));
                Some(ctx.cancel_workflow(id.clone()))
            }
        };
        async move {
            match recorded {
                Some(recorded) => recorded.await,
                None => engine.cancel(&[id], false).await,
            }
        }
    }

    /// Lets the workflow go on that was cancelled or given up, and gives a handle that waits for its new outcome. From
    /// a workflow's code this is a recorded call, with its place fixed now.
    ///
    /// # Errors
    /// The workflow was deleted, or the database cannot be reached.
    #[track_caller]
    pub fn resume(self) -> impl Future<Output = Result<Self>> + Send + 'static + use<W> {
        let id = self.workflow_id.clone();
        let recorded = match &self.origin {
            Origin::Outside => None,
            Origin::Workflow(execution) => {
                let ctx = WorkflowContext::new(Arc::clone(execution));
                Some(ctx.resume_workflow(id.clone()))
            }
        };
        async move {
            match recorded {
                Some(recorded) => recorded.await?,
                None => {
                    let ids = std::slice::from_ref(&id);
                    outside(self.engine.resume(ids, None, None).await)?;
                }
            }
            // The old slot may hold the cancellation.
            let slot = self.engine.completions.slot(&id);
            self.engine.completions.ask_now();
            Ok(Self::new(self.engine, id, slot, self.origin))
        }
    }

    /// Waits for the workflow to end, wherever it runs. From a workflow's code this is a recorded call, with its
    /// place fixed now.
    ///
    /// # Errors
    /// The error that the workflow ended with; or, as an error of the runtime, that it was cancelled or given up.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the workflow alone.
    #[track_caller]
    pub fn result(
        &self,
    ) -> impl Future<Output = Result<W::Output, W::Error>> + Send + 'static + use<W> {
        let position = match &self.origin {
            Origin::Outside => None,
            Origin::Workflow(execution) => Some(execution.claim_position()),
        };
        self.wait(position, Location::caller())
    }

    pub(super) fn wait(
        &self,
        position: Option<i32>,
        location: &'static Location<'static>,
    ) -> impl Future<Output = Result<W::Output, W::Error>> + Send + 'static + use<W> {
        let (engine, slot, id, origin) = (
            Arc::clone(&self.engine),
            Arc::clone(&self.slot),
            self.workflow_id.clone(),
            self.origin.clone(),
        );
        async move {
            match (origin, position) {
                (Origin::Workflow(parent), Some(position)) => {
                    wait_in_workflow::<W>(&parent, position, location, id, &slot).await
                }
                _ => wait_outside::<W>(&engine, id, &slot).await,
            }
        }
    }
}

async fn wait_outside<W: Workflow>(
    engine: &Engine,
    id: String,
    slot: &Slot,
) -> Result<W::Output, W::Error> {
    let finished = tokio::select! {
        biased;
        finished = slot.wait() => finished,
        () = engine.reached(Phase::Stopped) => return Err((W::error_codec().from_runtime)(Error::ShuttingDown { id })),
    };
    outcome::<W>(&id, &finished)
}

async fn wait_in_workflow<W: Workflow>(
    parent: &Execution,
    position: i32,
    location: &Location<'_>,
    id: String,
    slot: &Slot,
) -> Result<W::Output, W::Error> {
    if let Some(row) = parent.recorded(position, GET_RESULT, location).await {
        let finished = match (row.output, row.error) {
            (_, Some(error)) => Finished::Error(error),
            (output, None) => Finished::Output(output.unwrap_or_else(|| "null".to_owned())),
        };
        return outcome::<W>(&id, &finished);
    }
    let started_at = clock::now_ms();
    let finished = slot.wait().await;
    let (output, error) = match finished.as_ref() {
        Finished::Output(output) => (Some(output.clone()), None),
        Finished::Error(error) => (None, Some(error.clone())),
        Finished::Cancelled | Finished::DeadLetter => (
            None,
            Some(runtime_error(&id, &finished).to_record().to_json()),
        ),
    };
    let record = StepRecord {
        workflow_id: parent.workflow_id.clone(),
        token: parent.token.clone(),
        position,
        name: GET_RESULT.into(),
        output,
        error,
        child_workflow_id: Some(id.clone()),
        started_at,
        completed_at: clock::now_ms(),
        ..StepRecord::default()
    };
    parent.record(Record::Step(Box::new(record)), false, None);
    outcome::<W>(&id, &finished)
}

fn runtime_error(id: &str, finished: &Finished) -> Error {
    match finished {
        Finished::DeadLetter => Error::AwaitedDeadLetter { id: id.to_owned() },
        _ => Error::AwaitedCancelled { id: id.to_owned() },
    }
}

fn outcome<W: Workflow>(id: &str, finished: &Finished) -> Result<W::Output, W::Error> {
    let codec = W::error_codec();
    match finished {
        Finished::Output(output) => value::decode(output, || {
            format!("the result of workflow `{}` ({id})", W::NAME)
        })
        .map_err(codec.from_runtime),
        Finished::Error(error) => Err((codec.from_record)(ErrorRecord::from_json(error))),
        Finished::Cancelled | Finished::DeadLetter => {
            Err((codec.from_runtime)(runtime_error(id, finished)))
        }
    }
}
