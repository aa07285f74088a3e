//! Runs of workflows: durable ones, and those that promise nothing.

mod answer;
mod durable;
mod ephemeral;
mod failure;
mod fork;
mod history;
mod report;
mod request;

pub use self::answer::{Asked, answer, asked};
pub use self::durable::{RunOptions, resume, run, run_document};
pub use self::ephemeral::run_ephemeral;
pub use self::failure::{RunError, StartError};
pub use self::fork::{ForkOptions, From, fork, last_failure};
pub use self::history::{VisitLine, history};
pub use self::report::{Report, Result, RunStatus, status};
pub use self::request::{Request, parse_variable, variables};
