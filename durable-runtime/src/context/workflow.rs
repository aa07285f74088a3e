use std::fmt;
use std::sync::Arc;

use crate::engine::Execution;

/// The context of a workflow's body: passed by reference, it makes a call to a step, transaction or child workflow
/// durable.
///
/// A workflow's code runs again from the top after a crash, with every recorded call answered from its record. So the
/// code between calls must be deterministic: what reads a clock, a random number, a file or the network belongs into a
/// step.
#[derive(Clone)]
pub struct WorkflowContext {
    pub(super) execution: Arc<Execution>,
}

impl WorkflowContext {
    pub(crate) fn new(execution: Arc<Execution>) -> Self {
        Self { execution }
    }

    pub(crate) fn execution(&self) -> &Arc<Execution> {
        &self.execution
    }

    /// The id of this run.
    #[must_use]
    pub fn workflow_id(&self) -> &str {
        &self.execution.workflow_id
    }

    /// The name of the workflow.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.execution.workflow.name
    }
}

impl fmt::Debug for WorkflowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowContext")
            .field("workflow", &self.name())
            .field("id", &self.workflow_id())
            .finish_non_exhaustive()
    }
}
