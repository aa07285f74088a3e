//! Why a file did not become a document.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Why a file could not be loaded, and what to do about it.
///
/// Plain data, so that a durable step can record it as its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoadError {
    /// There is nothing to read in it.
    #[error("{path} holds no text; fill it or leave it out")]
    Empty {
        /// The file.
        path: String,
    },
    /// It is not text, whatever its name says.
    #[error(
        "{path} is not a text file: {why}; convert it to a format that is read, or leave it out"
    )]
    Binary {
        /// The file.
        path: String,
        /// What gave it away.
        why: String,
    },
    /// It asks for a password.
    #[error("{path} is encrypted; save a copy without a password and ingest that")]
    Encrypted {
        /// The file.
        path: String,
    },
    /// Its end is missing.
    #[error(
        "{path} is cut off after {size} bytes: the end of the {what} is missing; copy or download it again"
    )]
    Truncated {
        /// The file.
        path: String,
        /// What it is the beginning of: `PDF`, say.
        what: String,
        /// How much of it there is.
        size: u64,
    },
    /// It cannot be parsed.
    #[error("{path} is a damaged {what}: {why}; repair it, or save or export it anew")]
    Corrupt {
        /// The file.
        path: String,
        /// What it should be: `PDF`, say.
        what: String,
        /// What the parser stumbled over, and where: the page, the part, the line.
        why: String,
    },
    /// It unfolds into more than one file may ask for.
    #[error(
        "{path} unfolds into too much: {why}; unpack it and ingest what you need of it, or raise the limit"
    )]
    Bomb {
        /// The file.
        path: String,
        /// Which limit it met.
        why: String,
    },
    /// It lies in a container in a container and so on.
    #[error("{path} lies in {depth} containers, one in the other, which is the limit; unpack them")]
    TooDeep {
        /// The file.
        path: String,
        /// How many containers it lies in.
        depth: u32,
    },
    /// Its parser ended abnormally.
    #[error("the parser of {path} crashed: {why}; convert the file or leave it out, and report it")]
    Crashed {
        /// The file.
        path: String,
        /// What is known about it.
        why: String,
    },
    /// Its parser did not come to an end.
    #[error(
        "the parser of {path} did not finish within {seconds} s; split the file, or raise the limit"
    )]
    TimedOut {
        /// The file.
        path: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// Its parser asked for more memory than it may have.
    #[error(
        "the parser of {path} needs more than {limit} bytes of memory; split the file, or raise the limit"
    )]
    OutOfMemory {
        /// The file.
        path: String,
        /// The limit.
        limit: u64,
    },
    /// A PDF made of pictures.
    #[error("{path} has {pages} pages and no text layer; run text recognition (OCR) over it first")]
    NoTextLayer {
        /// The file.
        path: String,
        /// How many pages it has.
        pages: u32,
    },
    /// It is over a limit.
    #[error("{path} has {size} bytes, the limit is {limit}; split it or raise the limit")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size, or that of the text in it.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The operating system refused.
    #[error("cannot read {path}: {why}; {}", kind.remedy())]
    Io {
        /// The file.
        path: String,
        /// What kind of refusal.
        kind: IoKind,
        /// What the operating system said.
        why: String,
    },
    /// It is something that is never read.
    #[error("{path} cannot be loaded: {why}; convert it to a format that is read, or leave it out")]
    Unsupported {
        /// The file.
        path: String,
        /// What it is.
        why: String,
    },
}

/// How the operating system refused to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IoKind {
    /// There is no such file (any more).
    NotFound,
    /// This user may not read it.
    Permission,
    /// Anything else.
    Other,
}

impl IoKind {
    fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "it was moved or deleted after it was listed",
            Self::Permission => "give this user the right to read it",
            Self::Other => "check the disk or the mount and try again",
        }
    }
}

impl From<io::ErrorKind> for IoKind {
    fn from(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::Permission,
            _ => Self::Other,
        }
    }
}

impl LoadError {
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            kind: error.kind().into(),
            why: error.to_string(),
        }
    }

    /// The file, with the containers it lies in.
    pub fn path(&self) -> &str {
        match self {
            Self::Empty { path }
            | Self::Binary { path, .. }
            | Self::Encrypted { path }
            | Self::Truncated { path, .. }
            | Self::Corrupt { path, .. }
            | Self::Bomb { path, .. }
            | Self::TooDeep { path, .. }
            | Self::Crashed { path, .. }
            | Self::TimedOut { path, .. }
            | Self::OutOfMemory { path, .. }
            | Self::NoTextLayer { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Io { path, .. }
            | Self::Unsupported { path, .. } => path,
        }
    }

    /// A short word for the reason, for columns and counters; the same as in the serialized form.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "empty",
            Self::Binary { .. } => "binary",
            Self::Encrypted { .. } => "encrypted",
            Self::Truncated { .. } => "truncated",
            Self::Corrupt { .. } => "corrupt",
            Self::Bomb { .. } => "bomb",
            Self::TooDeep { .. } => "too_deep",
            Self::Crashed { .. } => "crashed",
            Self::TimedOut { .. } => "timed_out",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::NoTextLayer { .. } => "no_text_layer",
            Self::TooLarge { .. } => "too_large",
            Self::Io { .. } => "io",
            Self::Unsupported { .. } => "unsupported",
        }
    }

    /// Whether loading the same file again may succeed without anybody changing it.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Io {
                kind: IoKind::Other,
                ..
            } | Self::TimedOut { .. }
        )
    }
}
