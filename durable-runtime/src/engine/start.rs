//! Starting workflows: from outside, from a queue, and as children of others.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::authorization::authorize;
use super::execution::{Attempt, CallerIdentity};
use super::options::{DuplicationPolicy, StartOptions, Timeout, milliseconds};
use super::{Engine, Execution, INTERNAL_QUEUE, Phase, Registered, Slot};
use crate::error::{Error, Result};
use crate::store::{Outcome, Parent, Record, Session, StartRecord, StepRecord};
use crate::task::{self, JoinHandle};
use crate::value::{Format, PORTABLE_JSON};
use crate::{clock, ids};

/// What the caller wants started.
#[derive(Debug, Clone)]
pub(crate) struct StartRequest {
    pub(crate) target: Target,
    /// The arguments, as portable JSON.
    pub(crate) input: String,
    pub(crate) options: StartOptions,
    /// The application that owns it, where it is not that of the engine.
    pub(crate) application: Option<String>,
}

/// The workflow that is to be started.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// One of this program.
    Here(Registered),
    /// One that is known by its name only: of another program, or another language.
    Named {
        name: String,
        class: Option<String>,
        config: Option<String>,
        /// The application that runs it.
        application: Option<String>,
    },
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Here(workflow) => workflow.name,
            Self::Named { name, .. } => name,
        }
    }

    fn class(&self) -> Option<&str> {
        match self {
            Self::Here(workflow) => workflow.class,
            Self::Named { class, .. } => class.as_deref(),
        }
    }

    fn config(&self) -> Option<&str> {
        match self {
            Self::Here(_) => None,
            Self::Named { config, .. } => config.as_deref(),
        }
    }
}

/// A workflow that is durable, and where its outcome will arrive.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) workflow_id: String,
    pub(crate) slot: Arc<Slot>,
}

impl Engine {
    /// Makes a workflow durable and, unless it goes to a queue, begins to run it. Starting an id that exists does
    /// nothing: the caller gets to wait for that run.
    pub(crate) async fn start(self: &Arc<Self>, request: StartRequest) -> Result<Started> {
        request.options.check(request.target.name())?;
        if self.is_client && request.options.queue.is_none() {
            return Err(Error::Misuse(format!(
                "workflow `{}`: a client runs nothing; add `.queue(...)`",
                request.target.name()
            )));
        }
        let id = request.options.id.clone();
        let workflow_id = id.unwrap_or_else(ids::workflow_id);
        let slot = self.completions.slot(&workflow_id);
        if self.phase() != Phase::Open {
            return Err(Error::Setup(
                "the runtime is shutting down: it starts no more workflows".to_owned(),
            ));
        }
        let mut record = self.start_record(&request, workflow_id.clone(), None);
        record.is_new = request.options.id.is_none() && record.deduplication_id.is_none();
        allow(&request, &mut record)?;
        let attempt = attempt(&request, &record);
        let engine = Arc::clone(self);
        // Its own task: a caller that stops waiting must not leave behind a committed workflow that nobody runs.
        let starting = task::spawn(async move {
            let submitted = engine
                .journal
                .submit(&workflow_id, vec![Record::Start(Arc::new(record))])
                .await;
            let outcome = submitted.ok().and_then(|mut outcomes| outcomes.pop());
            let outcome = outcome.ok_or_else(|| {
                Error::Setup("the runtime shut down before the workflow was started".to_owned())
            })?;
            engine.started(request, workflow_id, attempt, slot, outcome)
        });
        joined(starting).await
    }

    /// Starts a child of a running workflow: its row and the parent's record of it are one transaction.
    pub(crate) async fn start_child(
        self: &Arc<Self>,
        parent: &Execution,
        position: i32,
        request: StartRequest,
    ) -> Result<Started> {
        request.options.check(request.target.name())?;
        let id = request.options.id.clone();
        let workflow_id = id.unwrap_or_else(|| ids::child_id(&parent.workflow_id, position));
        let slot = self.completions.slot(&workflow_id);
        let started_at = clock::now_ms();
        let mut record = self.start_record(&request, workflow_id.clone(), Some(parent));
        allow(&request, &mut record)?;
        let attempt = attempt(&request, &record);
        let name = request.target.name().to_owned();
        let link = |child: String| StepRecord {
            workflow_id: parent.workflow_id.clone(),
            token: parent.token.clone(),
            position,
            name: name.clone().into(),
            child_workflow_id: Some(child),
            child_name: Some(name.clone()),
            started_at,
            completed_at: clock::now_ms(),
            ..StepRecord::default()
        };
        let (reply, outcome) = oneshot::channel();
        parent.record(Record::Start(Arc::new(record)), false, Some(reply));
        parent.record(
            Record::Step(Arc::new(link(workflow_id.clone()))),
            false,
            None,
        );
        let engine = Arc::clone(self);
        let wanted = workflow_id.clone();
        // Its own task, as above: the parent may drop the call, or end, before the commit is answered.
        let starting = task::spawn(async move {
            match outcome.await {
                Ok(Outcome::Fenced) | Err(_) => None,
                Ok(outcome) => Some(engine.started(request, workflow_id, attempt, slot, outcome)),
            }
        });
        let started = match starting.await {
            Ok(Some(started)) => started?,
            // The parent does not run any more.
            Ok(None) | Err(_) => return std::future::pending().await,
        };
        if started.workflow_id != wanted {
            // Another workflow holds the deduplication id, and is the child from now on.
            let link = link(started.workflow_id.clone());
            parent.record(Record::Step(Arc::new(link)), false, None);
        }
        Ok(started)
    }

