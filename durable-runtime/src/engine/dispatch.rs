//! Begins what was taken off a queue.

use std::sync::Arc;

use super::authorization::authorize;
use super::execution::{Attempt, CallerIdentity};
use super::served_queue::{Seat, ServedQueue};
use super::{Engine, Execution, Phase, Registered};
use crate::error::{Error, ErrorRecord, Result};
use crate::ids;
use crate::store::{ClaimedWorkflow, CompletionRecord, Record, SuccessionRecord, Successors};
use crate::value::{Format, format};

impl Engine {
    /// What takes the next workflow off the queue in the commit that ends this one, if one may wait there.
    pub(super) fn succession(&self, ending: &Execution) -> Option<(Record, Arc<ServedQueue>)> {
        if self.phase() != Phase::Open {
            return None;
        }
        let (limits, queue) = ending.succession()?;
        let record = SuccessionRecord {
            workflow_id: ending.workflow_id.clone(),
            queue: limits,
            identity: self.identity.clone(),
            token: ids::token(),
            sent: Arc::default(),
        };
        Some((Record::Succession(Arc::new(record)), queue))
    }

    /// Begins what takes the place of a workflow that ended.
    pub(super) async fn succeed(
        self: &Arc<Self>,
        ended: &Execution,
        queue: &Arc<ServedQueue>,
        successors: Successors,
    ) {
        let histories = self.persist(|| successors.histories(self.store.as_ref()));
        let histories = match histories.await {
            Ok(histories) => histories,
            Err(error) => {
                tracing::error!(%error, "cannot read the history of workflows that were taken off a queue");
                queue.keep_unanswered(&successors.token);
                return queue.wake();
            }
        };
        let token = successors.token.clone();
        for workflow in successors.with(histories) {
            let seat = ended.take_seat().unwrap_or_else(|| queue.seat(None));
            self.begin_claimed(&token, workflow, seat).await;
        }
    }

    /// Begins one claimed workflow. What cannot run gets its error in the database: it never stays pending.
    pub(super) async fn begin_claimed(
        self: &Arc<Self>,
        token: &str,
        claimed: ClaimedWorkflow,
        seat: impl Into<Option<Seat>>,
    ) {
        let engine = self;
        let serialization = claimed.serialization.as_deref();
        let format = Format::of_answer(serialization, claimed.input.as_deref());
        if claimed.workflow_id.trim().is_empty() {
            let text = "a workflow without an id cannot be run";
            let error = ErrorRecord::new("DBOSRecoveryError", text).code(2);
            return refuse(engine, claimed.workflow_id, token, format, &error).await;
        }
        let mut claimed = claimed;
        let prepared = engine.prepare(&mut claimed);
        let workflow_id = claimed.workflow_id;
        let (workflow, role, input) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                return refuse(engine, workflow_id, token, format, &error.to_record()).await;
            }
        };
        // A first attempt and `max` recoveries run; the next one does not.
        if claimed.recovery_attempts > i64::from(workflow.max_recovery_attempts) + 1 {
            tracing::error!(
                workflow_id,
                attempts = claimed.recovery_attempts,
                "a workflow is given up after too many recoveries"
            );
            let given_up = engine.persist(|| engine.store.dead_letter(&workflow_id, token));
            if let Err(error) = given_up.await {
                tracing::error!(workflow_id, %error, "cannot mark a workflow as given up");
            }
            engine.completions.ask_about(&workflow_id);
            return;
        }
        if claimed.recovery_attempts > 1 {
            tracing::info!(
                workflow_id,
                workflow = workflow.name,
                steps = claimed.history.len(),
                "a workflow goes on where it stopped"
            );
        }
        let attempt = Attempt {
            workflow,
            workflow_id,
            token: token.to_owned(),
            deadline: claimed.deadline,
            caller: CallerIdentity {
                user: claimed.authenticated_user,
                role: role.or(claimed.assumed_role),
                roles: claimed.authenticated_roles,
            },
            format,
            history: claimed.history,
            seat: seat.into(),
        };
        let execution = Execution::new(Arc::clone(engine), attempt);
        engine.run(execution, input);
    }

    /// What is to run, the role that allows it, and its arguments, which are taken out.
    pub(super) fn prepare(
        &self,
        claimed: &mut ClaimedWorkflow,
    ) -> Result<(Registered, Option<String>, String)> {
        let (workflow_id, name) = (&claimed.workflow_id, &claimed.name);
        let workflow = self.registry.get(claimed.class.as_deref(), name)?;
        let Some(input) = claimed.input.take() else {
            let text = format!("workflow `{workflow_id}` has no recorded arguments");
            return Err(Error::Setup(text));
        };
        let input = format::read_arguments(claimed.serialization.as_deref(), &input);
        if let Some(instance) = &claimed.config {
            let text = format!("workflow `{name}` has no instance `{instance}` here");
            return Err(Error::Setup(text));
        }
        let (user, roles) = (&claimed.authenticated_user, &claimed.authenticated_roles);
        let role = authorize(workflow, user.as_deref(), roles.as_deref())?;
        let what = || format!("the arguments of workflow `{workflow_id}`");
        let input = input.map_err(|reason| Error::unreadable(what(), &reason))?;
        Ok((*workflow, role, input))
    }
}

async fn refuse(
    engine: &Arc<Engine>,
    workflow_id: String,
    token: &str,
    format: Format,
    error: &ErrorRecord,
) {
    tracing::error!(workflow_id, %error, "a workflow cannot be run");
    let completion = CompletionRecord {
        workflow_id,
        token: token.to_owned(),
        result: Err(format.write_error(&error.to_json())),
    };
    let workflow_id = completion.workflow_id.clone();
    // When the journal is closed meanwhile the workflow stays with this executor and is refused at the next launch.
    let _ = engine
        .journal
        .submit(&workflow_id, vec![Record::Completion(Arc::new(completion))])
        .await;
    engine.completions.ask_about(&workflow_id);
}
