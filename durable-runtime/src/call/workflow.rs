use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::WorkflowCaller;
use super::caller::Caller;
use super::handle::{Origin, WorkflowHandle};
use crate::clock;
use crate::context::WorkflowContext;
use crate::engine::{Execution, Registered, StartRequest};
use crate::error::{Error, ErrorRecord, Result};
use crate::queue::Queue;
use crate::store::{Record, StepRecord};
use crate::value;
use crate::workflow::Workflow;

/// A pending call of a workflow. Await it to run it and get its result; [`start`](Self::start) it to get a handle;
/// give it an id, a queue or a priority before.
///
/// # Durability
/// The workflow survives everything from the moment that `start` returns. Awaited from another workflow it is a child:
/// its start and its result are recorded in the parent.
///
/// # Cancel safety
/// Dropping the call after it was polled does not undo the start: the workflow runs on.
#[must_use = "a call does nothing until it is awaited or started"]
pub struct WorkflowCall<'c, W: Workflow> {
    parts: Option<Parts<W>>,
    running: Option<BoxFuture<'static, Result<W::Output, W::Error>>>,
    caller: PhantomData<&'c ()>,
}

struct Parts<W: Workflow> {
    caller: Caller,
    /// Inside a workflow: the positions of the start and of the result.
    positions: Option<(i32, i32)>,
    location: &'static Location<'static>,
    input: W::Input,
    id: Option<String>,
    queue: Option<String>,
    priority: i32,
}

impl<W: Workflow> fmt::Debug for WorkflowCall<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowCall")
            .field("workflow", &W::NAME)
            .finish_non_exhaustive()
    }
}

/// Nothing in a call refers to itself: the future inside is boxed.
impl<W: Workflow> Unpin for WorkflowCall<'_, W> {}

#[doc(hidden)]
#[track_caller]
pub fn workflow<'c, W: Workflow>(
    caller: impl WorkflowCaller<'c>,
    input: W::Input,
) -> WorkflowCall<'c, W> {
    let caller = caller.caller();
    let positions = caller
        .parent
        .as_ref()
        .map(|parent| (parent.claim_position(), parent.claim_position()));
    let parts = Parts {
        caller,
        positions,
        location: Location::caller(),
        input,
        id: None,
        queue: None,
        priority: 0,
    };
    WorkflowCall {
        parts: Some(parts),
        running: None,
        caller: PhantomData,
    }
}

/// A workflow with its types forgotten.
pub(crate) fn registered<W: Workflow>() -> Registered {
    Registered {
        class: W::CLASS,
        name: W::NAME,
        version: W::VERSION,
        roles: W::ROLES,
        max_recovery_attempts: W::MAX_RECOVERY_ATTEMPTS,
        file: W::FILE,
        line: W::LINE,
        sites: W::SITES,
        run: run_body::<W>,
    }
}

fn run_body<W: Workflow>(
    execution: Arc<Execution>,
    input: String,
) -> BoxFuture<'static, Result<String, ErrorRecord>> {
    async move {
        let input = value::decode_arguments(&input, W::PARAMETERS, W::NAME)
            .map_err(|error| error.to_record())?;
        let output = W::run(WorkflowContext::new(execution), input)
            .await
            .map_err(W::error_codec().into_record)?;
        value::encode(&output, || format!("the result of workflow `{}`", W::NAME))
            .map_err(|error| error.to_record())
    }
    .boxed()
}