    /// Writes a workflow for a queue in the caller's own transaction; gives its id.
    pub(crate) async fn start_in(
        &self,
        mut session: Session<'_>,
        target: Target,
        input: String,
        options: StartOptions,
    ) -> Result<String> {
        options.check(target.name())?;
        let id = options.id.clone().unwrap_or_else(ids::workflow_id);
        let request = StartRequest {
            target,
            input,
            options,
            application: None,
        };
        let record = self.start_record(&request, id.clone(), None);
        let records = [Record::Start(Arc::new(record))];
        let outcome = session.write(&records).await?.pop();
        let options = request.options;
        match outcome {
            Some(outcome) => {
                accept(outcome, &request.target, &options, id).map(|started| match started {
                    Accepted::New(id) | Accepted::Existing(id) => id,
                })
            }
            None => Ok(id),
        }
    }

    /// The application that the workflow belongs to.
    pub(super) fn owner(&self, request: &StartRequest) -> Option<String> {
        let target = match &request.target {
            Target::Here(_) => None,
            Target::Named { application, .. } => application.clone(),
        };
        let given = target.or_else(|| request.application.clone());
        given.or_else(|| self.identity.application_name.clone())
    }

    fn start_record(
        &self,
        request: &StartRequest,
        workflow_id: String,
        parent: Option<&Execution>,
    ) -> StartRecord {
        let options = &request.options;
        let caller = parent.map(|parent| &parent.caller);
        let queued = options.queue.is_some();
        let now = clock::now_ms();
        let inherited = parent.and_then(|parent| parent.deadline);
        let (timeout_ms, deadline) = match options.timeout {
            Timeout::Inherited => (None, inherited),
            Timeout::None => (None, None),
            Timeout::After(limit) => {
                let limit = milliseconds(limit);
                // What waits on a queue has not started: its deadline is set when it is taken off.
                (Some(limit), (!queued).then(|| now.saturating_add(limit)))
            }
        };
        let (delay_until, debounce_deadline) = options.delay_times(now);
        deadline
            .into_iter()
            .chain(delay_until)
            .for_each(|at| self.due_at(at));
        let application_version = match &request.target {
            Target::Here(_) if !self.is_client => Some(self.identity.application_version.clone()),
            _ => None,
        };
        let roles = options.roles.as_ref();
        let roles = roles.map(|roles| serde_json::Value::from(roles.clone()).to_string());
        StartRecord {
            workflow_id,
            name: request.target.name().to_owned(),
            class: request.target.class().map(str::to_owned),
            config: request.target.config().map(str::to_owned),
            input: request.input.clone(),
            serialization: PORTABLE_JSON.into(),
            queue: options.queue.clone(),
            priority: options.priority_number(),
            partition_key: options.partition_key.clone(),
            deduplication_id: options.deduplication_id.clone(),
            delay_until,
            debounce_deadline,
            is_debounced: options.debounce.is_some(),
            timeout_ms,
            deadline,
            authenticated_user: options
                .user
                .clone()
                .or_else(|| caller.and_then(|caller| caller.user.clone())),
            assumed_role: None,
            authenticated_roles: roles.or_else(|| caller.and_then(|caller| caller.roles.clone())),
            attributes: options
                .attributes
                .clone()
                .map(|attributes| serde_json::Value::Object(attributes).to_string()),
            executor_id: (!self.is_client).then(|| self.identity.executor_id.clone()),
            application_version: options.version.clone().or(application_version),
            application_name: self.owner(request),
            application_id: (!self.is_client).then(String::new),
            token: ids::token(),
            parent: parent.map(|parent| Parent {
                workflow_id: parent.workflow_id.clone(),
                token: parent.token.clone(),
            }),
            ..StartRecord::default()
        }
    }

