//! What tells two versions of a file apart: cheaply by size and time, surely by the hash of its bytes.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What a look at a file tells without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// How many bytes it has.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
}

impl Stamp {
    pub(super) fn of(status: &Metadata) -> io::Result<Self> {
        let nanos = |nanos: u128| i64::try_from(nanos).unwrap_or(i64::MAX);
        let mtime_ns = match status.modified()?.duration_since(UNIX_EPOCH) {
            Ok(after) => nanos(after.as_nanos()),
            Err(before) => -nanos(before.duration().as_nanos()),
        };
        Ok(Self {
            size: status.len(),
            mtime_ns,
        })
    }
}

/// Looks at a file.
///
/// # Errors
/// The operating system refuses, or there is no such file.
pub fn stamp(path: &Path) -> io::Result<Stamp> {
    Stamp::of(&fs::metadata(path)?)
}

/// The BLAKE3 hash of a file's bytes, in hexadecimal, read piece by piece.
///
/// # Errors
/// The operating system refuses.
pub fn hash(path: &Path) -> io::Result<String> {
    examine(path).map(|(_, hash)| hash)
}

/// A file's stamp, taken before its bytes were read, and their hash. The size is that of what was read.
///
/// # Errors
/// The operating system refuses.
pub fn examine(path: &Path) -> io::Result<(Stamp, String)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    let stamp = Stamp {
        size: hasher.count(),
        ..stamp
    };
    Ok((stamp, hasher.finalize().to_hex().to_string()))
}
