//! For the tests of a program with workflows.
//!
//! [`verify_replay`] lets the code of this program follow the records of runs that older code has made, and tells which
//! of them it would not follow: in a test, or before a new version is deployed.

mod outcome;
mod replay;
mod report;

pub use crate::engine::OpenCall;
pub use outcome::ReplayOutcome;
pub use replay::verify_replay;
pub use report::{ReplayReport, ReplayedRun};