    fn started(
        self: &Arc<Self>,
        request: StartRequest,
        workflow_id: String,
        attempt: Option<Attempt>,
        slot: Arc<Slot>,
        outcome: Outcome,
    ) -> Result<Started> {
        let options = &request.options;
        let accepted = accept(outcome, &request.target, options, workflow_id)?;
        let workflow_id = match accepted {
            Accepted::New(id) => {
                match (&options.queue, attempt) {
                    (Some(queue), _) => self.enqueued(queue),
                    (None, Some(attempt)) => {
                        let execution = Execution::new(Arc::clone(self), attempt);
                        self.run(execution, request.input);
                    }
                    (None, None) => {}
                }
                return Ok(Started {
                    workflow_id: id,
                    slot,
                });
            }
            Accepted::Existing(id) => id,
        };
        let slot = self.completions.slot(&workflow_id);
        self.completions.ask_about(&workflow_id);
        Ok(Started { workflow_id, slot })
    }
}

/// What a start led to.
enum Accepted {
    New(String),
    /// Another start was first: this is its id.
    Existing(String),
}

fn accept(
    outcome: Outcome,
    target: &Target,
    options: &StartOptions,
    workflow_id: String,
) -> Result<Accepted> {
    match outcome {
        Outcome::Committed => Ok(Accepted::New(workflow_id)),
        Outcome::Exists(existing) => {
            let wanted = target.name();
            let same = existing.name.as_deref() == Some(wanted)
                && existing.class.as_deref() == target.class()
                && existing.config.as_deref() == target.config();
            if !same {
                let existing = existing.name.unwrap_or_else(|| "(unnamed)".to_owned());
                return Err(Error::ConflictingWorkflow {
                    id: workflow_id,
                    existing,
                    wanted: wanted.to_owned(),
                });
            }
            if options.reject_existing {
                return Err(Error::WorkflowIdInUse { id: workflow_id });
            }
            // Whoever goes on with a workflow that was resumed knows nothing of the queue that this put it on.
            let is_resumed = existing.queue.as_deref() == Some(INTERNAL_QUEUE);
            if existing.queue != options.queue && !is_resumed {
                tracing::warn!(
                    workflow_id,
                    queue = existing.queue,
                    wanted = options.queue,
                    "the workflow exists already, on another queue; it stays there"
                );
            }
            tracing::debug!(workflow_id, status = %existing.status, "the workflow exists already");
            Ok(Accepted::Existing(workflow_id))
        }
        Outcome::Deduplicated { holder }
            if options.duplication_policy == DuplicationPolicy::ReturnExisting =>
        {
            Ok(Accepted::Existing(holder))
        }
        Outcome::Deduplicated { .. } => Err(Error::Deduplicated {
            id: workflow_id,
            queue: options.queue.clone().unwrap_or_default(),
            deduplication_id: options.deduplication_id.clone().unwrap_or_default(),
        }),
        Outcome::Refused(error) => Err(error.into()),
        Outcome::RecordedTwice
        | Outcome::Fenced
        | Outcome::NoDestination { .. }
        | Outcome::Succeeded(_) => Err(Error::Setup(format!(
            "workflow `{workflow_id}` was not started: its parent no longer runs"
        ))),
    }
}

/// Checks that the caller may run what is to run at once; what goes to a queue is checked when it is taken off.
fn allow(request: &StartRequest, record: &mut StartRecord) -> Result<()> {
    if let (Target::Here(workflow), None) = (&request.target, &record.queue) {
        let (user, roles) = (&record.authenticated_user, &record.authenticated_roles);
        record.assumed_role = authorize(workflow, user.as_deref(), roles.as_deref())?;
    }
    Ok(())
}

/// The first attempt to run what is being started, if it is to run here at once.
fn attempt(request: &StartRequest, record: &StartRecord) -> Option<Attempt> {
    let Target::Here(workflow) = request.target else {
        return None;
    };
    record.queue.is_none().then(|| Attempt {
        workflow,
        workflow_id: record.workflow_id.clone(),
        token: record.token.clone(),
        deadline: record.deadline,
        caller: CallerIdentity {
            user: record.authenticated_user.clone(),
            role: record.assumed_role.clone(),
            roles: record.authenticated_roles.clone(),
        },
        format: Format::PortableJson,
        history: Vec::new(),
        seat: None,
    })
}

/// The end of a task that starts a workflow.
async fn joined(starting: JoinHandle<Result<Started>>) -> Result<Started> {
    let ended = starting.await;
    ended.unwrap_or_else(|error| {
        Err(Error::Setup(format!(
            "the workflow was not started: {error}"
        )))
    })
}
