//! Runs of workflows: durable ones, and those that promise nothing.

mod answer;
mod durable;
mod ephemeral;
mod failure;
mod first;
mod fork;
mod history;
mod item;
mod queue;
mod report;
mod request;
mod schedule;

pub use self::answer::{Asked, answer, asked};
pub(crate) use self::durable::interrupted;
pub use self::durable::{RunOptions, resume, run, run_document};
pub use self::ephemeral::run_ephemeral;
pub use self::failure::{RunError, StartError};
pub use self::first::first_found;
pub use self::fork::{ForkOptions, From, fork, last_failure};
pub use self::history::{VisitLine, history};
pub(crate) use self::item::item_of;
pub use self::item::{Item, ItemLine, ItemState, add_item, items, retry_item, work_item};
pub(crate) use self::queue::{QUEUE, launch, queue};
pub use self::queue::{WorkOptions, enqueue, work};
pub(crate) use self::report::request_of;
pub use self::report::{Report, Result, RunStatus, status};
pub use self::request::{Fired, Request, parse_variable, variables};
pub(crate) use self::schedule::Tick;
pub use self::schedule::{scheduled, watched_since};
