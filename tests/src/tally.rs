//! Counts what bodies do, outside any database: a body that runs twice is counted twice, whatever
//! became of its checkpoint.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Tally {
    counts: HashMap<String, usize>,
    notes: HashMap<String, Vec<String>>,
}

static TALLY: LazyLock<Mutex<Tally>> = LazyLock::new(Mutex::default);

fn tally() -> MutexGuard<'static, Tally> {
    TALLY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts one more; returns how many there are now.
pub fn count(key: impl Into<String>) -> usize {
    let mut tally = tally();
    let count = tally.counts.entry(key.into()).or_default();
    *count += 1;
    *count
}

/// How many were counted.
pub fn counted(key: &str) -> usize {
    tally().counts.get(key).copied().unwrap_or(0)
}

/// Writes something down, after what was written down before under this key.
pub fn note(key: impl Into<String>, text: impl Into<String>) {
    tally()
        .notes
        .entry(key.into())
        .or_default()
        .push(text.into());
}

/// What was written down, in order.
pub fn noted(key: &str) -> Vec<String> {
    tally().notes.get(key).cloned().unwrap_or_default()
}
