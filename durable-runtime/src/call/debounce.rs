use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::caller::Caller;
use super::enqueue::Enqueue;
use super::handle::{Origin, WorkflowHandle};
use super::operation::Operation;
use super::workflow::{CallSite, WorkflowCall, start};
use crate::engine::{Debounce, Debounced, StartOptions, StartRequest, Target, debounced};
use crate::error::{Error, Result};
use crate::workflow::Workflow;

/// The name under which a workflow records that it put a start off.
const BOUNCE: &str = "DBOS.debounce_delayed_workflow";

impl<W: Workflow> WorkflowCall<'_, W> {
    /// Lets it run when no other call with this key came for `period`, once for all of them and with the arguments of
    /// the last. Until then each call puts it off, and gets its handle. The key is one of this workflow and this queue;
    /// without a queue it is on the internal one.
    ///
    /// It takes no deduplication id, delay, priority, partition key or `reject_existing`. From a workflow it is two
    /// recorded calls: the look for the key, and the start if the key is free.
    pub fn debounce(self, key: impl Into<String>, period: Duration) -> Self {
        self.debounced().with(|options| {
            options.debounce = Some(Debounce {
                key: key.into(),
                period,
            });
        })
    }

    /// Does not let it be put off for longer than this, counted from the first call.
    pub fn debounce_timeout(self, limit: Duration) -> Self {
        self.with(|options| options.debounce_timeout = Some(limit))
    }
}

impl Enqueue<'_> {
    /// Lets it run when no other call with this key came for `period`, once for all of them and with the arguments of
    /// the last. Until then each call puts it off, and gets its handle. The key is one of this workflow and this queue.
    ///
    /// It takes no deduplication id, delay, priority, partition key or `reject_existing`.
    pub fn debounce(self, key: impl Into<String>, period: Duration) -> Self {
        self.debounced().with(|options| {
            options.debounce = Some(Debounce {
                key: key.into(),
                period,
            });
        })
    }

    /// Does not let it be put off for longer than this, counted from the first call.
    pub fn debounce_timeout(self, limit: Duration) -> Self {
        self.with(|options| options.debounce_timeout = Some(limit))
    }
}

/// Starts a workflow, or puts off the one that waits under its key.
pub(super) async fn start_debounced<W>(
    caller: Caller,
    site: Option<CallSite>,
    target: Target,
    input: String,
    options: StartOptions,
) -> Result<WorkflowHandle<W>> {
    let options = options.debounced(target.name())?;
    options.check(target.name())?;
    let mut site = site;
    loop {
        let request = StartRequest {
            target: target.clone(),
            input: input.clone(),
            options: options.clone(),
            application: caller.application.clone(),
        };
        match look(&caller, site, request).await? {
            Debounced::PutOff { workflow_id } => {
                let slot = caller.engine.completions.slot(&workflow_id);
                caller.engine.completions.ask_about(&workflow_id);
                let origin = caller.parent.map_or(Origin::Outside, Origin::Workflow);
                return Ok(WorkflowHandle::new(
                    caller.engine,
                    workflow_id,
                    slot,
                    origin,
                ));
            }
            Debounced::Free => {
                let site = site.map(CallSite::second);
                let (target, input, options) = (target.clone(), input.clone(), options.clone());
                match start(caller.clone(), site, target, input, options).await {
                    // Another call took the key between the two: that one is put off.
                    Err(Error::Deduplicated { .. }) => {}
                    started => return started,
                }
            }
        }
        if let (Some(site), Some(parent)) = (&mut site, &caller.parent) {
            // The race is recorded, so a replay comes here as well.
            site.position = parent.claim_position();
            site.second = Some(parent.claim_position());
        }
    }
}

/// Puts off the start that waits under the key; in a workflow this is a recorded call.
async fn look(caller: &Caller, site: Option<CallSite>, request: StartRequest) -> Result<Debounced> {
    let engine = &caller.engine;
    let (Some(parent), Some(site)) = (&caller.parent, site) else {
        return debounced(engine.bounce_now(&request).await?, &request);
    };
    let operation = Operation::at(Arc::clone(parent), site.position, BOUNCE, site.location);
    let bounced = operation.transact(|transaction| {
        let (engine, request) = (Arc::clone(engine), request.clone());
        async move { engine.bounce(transaction, &request).await }.boxed()
    });
    debounced(bounced.await?, &request)
}
