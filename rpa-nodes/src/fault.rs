//! Why a node failed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The failure of a node: what a catch node catches, and what a run that fails reports. It is a value that is recorded,
/// so that a replay takes the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The class of the failure: what the filter of a catch node names.
    pub error_type: String,
    /// What happened, and what to do about it.
    pub message: String,
    /// The node that failed; empty until it is known.
    #[serde(default)]
    pub node: String,
}

impl Fault {
    /// A failure of the class that most failures have.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of("ExecutionError", message)
    }

    /// A failure of a class of its own.
    pub fn of(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.into(),
            message: message.into(),
            node: String::new(),
        }
    }

    /// A value cannot be used.
    pub fn value(message: impl Into<String>) -> Self {
        Self::of("ValueError", message)
    }

    /// Something with a file did not work.
    pub fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (class, advice) = match error.kind() {
            ErrorKind::NotFound => ("FileNotFoundError", "check the path"),
            ErrorKind::PermissionDenied => ("PermissionError", "check who may use it"),
            ErrorKind::AlreadyExists => ("FileExistsError", "choose another path"),
            _ => ("OSError", "check the disk and the path"),
        };
        let message = format!("cannot {what} {}: {error}; {advice}", path.display());
        Self::of(class, message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::value(message)
    }
}

impl From<crate::expression::ExpressionError> for Fault {
    fn from(error: crate::expression::ExpressionError) -> Self {
        Self::of("ExpressionError", error.message)
    }
}
