//! What is worked on at the moment, between the steps of a file.
//!
//! Checkpoints hold no texts and no vectors, only keys. What a key stands for is here, or in the database, or is made
//! again of the file: nothing here has to survive.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::chunk::Chunk;
use crate::collection::Cost;
use crate::document::Document;

/// How many files lie here at most; workflows that end abnormally leave theirs behind.
const ROOM: usize = 64;

/// A file that was read and cut.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) document: Document,
    pub(crate) chunks: Vec<Chunk>,
    /// The key of each chunk's text.
    pub(crate) keys: Vec<String>,
    /// The vectors of the last batch, which are saved with the document.
    pub(crate) fresh: Mutex<BTreeMap<u32, Fresh>>,
}

/// Vectors that are in no database yet, by the keys of their texts, and what they cost.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) vectors: Vec<(String, Vec<u8>)>,
    pub(crate) cost: Cost,
}

impl Prepared {
    pub(crate) fn new(document: Document, chunks: Vec<Chunk>) -> Self {
        let keys = chunks
            .iter()
            .map(|chunk| crate::collection::key_of(&chunk.embedding_text(&document)))
            .collect();
        Self {
            document,
            chunks,
            keys,
            fresh: Mutex::default(),
        }
    }

    /// Lays the vectors of a batch aside until the document is saved.
    pub(crate) fn lay_aside(&self, batch: u32, fresh: Fresh) {
        let mut all = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(batch, fresh);
    }

    /// What was laid aside.
    pub(crate) fn aside(&self) -> Vec<Fresh> {
        let all = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}

/// The files that are worked on, by their workflows.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    read: HashMap<String, Arc<Document>>,
    prepared: HashMap<String, Arc<Prepared>>,
    order: VecDeque<String>,
}

impl Files {
    fn arrived(&mut self, workflow: &str) {
        if self.order.iter().any(|known| known == workflow) {
            return;
        }
        self.order.push_back(workflow.to_owned());
        while self.order.len() > ROOM {
            if let Some(oldest) = self.order.pop_front() {
                self.read.remove(&oldest);
                self.prepared.remove(&oldest);
            }
        }
    }
}

impl Desk {
    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put_read(&self, workflow: &str, document: Document) -> Arc<Document> {
        let document = Arc::new(document);
        let mut files = self.files();
        files.arrived(workflow);
        files
            .read
            .insert(workflow.to_owned(), Arc::clone(&document));
        document
    }

    pub(crate) fn take_read(&self, workflow: &str) -> Option<Arc<Document>> {
        self.files().read.remove(workflow)
    }

    pub(crate) fn put(&self, workflow: &str, prepared: Prepared) -> Arc<Prepared> {
        let prepared = Arc::new(prepared);
        let mut files = self.files();
        files.arrived(workflow);
        files
            .prepared
            .insert(workflow.to_owned(), Arc::clone(&prepared));
        prepared
    }

    pub(crate) fn get(&self, workflow: &str) -> Option<Arc<Prepared>> {
        self.files().prepared.get(workflow).map(Arc::clone)
    }

    /// Forgets a file.
    pub(crate) fn clear(&self, workflow: &str) {
        let mut files = self.files();
        files.read.remove(workflow);
        files.prepared.remove(workflow);
        files.order.retain(|known| known != workflow);
    }
}

#[cfg(test)]
mod tests {
    use super::{Desk, Prepared, ROOM};
    use crate::document::Document;

    #[test]
    fn files_that_nobody_takes_away_do_not_fill_the_memory() {
        let desk = Desk::default();
        for number in 0..=ROOM {
            let prepared = Prepared::new(Document::plain("x"), Vec::new());
            desk.put(&number.to_string(), prepared);
        }
        assert!(desk.get("0").is_none());
        assert!(desk.get("1").is_some());
        desk.clear("1");
        assert!(desk.get("1").is_none());
    }
}
