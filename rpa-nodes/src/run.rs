//! Runs of workflows: durable ones, and those that promise nothing.

mod durable;
mod ephemeral;
mod failure;
mod history;
mod report;
mod request;

pub use self::durable::{RunOptions, run, run_document};
pub use self::ephemeral::run_ephemeral;
pub use self::failure::{RunError, StartError};
pub use self::history::{VisitLine, history};
pub use self::report::{Report, Result, RunStatus, status};
pub use self::request::{Request, parse_variable};
