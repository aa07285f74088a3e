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
    execution: Arc<Execution>,
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

    /// On whose behalf the workflow runs.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.execution.caller.user.as_deref()
    }

    /// The role that allowed the workflow, where it requires one.
    #[must_use]
    pub fn assumed_role(&self) -> Option<&str> {
        self.execution.caller.role.as_deref()
    }

    /// The roles of the user.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let roles = self.execution.caller.roles.as_deref();
        roles
            .and_then(|roles| serde_json::from_str(roles).ok())
            .unwrap_or_default()
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
