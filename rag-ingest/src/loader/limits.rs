//! How much a single file may ask for, and how its text is spelled.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::profile::Profile;

/// How much a single file may ask for, and how its text is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// The most text that is taken out of one file, its members included, in bytes. Small files can unfold into a lot
    /// of it.
    pub max_text_bytes: u64,
    /// The most that all members of a container may have together once they are unpacked, in bytes; also the most that
    /// the parts of an office document or a book may have.
    pub max_unpacked_bytes: u64,
    /// The most members that a container may have, those of containers inside it included.
    pub max_members: u32,
    /// How many containers may lie one in the other.
    pub max_depth: u32,
    /// How long a parser in a process of its own may work on one file.
    pub max_parse_time: Duration,
    /// How much memory such a process may use, in bytes: its heap and its stacks.
    pub max_parse_memory: u64,
    /// How its text is spelled.
    #[serde(default)]
    pub profile: Profile,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 64 << 20,
            max_text_bytes: 128 << 20,
            max_unpacked_bytes: 512 << 20,
            max_members: 10_000,
            max_depth: 4,
            max_parse_time: Duration::from_secs(120),
            max_parse_memory: 2 << 30,
            profile: Profile::default(),
        }
    }
}
