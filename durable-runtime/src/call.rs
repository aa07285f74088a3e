//! A call is a value: making it fixes its place in the workflow and runs nothing; awaiting or starting it does.

mod argument;
mod atomic;
mod caller;
mod debounce;
mod enqueue;
mod handle;
mod message;
mod operation;
mod payload;
mod select;
mod step;
mod stream;
mod transaction;
mod wake;
mod workflow;

pub use argument::Repeatable;
pub(crate) use caller::{Caller, sealed};
pub use caller::{StepCaller, WorkflowCaller};
pub use enqueue::Enqueue;
pub use handle::{Untyped, WorkflowHandle};
pub use message::{Message, Sending};
pub(crate) use message::{Sender, send_in};
pub(crate) use operation::{Operation, as_replayed};
pub(crate) use payload::{payload, plain};
pub use select::{Won, never, select};
pub use step::{StepCall, StepOptions, repeatable_step, step};
pub use stream::StreamReader;
pub(crate) use stream::{CLOSED, StreamSource};
pub use transaction::transaction;
pub(crate) use wake::{SLEEP, Wait, wake_time};
pub(crate) use workflow::registered;
pub use workflow::{WorkflowCall, workflow};
