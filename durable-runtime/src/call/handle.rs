use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use super::outside;
use crate::clock;
use crate::context::WorkflowContext;
use crate::engine::{Engine, Execution, Phase, Slot, Watched};
use crate::error::{Error, ErrorRecord, Result};
use crate::failure::{ErrorCodec, error_codec};
use crate::store::{Finished, Record, StepRecord, WorkflowStatus};
use crate::value::{self, Value};
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

/// A workflow that is known by its name only, whose result is read as a `T`.
#[derive(Debug)]
pub struct Untyped<T = serde_json::Value>(PhantomData<fn() -> T>);

/// Its id, where ids are asked for.
impl<W> From<&WorkflowHandle<W>> for String {
    fn from(handle: &WorkflowHandle<W>) -> Self {
        handle.workflow_id.clone()
    }
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
    #[track_caller]
    pub fn status(&self) -> impl Future<Output = Result<WorkflowStatus>> + Send + use<'_, W> {
        let watched = match &self.origin {
            Origin::Workflow(parent) => parent.watched("status", Location::caller()),
            Origin::Outside => Watched::outside(),
        };
        watched.around(async move {
            let status = self.engine.store.workflow(&self.workflow_id).await?;
            status.ok_or_else(|| Error::NoSuchWorkflow {
                id: self.workflow_id.clone(),
            })
        })
    }
}

impl<W> WorkflowHandle<W> {
    pub(crate) fn outside(engine: Arc<Engine>, workflow_id: String) -> Self {
        let slot = engine.completions.slot(&workflow_id);
        engine.completions.ask_about(&workflow_id);
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
            self.engine.completions.ask_about(&id);
            Ok(Self::new(self.engine, id, slot, self.origin))
        }
    }

    /// Waits for the outcome. With a position it is recorded there, or answered from its record.
    fn wait<T: Value, E: Send + 'static>(
        &self,
        position: Option<i32>,
        location: &'static Location<'static>,
        name: &'static str,
        codec: ErrorCodec<E>,
    ) -> impl Future<Output = Result<T, E>> + Send + 'static + use<W, T, E> {
        let (engine, slot, id, origin) = (
            Arc::clone(&self.engine),
            Arc::clone(&self.slot),
            self.workflow_id.clone(),
            self.origin.clone(),
        );
        let watched = match (&self.origin, position) {
            (Origin::Workflow(parent), Some(_)) => parent.watched(GET_RESULT, location),
            _ => Watched::outside(),
        };
        watched.around(async move {
            let finished = match (origin, position) {
                (Origin::Workflow(parent), Some(position)) => {
                    wait_in_workflow(&parent, position, location, &id, &slot).await
                }
                _ => {
                    engine.notifier.want();
                    tokio::select! {
                        biased;
                        finished = slot.wait() => finished,
                        () = engine.reached(Phase::Stopped) => {
                            return Err((codec.from_runtime)(Error::ShuttingDown { id }));
                        }
                    }
                }
            };
            outcome(&id, name, &finished, codec)
        })
    }

    #[track_caller]
    fn position(&self) -> (Option<i32>, &'static Location<'static>) {
        let position = match &self.origin {
            Origin::Outside => None,
            Origin::Workflow(execution) => Some(execution.claim_position()),
        };
        (position, Location::caller())
    }
}

impl<W: Workflow> WorkflowHandle<W> {
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
        let (position, location) = self.position();
        self.wait_at(position, location)
    }

    pub(super) fn wait_at(
        &self,
        position: Option<i32>,
        location: &'static Location<'static>,
    ) -> impl Future<Output = Result<W::Output, W::Error>> + Send + 'static + use<W> {
        self.wait(position, location, W::NAME, W::error_codec())
    }
}

impl<T: Value> WorkflowHandle<Untyped<T>> {
    /// Waits for the workflow to end, wherever it runs. From a workflow's code this is a recorded call, with its
    /// place fixed now.
    ///
    /// # Errors
    /// The workflow ended with an error, was cancelled or given up; its result cannot be read as a `T`.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the workflow alone.
    #[track_caller]
    pub fn result(&self) -> impl Future<Output = Result<T>> + Send + 'static + use<T> {
        let (position, location) = self.position();
        self.wait(position, location, "?", error_codec::<Error, _>())
    }
}

async fn wait_in_workflow(
    parent: &Execution,
    position: i32,
    location: &Location<'_>,
    id: &str,
    slot: &Slot,
) -> Arc<Finished> {
    if let Some(row) = parent.recorded(position, GET_RESULT, location).await {
        return Arc::new(match (row.output, row.error) {
            (_, Some(error)) => Finished::Error(error),
            (output, None) => Finished::Output(output.unwrap_or_else(|| "null".to_owned())),
        });
    }
    let started_at = clock::now_ms();
    let finished = slot.wait().await;
    let (output, error) = match finished.as_ref() {
        Finished::Output(output) => (Some(output.clone()), None),
        Finished::Error(error) => (None, Some(error.clone())),
        Finished::Cancelled | Finished::DeadLetter | Finished::Gone => (
            None,
            Some(runtime_error(id, &finished).to_record().to_json()),
        ),
    };
    let record = StepRecord {
        workflow_id: parent.workflow_id.clone(),
        token: parent.token.clone(),
        position,
        name: GET_RESULT.into(),
        output,
        error,
        child_workflow_id: Some(id.to_owned()),
        started_at,
        completed_at: clock::now_ms(),
        ..StepRecord::default()
    };
    parent.record(Record::Step(Arc::new(record)), false, None);
    finished
}

fn runtime_error(id: &str, finished: &Finished) -> Error {
    match finished {
        Finished::DeadLetter => Error::AwaitedDeadLetter { id: id.to_owned() },
        Finished::Gone => Error::NoSuchWorkflow { id: id.to_owned() },
        _ => Error::AwaitedCancelled { id: id.to_owned() },
    }
}

fn outcome<T: Value, E>(
    id: &str,
    name: &str,
    finished: &Finished,
    codec: ErrorCodec<E>,
) -> Result<T, E> {
    match finished {
        Finished::Output(output) => {
            value::decode(output, || format!("the result of workflow `{name}` ({id})"))
                .map_err(codec.from_runtime)
        }
        Finished::Error(error) => Err((codec.from_record)(ErrorRecord::from_json(error))),
        Finished::Cancelled | Finished::DeadLetter | Finished::Gone => {
            Err((codec.from_runtime)(runtime_error(id, finished)))
        }
    }
}
