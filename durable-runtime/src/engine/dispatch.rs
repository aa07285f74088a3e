//! Begins what was taken off a queue.

use std::sync::Arc;

use super::execution::{Attempt, CallerIdentity};
use super::served_queue::Seat;
use super::{Engine, Execution};
use crate::error::Error;
use crate::store::{ClaimedWorkflow, CompletionRecord, Record};
use crate::value::PORTABLE_JSON;

impl Engine {
    /// Begins one claimed workflow. What cannot run gets its error in the database: it never stays pending.
    pub(super) async fn begin_claimed(
        self: &Arc<Self>,
        token: &str,
        claimed: ClaimedWorkflow,
        seat: Seat,
    ) {
        let engine = self;
        let workflow_id = claimed.workflow_id;
        let prepared = engine.registry.get(&claimed.name).and_then(|workflow| match (&claimed.serialization, claimed.input) {
        (_, None) => Err(Error::Setup(format!("workflow `{workflow_id}` has no recorded arguments"))),
        (Some(format), Some(_)) if format != PORTABLE_JSON => {
            Err(Error::Setup(format!("the arguments of workflow `{workflow_id}` are in the format `{format}`; only `{PORTABLE_JSON}` can be read")))
        }
        (_, Some(input)) => Ok((*workflow, input)),
    });
        let (workflow, input) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return refuse(engine, workflow_id, token, &error).await,
        };
        // A first attempt and `max` recoveries run; the next one does not.
        if claimed.recovery_attempts > i64::from(workflow.max_recovery_attempts) + 1 {
            tracing::error!(
                workflow_id,
                attempts = claimed.recovery_attempts,
                "a workflow is given up after too many recoveries"
            );
            if let Err(error) = engine.store.dead_letter(&workflow_id, token).await {
                tracing::error!(workflow_id, %error, "cannot mark a workflow as given up");
            }
            engine.completions.ask_now();
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
                role: claimed.assumed_role,
                roles: claimed.authenticated_roles,
            },
            history: claimed.history,
            seat: Some(seat),
        };
        let execution = Execution::new(Arc::clone(engine), attempt);
        engine.run(execution, input);
    }
}

async fn refuse(engine: &Arc<Engine>, workflow_id: String, token: &str, error: &Error) {
    tracing::error!(workflow_id, %error, "a workflow cannot be run");
    let completion = CompletionRecord {
        workflow_id,
        token: token.to_owned(),
        result: Err(error.to_record().to_json()),
    };
    let workflow_id = completion.workflow_id.clone();
    // When the journal is closed meanwhile the workflow stays with this executor and is refused at the next launch.
    let _ = engine
        .journal
        .submit(&workflow_id, vec![Record::Completion(Box::new(completion))])
        .await;
    engine.completions.ask_now();
}
