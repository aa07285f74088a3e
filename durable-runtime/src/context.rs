//! What the body of a workflow, step or transaction may do. The type of the context is the role.

mod patch;
mod schedules;
mod sleep;
mod step;
mod transaction;
mod wait;
mod workflow;

pub use step::StepContext;
pub use transaction::{Connection, TransactionContext};
pub use workflow::WorkflowContext;
