//! What became of a file.

use serde::{Deserialize, Serialize};

/// After so many failures with the same content and the same pipeline a file is left alone until somebody asks for it
/// with `retry --all`.
pub const MAX_FAILURES: i64 = 5;

/// The state of a document, as it stands in its row. What happens to a queued one at the moment (loading, chunking,
/// embedding) is told by its workflow and is in no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// It waits for its turn, or is being worked on.
    Queued,
    /// It is in the collection.
    Saved,
    /// It is in the collection; the last that happened was that its file got another name.
    Renamed,
    /// There is no text in it.
    Empty,
    /// It is no kind of document that can be read.
    Unsupported,
    /// It is made of pictures.
    NoTextLayer,
    /// It asks for a password.
    Encrypted,
    /// Something went wrong.
    Failed,
    /// Its file became another one while it was worked on; the next run takes that.
    Superseded,
    /// Its file is gone, and so are its chunks.
    Vanished,
}

impl FileStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Saved,
        Self::Renamed,
        Self::Empty,
        Self::Unsupported,
        Self::NoTextLayer,
        Self::Encrypted,
        Self::Failed,
        Self::Superseded,
        Self::Vanished,
    ];

    /// The word in the database and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saved => "saved",
            Self::Renamed => "renamed",
            Self::Empty => "empty",
            Self::Unsupported => "unsupported",
            Self::NoTextLayer => "no_text_layer",
            Self::Encrypted => "encrypted",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Vanished => "vanished",
        }
    }

    /// The state of that name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The state of a file that cannot be loaded, by the word for the reason.
    pub fn of_load_failure(reason: &str) -> Self {
        match reason {
            "empty" => Self::Empty,
            "binary" | "unsupported" => Self::Unsupported,
            "no_text_layer" => Self::NoTextLayer,
            "encrypted" => Self::Encrypted,
            _ => Self::Failed,
        }
    }

    /// Whether the same bytes, read by the same program, will come to the same end.
    pub fn is_settled(self, reason: &str) -> bool {
        match self {
            Self::Empty | Self::Unsupported | Self::NoTextLayer | Self::Encrypted => true,
            Self::Failed => matches!(reason, "corrupt" | "truncated" | "too_large" | "too_deep"),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FileStatus;

    #[test]
    fn every_state_is_found_by_its_word() {
        for status in FileStatus::ALL {
            assert_eq!(FileStatus::named(status.as_str()), Some(status));
        }
        assert_eq!(FileStatus::named("nonsense"), None);
    }

    #[test]
    fn what_the_bytes_decide_is_settled_and_what_the_world_decides_is_not() {
        assert!(FileStatus::of_load_failure("encrypted").is_settled("encrypted"));
        assert!(FileStatus::of_load_failure("corrupt").is_settled("corrupt"));
        assert!(!FileStatus::of_load_failure("io").is_settled("io"));
        assert!(!FileStatus::Superseded.is_settled("changed"));
    }
}
