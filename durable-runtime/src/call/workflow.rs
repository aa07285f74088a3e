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
use super::debounce::start_debounced;
use super::handle::{Origin, WorkflowHandle};
use crate::clock;
use crate::context::WorkflowContext;
use crate::engine::{Execution, Registered, StartOptions, StartRequest, Target, Watched};
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
    /// Inside a workflow, of a debounced call: the position between the two.
    debounced_start: Option<i32>,
    location: &'static Location<'static>,
    input: W::Input,
    options: StartOptions,
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
        debounced_start: None,
        location: Location::caller(),
        input,
        options: StartOptions::default(),
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
        code: W::CODE,
        machine: W::machine,
        run: run_body::<W>,
    }
}

fn run_body<W: Workflow>(
    execution: Arc<Execution>,
    input: String,
) -> BoxFuture<'static, Result<String, ErrorRecord>> {
    async move {
        let input = match value::decode_arguments(&input, W::PARAMETERS, W::NAME) {
            Ok(input) => input,
            // No code of the workflow has seen them, and none may answer for them.
            Err(error) => return execution.fail(error).await,
        };
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
        self.with(|options| options.id = Some(id.into()))
    }

    /// Puts it on a queue, where it waits for its turn, instead of running at once in this process.
    pub fn queue(self, queue: &Queue) -> Self {
        self.with(|options| options.queue = Some(queue.name().to_owned()))
    }

    /// Binds it to an application version other than that of this process.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.with(|options| options.version = Some(version.into()))
    }

    /// Takes one more position for a debounced call.
    pub(super) fn debounced(mut self) -> Self {
        if let Some(parts) = &mut self.parts
            && let (Some((_, result)), Some(parent)) = (&mut parts.positions, &parts.caller.parent)
            && parts.debounced_start.is_none()
        {
            parts.debounced_start = Some(std::mem::replace(result, parent.claim_position()));
        }
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut StartOptions)) -> Self {
        if let Some(parts) = &mut self.parts {
            change(&mut parts.options);
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
                Some(parts) => {
                    let watched = parts.watched();
                    watched.around(parts.start()).await
                }
                None => Err(Error::Setup(format!(
                    "the call of workflow `{}` was already awaited",
                    W::NAME
                ))),
            }
        }
    }
}

impl<W: Workflow> Parts<W> {
    fn watched(&self) -> Watched {
        self.caller.watched(W::NAME, self.location)
    }

    async fn start(self) -> Result<WorkflowHandle<W>> {
        let engine = &self.caller.engine;
        // A start that nobody could run would wait for ever; one that is recorded has happened.
        let begins = match (&self.caller.parent, self.positions) {
            (Some(parent), Some((position, _))) => parent.begins_at(position),
            _ => true,
        };
        if begins && !engine.is_client {
            engine.registry.get(W::CLASS, W::NAME)?;
        }
        let input = value::encode_arguments(self.input, W::NAME)?;
        let site = self.positions.map(|(position, _)| CallSite {
            position,
            second: self.debounced_start,
            location: self.location,
        });
        let target = Target::Here(registered::<W>());
        start_or_put_off(self.caller, site, target, input, self.options).await
    }

    async fn run(self) -> Result<W::Output, W::Error> {
        let codec = W::error_codec();
        let result_position = self.positions.map(|(_, result)| result);
        let location = self.location;
        let handle = self.start().await.map_err(codec.from_runtime)?;
        handle.wait_at(result_position, location).await
    }
}

/// Where a workflow starts another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSite {
    pub(super) position: i32,
    /// Of a debounced start: the position of the start itself, when the key is free.
    pub(super) second: Option<i32>,
    pub(super) location: &'static Location<'static>,
}

impl CallSite {
    /// Where a debounced start starts.
    pub(super) fn second(self) -> Self {
        Self {
            position: self.second.unwrap_or(self.position),
            second: None,
            ..self
        }
    }
}

/// Starts a workflow, or puts one off that waits for more calls.
pub(super) async fn start_or_put_off<W>(
    caller: Caller,
    site: Option<CallSite>,
    target: Target,
    input: String,
    options: StartOptions,
) -> Result<WorkflowHandle<W>> {
    if options.debounce.is_some() {
        start_debounced(caller, site, target, input, options).await
    } else {
        start(caller, site, target, input, options).await
    }
}

/// Starts a workflow: as a child when there is a site, recorded there or answered from its record.
pub(super) async fn start<W>(
    caller: Caller,
    site: Option<CallSite>,
    target: Target,
    input: String,
    options: StartOptions,
) -> Result<WorkflowHandle<W>> {
    let name = target.name().to_owned();
    let request = StartRequest {
        target,
        input,
        options,
        application: caller.application,
    };
    let engine = caller.engine;
    let (Some(parent), Some(site)) = (caller.parent, site) else {
        let started = engine.start(request).await?;
        let (id, slot) = (started.workflow_id, started.slot);
        return Ok(WorkflowHandle::new(engine, id, slot, Origin::Outside));
    };
    if let Some(row) = parent.recorded(site.position, &name, site.location).await {
        if let Some(error) = row.error {
            return Err(Error::from_record(ErrorRecord::from_json(&error)));
        }
        let child = row.child_workflow_id.unwrap_or_default();
        let slot = engine.completions.slot(&child);
        engine.completions.ask_about(&child);
        return Ok(WorkflowHandle::new(
            engine,
            child,
            slot,
            Origin::Workflow(parent),
        ));
    }
    let started_at = clock::now_ms();
    match engine.start_child(&parent, site.position, request).await {
        Ok(started) => {
            let (id, slot) = (started.workflow_id, started.slot);
            Ok(WorkflowHandle::new(
                engine,
                id,
                slot,
                Origin::Workflow(parent),
            ))
        }
        Err(error) => {
            let record = failed_start(&parent, name, site.position, started_at, &error);
            parent.record(record, false, None);
            // As a replay will read it, so that the workflow's code takes the same way both times.
            Err(Error::from_record(error.to_record()))
        }
    }
}

/// The record of a child that could not be started: a replay gets the same error.
fn failed_start(
    parent: &Execution,
    workflow: String,
    position: i32,
    started_at: i64,
    error: &Error,
) -> Record {
    Record::Step(Arc::new(StepRecord {
        workflow_id: parent.workflow_id.clone(),
        token: parent.token.clone(),
        position,
        name: workflow.into(),
        error: Some(error.to_record().to_json()),
        started_at,
        completed_at: clock::now_ms(),
        ..StepRecord::default()
    }))
}

impl<W: Workflow> Future for WorkflowCall<'_, W> {
    type Output = Result<W::Output, W::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(parts) = self.parts.take() {
            let watched = parts.watched();
            self.running = Some(watched.around(parts.run()).boxed());
        }
        match &mut self.running {
            Some(running) => running.poll_unpin(context),
            // Polled after it was ready, which no executor does.
            None => Poll::Pending,
        }
    }
}
