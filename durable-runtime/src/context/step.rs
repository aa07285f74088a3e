use std::borrow::Cow;
use std::sync::Arc;

use crate::engine::Execution;
use crate::error::Result;
use crate::store::{Outcome, Writer};

/// The context of a step's body: what it may know about itself.
///
/// It makes no durable calls: a step is a leaf. What should be recorded on its own is called from the workflow. It may
/// tell others something while its body runs (events, messages, entries of streams); that is written at once, and again
/// when the step runs again.
#[derive(Debug, Clone)]
pub struct StepContext {
    pub(crate) name: Cow<'static, str>,
    pub(crate) position: i32,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) execution: Arc<Execution>,
}

impl StepContext {
    /// On whose behalf the body writes.
    pub(crate) fn writer(&self) -> Writer<'_> {
        Writer {
            workflow_id: &self.execution.workflow_id,
            token: &self.execution.token,
            position: self.position,
        }
    }

    /// The workflow belongs to another execution by now: this body ends where it waits.
    pub(crate) async fn fenced<T>(&self) -> T {
        self.execution.lost(self.position, &Outcome::Fenced).await
    }

    /// The id of the workflow that the step belongs to.
    #[must_use]
    pub fn workflow_id(&self) -> &str {
        &self.execution.workflow_id
    }

    /// The name under which the step is recorded: its own, or the one that the call [gave it](crate::StepCall::named).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of this call within the workflow, from 1. Together with the workflow's id it names this call for
    /// ever, which makes it a good idempotency key.
    #[must_use]
    pub fn position(&self) -> i32 {
        self.position
    }

    /// Which attempt this is, from 0. A crash begins at 0 again.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// What was given as [`state`](crate::Builder::state) of this type when the runtime was opened.
    ///
    /// # Errors
    /// No state of this type was given.
    pub fn state<T: Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        self.execution.engine.states.get()
    }

    /// How many attempts there are at most.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }
}