impl<'c, W: Workflow> WorkflowCall<'c, W> {
    /// Runs under this id. Starting an id that exists does not run anything: the call gives the outcome of that run.
    /// Unless set, a workflow gets a random UUID, and a child `<parent's id>-<position>`.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.with(|parts| parts.id = Some(id.into()))
    }

    /// Puts it on a queue, where it waits for its turn, instead of running at once in this process.
    pub fn queue(self, queue: &Queue) -> Self {
        self.with(|parts| parts.queue = Some(queue.name().to_owned()))
    }

    /// Its priority on the queue, from 1: the lowest number goes first. Unset it goes before all others.
    pub fn priority(self, priority: u32) -> Self {
        self.with(|parts| parts.priority = i32::try_from(priority).unwrap_or(i32::MAX))
    }

    fn with(mut self, change: impl FnOnce(&mut Parts<W>)) -> Self {
        if let Some(parts) = &mut self.parts {
            change(parts);
        }
        self
    }

    /// Starts it. When the returned future completes, the workflow is in the database and runs to its end whatever
    /// happens to this process.
    ///
    /// # Errors
    /// The id is not usable or belongs to another workflow; an argument cannot be written as JSON; the database
    /// refuses.
    pub fn start(mut self) -> impl Future<Output = Result<WorkflowHandle<W>>> + Send + 'c {
        let parts = self.parts.take();
        if let Some(Parts {
            caller: Caller {
                parent: Some(parent),
                ..
            },
            positions: Some((_, result)),
            ..
        }) = &parts
        {
            // Only the result of an awaited call is recorded with it; a handle records its own.
            parent.return_position(*result);
        }
        async move {
            match parts {
                Some(parts) => parts.start().await,
                None => Err(Error::Setup(format!(
                    "the call of workflow `{}` was already awaited",
                    W::NAME
                ))),
            }
        }
    }
}

impl<W: Workflow> Parts<W> {
    async fn start(self) -> Result<WorkflowHandle<W>> {
        let workflow = registered::<W>();
        let engine = Arc::clone(&self.caller.engine);
        // A start that nobody could run would wait for ever.
        engine.registry.get(W::CLASS, W::NAME)?;
        let input = value::encode_arguments(self.input, W::NAME)?;
        let request = StartRequest {
            workflow,
            input,
            id: self.id,
            queue: self.queue,
            priority: self.priority,
        };
        let Some(parent) = self.caller.parent else {
            let started = engine.start(request).await?;
            return Ok(WorkflowHandle::new(
                engine,
                started.workflow_id,
                started.slot,
                Origin::Outside,
            ));
        };
        let position = self.positions.map_or(0, |(start, _)| start);
        if let Some(row) = parent.recorded(position, W::NAME, self.location).await {
            if let Some(error) = row.error {
                return Err(Error::from_record(ErrorRecord::from_json(&error)));
            }
            let child = row.child_workflow_id.unwrap_or_default();
            let slot = engine.completions.slot(&child);
            engine.completions.ask_now();
            return Ok(WorkflowHandle::new(
                engine,
                child,
                slot,
                Origin::Workflow(parent),
            ));
        }
        let started_at = clock::now_ms();
        match engine.start_child(&parent, position, request).await {
            Ok(started) => Ok(WorkflowHandle::new(
                engine,
                started.workflow_id,
                started.slot,
                Origin::Workflow(parent),
            )),
            Err(error) => {
                parent.record(
                    failed_start(&parent, W::NAME, position, started_at, &error),
                    false,
                    None,
                );
                // As a replay will read it, so that the workflow's code takes the same way both times.
                Err(Error::from_record(error.to_record()))
            }
        }
    }

    async fn run(self) -> Result<W::Output, W::Error> {
        let codec = W::error_codec();
        let result_position = self.positions.map(|(_, result)| result);
        let location = self.location;
        let handle = self.start().await.map_err(codec.from_runtime)?;
        handle.wait(result_position, location).await
    }
}

/// The record of a child that could not be started: a replay gets the same error.
fn failed_start(
    parent: &Execution,
    workflow: &'static str,
    position: i32,
    started_at: i64,
    error: &Error,
) -> Record {
    Record::Step(Box::new(StepRecord {
        workflow_id: parent.workflow_id.clone(),
        token: parent.token.clone(),
        position,
        name: workflow.into(),
        output: None,
        error: Some(error.to_record().to_json()),
        child_workflow_id: None,
        child_name: None,
        started_at,
        completed_at: clock::now_ms(),
    }))
}

impl<W: Workflow> Future for WorkflowCall<'_, W> {
    type Output = Result<W::Output, W::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(parts) = self.parts.take() {
            self.running = Some(parts.run().boxed());
        }
        match &mut self.running {
            Some(running) => running.poll_unpin(context),
            // Polled after it was ready, which no executor does.
            None => Poll::Pending,
        }
    }
}
