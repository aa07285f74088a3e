//! What the body of a workflow, step or transaction may do. The type of the context is the role.

mod events;
mod management;
mod messages;
mod patch;
mod schedules;
mod sleep;
mod step;
mod streams;
mod transaction;
mod values;
mod wait;
mod workflow;

pub(crate) use events::{all as all_events, get as get_event};
pub use step::StepContext;
pub use transaction::{Connection, TransactionContext};
pub use workflow::WorkflowContext;
