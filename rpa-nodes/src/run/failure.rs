use serde::{Deserialize, Serialize};

use super::report::Report;

/// How a run ended that did not succeed.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum RunError {
    /// A node failed, and nothing caught it.
    #[error("{}", .0.error.as_deref().unwrap_or("the workflow failed"))]
    Failed(Box<Report>),
    /// What was to be run cannot be read by this program.
    #[error("{message}")]
    Unreadable {
        /// Why.
        message: String,
    },
    /// The runtime reports something.
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
}

/// Why a run could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A variable needs a value.
    #[error("the variable `{name}` needs a value; give it with --var {name}=VALUE")]
    MissingVariable {
        /// The variable.
        name: String,
    },
    /// The value of a variable does not fit its declared type.
    #[error("the variable `{name}`: {reason}")]
    Variable {
        /// The variable.
        name: String,
        /// What was expected.
        reason: String,
    },
    /// The workflow cannot be handed over.
    #[error("the workflow cannot be run: {reason}")]
    Document {
        /// Why.
        reason: String,
    },
    /// The id belongs to a run of something else.
    #[error(
        "the id `{id}` belongs to a run with another workflow or other variables; choose another id, or run the same again"
    )]
    OtherInput {
        /// The id.
        id: String,
    },
    /// There is no such run.
    #[error("there is no run with the id `{id}` in this database")]
    NoSuchRun {
        /// The id.
        id: String,
    },
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] crate::secrets::SecretError),
    /// The workflow works in a browser, and there is none.
    #[error("the workflow needs a browser: {reason}")]
    NoBrowser {
        /// What is missing, and what to do.
        reason: String,
    },
    /// The run does not wait for a decision.
    #[error(
        "the run `{id}` does not wait for anybody to decide; `rpa status {id}` tells how far it is"
    )]
    NoQuestion {
        /// The id.
        id: String,
    },
    /// There is no such visit to fork from.
    #[error("the run `{id}` has no visit {visit}; `rpa history {id}` lists all")]
    NoSuchVisit {
        /// The id.
        id: String,
        /// What was asked for.
        visit: String,
    },
    /// A run cannot be forked there.
    #[error("the run cannot be forked there: {reason}")]
    Fork {
        /// Why.
        reason: String,
    },
    /// The run was interrupted.
    #[error("interrupted; go on with: rpa resume {id}")]
    Interrupted {
        /// The id.
        id: String,
    },
    /// The durable runtime cannot be started, or the run ended with an error of it.
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
    /// The run ended in another way than by its nodes.
    #[error(transparent)]
    Run(RunError),
}
