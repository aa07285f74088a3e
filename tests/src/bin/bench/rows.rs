//! What one workflow of one step leaves, written without the runtime.

use std::time::UNIX_EPOCH;

use uuid::Uuid;

pub(crate) const INPUT: &str = r#"{"positionalArgs":[],"namedArgs":{}}"#;
pub(crate) const OUTPUT: &str = "null";
pub(crate) const FORMAT: &str = "portable_json";
pub(crate) const WORKFLOW: &str = "one_step";
pub(crate) const STEP: &str = "nothing";

/// The workflows of one batch. Their ids are as random as the runtime's: that decides where an index is written.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) ids: Vec<String>,
    pub(crate) tokens: Vec<String>,
}

impl Batch {
    pub(crate) fn new(size: u32) -> Self {
        let uuids = || (0..size).map(|_| Uuid::new_v4().to_string()).collect();
        Self {
            ids: uuids(),
            tokens: uuids(),
        }
    }
}

/// The sizes of the batches that make up `n`.
pub(crate) fn sizes(n: u32) -> impl Iterator<Item = u32> {
    const SIZE: u32 = 256;
    let full = std::iter::repeat_n(SIZE, usize::try_from(n / SIZE).unwrap_or(usize::MAX));
    full.chain((!n.is_multiple_of(SIZE)).then_some(n % SIZE))
}

/// The time of a row, in milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let since = UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
