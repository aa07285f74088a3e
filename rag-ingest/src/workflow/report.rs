//! What a run did, in numbers that do not grow with it.

use serde::{Deserialize, Serialize};

use crate::discover::Ignored;

/// How a run ended. Which files failed is in the document table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Files that were found, and places that could not be looked at.
    pub discovered: usize,
    /// Files that were saved.
    pub ingested: usize,
    /// Files that were there already.
    pub unchanged: usize,
    /// Files that had another name before.
    pub renamed: usize,
    /// Files that were not saved, those included that were not even tried again.
    pub failed: usize,
    /// Documents whose files are gone, and that were taken out.
    pub vanished: usize,
    /// Documents whose files are gone, and that were kept since they are too many to be believed.
    pub kept: usize,
    /// Chunks that were saved.
    pub chunks: usize,
    /// Texts that were embedded.
    pub embedded: usize,
    /// Texts whose vectors were there already.
    pub reused: usize,
    /// Word pieces that were embedded.
    pub tokens: usize,
    /// Files that wait since the budget is spent.
    #[serde(default)]
    pub waiting: usize,
    /// What was left out on purpose.
    pub ignored: Ignored,
}

impl RunReport {
    /// Adds what was done, but not what was looked at, of another run.
    pub fn add_work(&mut self, other: &Self) {
        self.ingested += other.ingested;
        self.renamed += other.renamed;
        self.vanished += other.vanished;
        self.chunks += other.chunks;
        self.embedded += other.embedded;
        self.reused += other.reused;
        self.tokens += other.tokens;
    }
}
