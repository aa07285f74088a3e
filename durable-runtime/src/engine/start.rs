//! Starting workflows: from outside, from a queue, and as children of others.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Engine, Execution, Phase, Registered, Slot};
use crate::error::{Error, Result};
use crate::store::{ExistingWorkflow, Outcome, Parent, Record, StartRecord, StepRecord};
use crate::task::{self, JoinHandle};
use crate::{clock, ids};

/// What the caller wants started.
#[derive(Debug)]
pub(crate) struct StartRequest {
    pub(crate) workflow: Registered,
    pub(crate) input: String,
    pub(crate) id: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) priority: i32,
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
        let workflow_id = checked_id(request.id.clone().unwrap_or_else(ids::workflow_id))?;
        let slot = self.completions.slot(&workflow_id);
        if self.phase() != Phase::Open {
            return Err(Error::Setup(
                "the runtime is shutting down: it starts no more workflows".to_owned(),
            ));
        }
        let record = self.start_record(&request, workflow_id.clone(), None);
        let token = record.token.clone();
        let engine = Arc::clone(self);
        // Its own task: a caller that stops waiting must not leave behind a committed workflow that nobody runs.
        let starting = task::spawn(async move {
            let submitted = engine
                .journal
                .submit(&workflow_id, vec![Record::Start(Box::new(record))])
                .await;
            let outcome = submitted.ok().and_then(|mut outcomes| outcomes.pop());
            let outcome = outcome.ok_or_else(|| {
                Error::Setup("the runtime shut down before the workflow was started".to_owned())
            })?;
            engine.started(request, workflow_id, token, slot, outcome)
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
        let workflow_id = checked_id(
            request
                .id
                .clone()
                .unwrap_or_else(|| ids::child_id(&parent.workflow_id, position)),
        )?;
        let slot = self.completions.slot(&workflow_id);
        let fence = Parent {
            workflow_id: parent.workflow_id.clone(),
            token: parent.token.clone(),
        };
        let started_at = clock::now_ms();
        let record = self.start_record(&request, workflow_id.clone(), Some(fence));
        let token = record.token.clone();
        let link = StepRecord {
            workflow_id: parent.workflow_id.clone(),
            token: parent.token.clone(),
            position,
            name: request.workflow.name.into(),
            output: None,
            error: None,
            child_workflow_id: Some(workflow_id.clone()),
            child_name: Some(request.workflow.name),
            started_at,
            completed_at: clock::now_ms(),
        };
        let (reply, outcome) = oneshot::channel();
        parent.record(Record::Start(Box::new(record)), false, Some(reply));
        parent.record(Record::Step(Box::new(link)), false, None);
        let engine = Arc::clone(self);
        // Its own task, as above: the parent may drop the call, or end, before the commit is answered.
        let starting = task::spawn(async move {
            match outcome.await {
                Ok(Outcome::Fenced) | Err(_) => None,
                Ok(outcome) => Some(engine.started(request, workflow_id, token, slot, outcome)),
            }
        });
        match starting.await {
            Ok(Some(started)) => started,
            // The parent does not run any more.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    fn start_record(
        &self,
        request: &StartRequest,
        workflow_id: String,
        parent: Option<Parent>,
    ) -> StartRecord {
        StartRecord {
            workflow_id,
            name: request.workflow.name,
            input: request.input.clone(),
            queue: request.queue.clone(),
            priority: request.priority,
            executor_id: self.identity.executor_id.clone(),
            application_version: self.identity.application_version.clone(),
            application_name: self.identity.application_name.clone(),
            token: ids::token(),
            parent,
        }
    }

    fn started(
        self: &Arc<Self>,
        request: StartRequest,
        workflow_id: String,
        token: String,
        slot: Arc<Slot>,
        outcome: Outcome,
    ) -> Result<Started> {
        match outcome {
            Outcome::Committed => match &request.queue {
                Some(queue) => self.wake_queue(queue),
                None => {
                    let execution = Execution::new(
                        Arc::clone(self),
                        request.workflow,
                        workflow_id.clone(),
                        token,
                        Vec::new(),
                    );
                    self.run(execution, request.input, || {});
                }
            },
            Outcome::Exists(ExistingWorkflow { name, status }) => {
                if name.as_deref() != Some(request.workflow.name) {
                    let existing = name.unwrap_or_else(|| "(unnamed)".to_owned());
                    return Err(Error::ConflictingWorkflow {
                        id: workflow_id,
                        existing,
                        wanted: request.workflow.name.to_owned(),
                    });
                }
                tracing::debug!(workflow_id, %status, "the workflow exists already");
                self.completions.ask_now();
            }
            Outcome::Refused(error) => return Err(error.into()),
            Outcome::RecordedTwice | Outcome::Fenced => {
                return Err(Error::Setup(format!(
                    "workflow `{workflow_id}` was not started: its parent no longer runs"
                )));
            }
        }
        Ok(Started { workflow_id, slot })
    }
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

fn checked_id(id: String) -> Result<String> {
    if id.trim().is_empty() || id.contains('\0') {
        Err(Error::InvalidWorkflowId { id })
    } else {
        Ok(id)
    }
}
