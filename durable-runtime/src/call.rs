//! A call is a value: making it fixes its place in the workflow and runs nothing; awaiting or starting it does.

mod argument;
mod caller;
mod fork;
mod handle;
mod management;
mod operation;
mod rewind;
mod step;
mod transaction;
mod workflow;

pub use argument::Repeatable;
pub(crate) use caller::{Caller, sealed};
pub use caller::{StepCaller, WorkflowCaller};
pub use fork::Fork;
pub use handle::WorkflowHandle;
pub use management::WorkflowIds;
pub(crate) use management::{changed, changed_once, json_object, outside};
pub(crate) use operation::Operation;
pub use rewind::Rewind;
pub use step::{StepCall, StepOptions, repeatable_step, step};
pub use transaction::transaction;
pub(crate) use workflow::registered;
pub use workflow::{WorkflowCall, workflow};
