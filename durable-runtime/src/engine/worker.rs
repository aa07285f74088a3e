//! Takes work off the queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::authorization::authorize;
use super::execution::{Attempt, CallerIdentity};
use super::{Engine, Execution, Phase};
use crate::error::{Error, ErrorRecord, Result};
use crate::store::{Claim, ClaimedWorkflow, CompletionRecord, QueueRow, Record};
use crate::value::{Format, format};
use crate::{clock, ids};

/// What one claim takes at most.
const CLAIM_LIMIT: usize = 1024;

/// A queue as this process serves it.
#[derive(Debug)]
pub(super) struct QueueState {
    row: QueueRow,
    /// Workflows of the queue that run here.
    running: AtomicUsize,
    wake: Notify,
}

impl QueueState {
    pub(super) fn new(row: QueueRow) -> Arc<Self> {
        Arc::new(Self {
            row,
            running: AtomicUsize::new(0),
            wake: Notify::new(),
        })
    }

    /// How many more may run here.
    fn free(&self) -> usize {
        let limit = self
            .row
            .worker_concurrency
            .and_then(|limit| usize::try_from(limit).ok());
        limit.map_or(CLAIM_LIMIT, |limit| {
            limit
                .saturating_sub(self.running.load(Ordering::Acquire))
                .min(CLAIM_LIMIT)
        })
    }
}

impl Engine {
    /// Tells the queue that there is work, if this process serves it.
    pub(super) fn wake_queue(&self, name: &str) {
        if let Some(queue) = self.queues.get(name) {
            queue.wake.notify_one();
        }
    }
}

/// Serves one queue until the runtime shuts down.
pub(super) async fn serve(engine: Arc<Engine>, queue: Arc<QueueState>) {
    /// The longest wait after a failing database.
    const LONGEST: Duration = Duration::from_secs(120);
    let mut wait = queue.row.polling_interval;
    let mut unanswered = None;
    while engine.phase() == Phase::Open {
        match claim(&engine, &queue, &mut unanswered).await {
            // There may be more: ask again as long as there is room.
            Ok(claimed) if claimed > 0 && queue.free() > 0 => continue,
            Ok(_) => wait = queue.row.polling_interval,
            Err(error) => {
                tracing::warn!(queue = queue.row.name, %error, "cannot take work off a queue; trying again");
                wait = (wait * 2).min(LONGEST);
            }
        }
        tokio::select! {
            () = queue.wake.notified() => {}
            () = clock::sleep(wait) => {}
            () = engine.reached(Phase::Draining) => {}
        }
    }
}

/// Takes and begins as much as there is room for; says how much. A claim that fails may have taken something all the
/// same: its token is left in `unanswered`, and the next call begins that first.
async fn claim(
    engine: &Arc<Engine>,
    queue: &Arc<QueueState>,
    unanswered: &mut Option<String>,
) -> Result<usize> {
    if let Some(token) = unanswered.as_deref() {
        let claimed = engine.store.claimed(&queue.row.name, token).await?;
        begin_all(engine, queue, token, claimed).await;
        *unanswered = None;
    }
    let limit = queue.free();
    if limit == 0 {
        return Ok(0);
    }
    let token = ids::token();
    let claim = Claim {
        queue: &queue.row.name,
        limit: i64::try_from(limit).unwrap_or(i64::MAX),
        concurrency: queue.row.concurrency,
        identity: &engine.identity,
        token: &token,
    };
    let claimed = engine.store.claim(&claim).await;
    let claimed = claimed.inspect_err(|_| *unanswered = Some(token.clone()))?;
    let count = claimed.len();
    begin_all(engine, queue, &token, claimed).await;
    Ok(count)
}

async fn begin_all(
    engine: &Arc<Engine>,
    queue: &Arc<QueueState>,
    token: &str,
    claimed: Vec<ClaimedWorkflow>,
) {
    for workflow in claimed {
        begin(engine, queue, token, workflow).await;
    }
}

/// Begins one claimed workflow. What cannot run gets its error in the database: it never stays pending.
async fn begin(
    engine: &Arc<Engine>,
    queue: &Arc<QueueState>,
    token: &str,
    claimed: ClaimedWorkflow,
) {
    let workflow_id = claimed.workflow_id;
    let serialization = claimed.serialization.as_deref();
    let format = Format::of_answer(serialization, claimed.input.as_deref());
    if workflow_id.trim().is_empty() {
        let error = ErrorRecord::new(
            "DBOSRecoveryError",
            "a workflow without an id cannot be run",
        );
        let error = error.code(2);
        return refuse(engine, workflow_id, token, format, &error).await;
    }
    let prepared = engine
        .registry
        .get(claimed.class.as_deref(), &claimed.name)
        .and_then(|workflow| {
            let Some(input) = claimed.input else {
                let text = format!("workflow `{workflow_id}` has no recorded arguments");
                return Err(Error::Setup(text));
            };
            let what = || format!("the arguments of workflow `{workflow_id}`");
            let input = format::read_arguments(serialization, &input);
            if let Some(instance) = claimed.config {
                let text = format!(
                    "workflow `{}` has no instance `{instance}` here",
                    claimed.name
                );
                return Err(Error::Setup(text));
            }
            let (user, roles) = (&claimed.authenticated_user, &claimed.authenticated_roles);
            let role = authorize(workflow, user.as_deref(), roles.as_deref())?;
            Ok((
                *workflow,
                role,
                input.map_err(|reason| Error::unreadable(what(), &reason))?,
            ))
        });
    let (workflow, role, input) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return refuse(engine, workflow_id, token, format, &error.to_record()).await,
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
    queue.running.fetch_add(1, Ordering::AcqRel);
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
    };
    let execution = Execution::new(Arc::clone(engine), attempt);
    let queue = Arc::clone(queue);
    engine.run(execution, input, move || {
        queue.running.fetch_sub(1, Ordering::AcqRel);
        queue.wake.notify_one();
    });
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
        .submit(&workflow_id, vec![Record::Completion(Box::new(completion))])
        .await;
    engine.completions.ask_now();
}
