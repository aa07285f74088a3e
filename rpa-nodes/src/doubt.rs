//! What is done when nobody knows whether something was done: a crash came between a request and its answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value::Object;

/// What becomes of a visit that may have changed the world before a crash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUncertain {
    /// It is done again: at least once.
    Retry,
    /// It is not done again: at most once.
    Skip,
    /// The run waits until a person decides.
    #[default]
    Ask,
}

impl OnUncertain {
    /// What a text names.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "retry" => Some(Self::Retry),
            "skip" => Some(Self::Skip),
            "ask" => Some(Self::Ask),
            _ => None,
        }
    }
}

/// A visit that a person has to decide on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The node.
    pub node: String,
    /// Which visit of it.
    pub visit: u32,
    /// What is to be decided, in words.
    pub question: String,
}

impl Question {
    /// The topic of the message that answers it.
    pub(crate) fn topic(&self) -> String {
        format!("answer:{}#{}", self.node, self.visit)
    }
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
pub enum Decision {
    /// Do it again.
    Retry,
    /// It is done, or need not be: go on.
    Skip {
        /// What the node gave.
        #[serde(default)]
        outputs: Object,
    },
    /// The node failed.
    Fail {
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
}

/// What a visit gives that was not done again.
pub(crate) fn unanswered(mut outputs: Object) -> Object {
    for (name, value) in [
        ("success", Value::Bool(false)),
        (
            "error",
            "it is not known whether this was done; it was not done again".into(),
        ),
    ] {
        outputs.entry(name.to_owned()).or_insert(value);
    }
    outputs
}
