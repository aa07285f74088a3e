//! What the world gives to a run: the time, chance, and the folder that relative paths begin at.
//!
//! Only bodies of steps ask for these, so that what they said is recorded with the visit.

use std::path::{Path, PathBuf};

use jiff::Zoned;

/// The moment, in the time zone of the system.
pub(crate) fn now() -> Zoned {
    Zoned::now()
}

/// A random number from 0 up to, but not including, 1.
pub(crate) fn random_fraction() -> f64 {
    fastrand::f64()
}

/// A random integer between two, both included.
pub(crate) fn random_integer(lowest: i64, highest: i64) -> i64 {
    fastrand::i64(lowest..=highest.max(lowest))
}

/// What the bodies of steps are given.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Whether each visit is told on standard error when it ends.
    pub trace: bool,
}

/// The file that a path of a workflow means.
pub(crate) fn file(folder: &str, path: &str) -> PathBuf {
    let path = path.trim();
    let path = match path.strip_prefix("~/") {
        Some(rest) => match std::env::home_dir() {
            Some(home) => home.join(rest),
            None => PathBuf::from(path),
        },
        None => PathBuf::from(path),
    };
    Path::new(folder).join(path)
}
