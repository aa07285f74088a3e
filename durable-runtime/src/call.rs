//! A call is a value: making it fixes its place in the workflow and runs nothing; awaiting or starting it does.

mod argument;
mod atomic;
mod caller;
mod debounce;
mod enqueue;
mod handle;
mod operation;
mod select;
mod step;
mod transaction;
mod workflow;

pub use argument::Repeatable;
pub(crate) use caller::{Caller, sealed};
pub use caller::{StepCaller, WorkflowCaller};
pub use enqueue::Enqueue;
pub use handle::{Untyped, WorkflowHandle};
pub(crate) use operation::Operation;
pub use select::{Won, never, select};
pub use step::{StepCall, StepOptions, repeatable_step, step};
pub use transaction::transaction;
pub(crate) use workflow::{CallSite, registered};
pub use workflow::{WorkflowCall, workflow};
