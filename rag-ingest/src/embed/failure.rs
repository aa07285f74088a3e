//! What can go wrong while texts become vectors.

use serde::{Deserialize, Serialize};

/// Why texts could not be embedded.
///
/// Plain data, so that a durable step can record it as its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EmbedError {
    /// A file that the model is made of cannot be read.
    #[error("cannot read the model file {path}: {why}; {remedy}")]
    ModelFile {
        /// The file that was looked for.
        path: String,
        /// What the operating system or the parser said.
        why: String,
        /// How to get the file.
        remedy: String,
    },
    /// The model refused its input or broke while it ran.
    #[error("the model {model} failed on a batch of {texts} texts: {why}")]
    Model {
        /// The model's id.
        model: String,
        /// How many texts were in the batch.
        texts: usize,
        /// What the engine said.
        why: String,
    },
    /// The model's service cannot answer now: a timeout, an overload, a lost connection.
    #[error("the model {model} cannot answer now: {why}; try again later")]
    Unavailable {
        /// The model's id.
        model: String,
        /// What the service said.
        why: String,
        /// How long it asks to be left alone, in milliseconds, if it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// The model's service refuses to work at all: a wrong key, address or model, or an account without credit.
    #[error("the model {model} was refused (status {status}): {why}; {remedy}")]
    Refused {
        /// The model's id.
        model: String,
        /// The HTTP status.
        status: u16,
        /// What the service said.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// The model's service refuses these texts. One of several may be the cause: halves of them tell which.
    #[error(
        "the model {model} refused {what} (status {status}): {why}; shorten or remove that passage, or leave the file out"
    )]
    Input {
        /// The model's id.
        model: String,
        /// The HTTP status.
        status: u16,
        /// What was refused.
        what: String,
        /// What the service said.
        why: String,
    },
    /// What the model's service answered is no list of vectors.
    #[error(
        "the answer of the model {model} cannot be used: {why}; check --embedder-url, and that the service is of the \
         kind that --embedder says"
    )]
    Answer {
        /// The model's id.
        model: String,
        /// What is wrong with it.
        why: String,
    },
    /// The model's service cannot be used as it was described.
    #[error("the embedder cannot be used: {why}; {remedy}")]
    Setting {
        /// What is wrong.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// The model gave more or fewer vectors than it was given texts.
    #[error(
        "the model {model} gave {vectors} vectors for {texts} texts; its answers cannot be used"
    )]
    Count {
        /// The model's id.
        model: String,
        /// How many texts it was given.
        texts: usize,
        /// How many vectors it gave.
        vectors: usize,
    },
    /// A vector has another length than the model promised.
    #[error(
        "the model {model} gave a vector of {found} numbers for text {index} instead of {expected}; \
         use the model that the collection was made with"
    )]
    Dimension {
        /// The model's id.
        model: String,
        /// Which text, counted from zero.
        index: usize,
        /// The promised length.
        expected: usize,
        /// The length that came.
        found: usize,
    },
    /// A vector holds something that is not a number.
    #[error(
        "the model {model} gave a vector with an infinite or undefined number for text {index}"
    )]
    NotFinite {
        /// The model's id.
        model: String,
        /// Which text, counted from zero.
        index: usize,
    },
}

impl EmbedError {
    /// Whether a part of the texts may be accepted although all of them together were not.
    pub fn is_about_the_texts(&self) -> bool {
        matches!(self, Self::Input { .. })
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// How long the service asks to be left alone.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Unavailable { retry_after_ms, .. } => {
                retry_after_ms.map(std::time::Duration::from_millis)
            }
            _ => None,
        }
    }
}
