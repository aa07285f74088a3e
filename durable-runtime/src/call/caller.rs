//! Who may call what, decided by types.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use crate::context::WorkflowContext;
use crate::engine::{Engine, Execution, Watched};

pub(crate) mod sealed {
    pub trait Sealed {}
    impl Sealed for &crate::context::WorkflowContext {}
}

/// Who may call a step or transaction: a workflow, with `&ctx`. A call keeps what it needs of the context, and lives for
/// `'c`, as long as its arguments.
#[diagnostic::on_unimplemented(
    message = "a step or transaction can only be called from a workflow, with `&WorkflowContext`, not with `{Self}`",
    label = "this is not the context of a workflow",
    note = "a step is a leaf: its body makes no durable calls. Call both steps from the workflow, one after the other, or make the inner one a plain \
            `async fn`",
    note = "in a workflow, pass the context by reference: `my_step(&ctx, ...)`"
)]
pub trait StepCaller<'c>: sealed::Sealed + Send {
    #[doc(hidden)]
    fn context(self) -> WorkflowContext;
}

#[diagnostic::do_not_recommend]
impl<'c> StepCaller<'c> for &WorkflowContext {
    fn context(self) -> WorkflowContext {
        self.clone()
    }
}

/// Who may call a workflow: the outside, with `&durable`, or another workflow, with `&ctx`.
#[diagnostic::on_unimplemented(
    message = "a workflow can only be called with `&Durable` from outside or with `&WorkflowContext` from another workflow, not with `{Self}`",
    label = "this cannot call a workflow",
    note = "a step cannot start workflows: return what the workflow needs to know, and start the child there",
    note = "pass the runtime or the context by reference: `my_workflow(&durable, ...)`, `my_workflow(&ctx, ...)`"
)]
pub trait WorkflowCaller<'c>: sealed::Sealed + Send {
    #[doc(hidden)]
    fn caller(self) -> Caller;
}

/// Where a call to a workflow comes from.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) engine: Arc<Engine>,
    /// The workflow that makes the call, if one does.
    pub(crate) parent: Option<Arc<Execution>>,
    /// The application that owns what is started, where it is not that of the engine.
    pub(crate) application: Option<String>,
}

impl Caller {
    /// A call that it makes, for the guard of the workflow that makes it.
    pub(super) fn watched(
        &self,
        name: impl Into<Cow<'static, str>>,
        location: &'static Location<'static>,
    ) -> Watched {
        match &self.parent {
            Some(parent) => parent.watched(name, location),
            None => Watched::outside(),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<'c> WorkflowCaller<'c> for &'c WorkflowContext {
    fn caller(self) -> Caller {
        let parent = Arc::clone(self.execution());
        Caller {
            engine: Arc::clone(&parent.engine),
            parent: Some(parent),
            application: None,
        }
    }
}
