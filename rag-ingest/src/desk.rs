//! What is worked on at the moment, between the steps of a file.
//!
//! Checkpoints hold no texts and no vectors, only keys. What a key stands for is here, or in the database, or is made
//! again of the file: nothing here has to survive.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::chunk::Chunk;
use crate::collection::Cost;
use crate::document::Document;
use crate::embed::BatchSize;
use crate::loader::Loaded;

/// How many files lie here at most, unless more are worked on; workflows that end abnormally leave theirs behind.
const ROOM: usize = 64;

/// A file that was read and cut.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// What was read.
    pub(crate) loaded: Loaded,
    /// The file itself first, then the members that have a text.
    parts: Vec<Part>,
    /// The key of each chunk's text, of the file first, then of its members in their order.
    pub(crate) keys: Vec<String>,
    /// The vectors of the last batch, which are saved with the document.
    pub(crate) fresh: Mutex<BTreeMap<u32, Fresh>>,
}

/// The chunks of one document.
#[derive(Debug)]
struct Part {
    /// Which member of the file it is; none for the file itself.
    member: Option<usize>,
    chunks: Vec<Chunk>,
    /// Where its keys begin among those of the whole file.
    first: usize,
}

/// A document with its chunks, and the key of each chunk's text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'p> {
    /// Where it lies in the file; none for the file itself.
    pub(crate) member: Option<&'p str>,
    pub(crate) document: &'p Document,
    pub(crate) chunks: &'p [Chunk],
    pub(crate) keys: &'p [String],
}

/// Vectors that are in no database yet, by the keys of their texts, and what they cost.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) vectors: Vec<(String, Vec<u8>)>,
    pub(crate) cost: Cost,
}

impl Prepared {
    /// Cuts everything that a file gave.
    pub(crate) fn new(loaded: Loaded, cut: impl Fn(&Document) -> Vec<Chunk>) -> Self {
        let mut keys = Vec::new();
        let mut part = |member, document: &Document| {
            let chunks = if document.text.is_empty() {
                // An archive has no text of its own, but it is what the next run looks for.
                Vec::new()
            } else {
                cut(document)
            };
            let first = keys.len();
            let texts = chunks.iter().map(|chunk| chunk.embedding_text(document));
            keys.extend(texts.map(|text| crate::collection::key_of(&text)));
            Part {
                member,
                chunks,
                first,
            }
        };
        let mut parts = vec![part(None, &loaded.document)];
        for (index, member) in loaded.members.iter().enumerate() {
            if let Ok(document) = &member.outcome
                && !document.text.is_empty()
            {
                parts.push(part(Some(index), document));
            }
        }
        Self {
            loaded,
            parts,
            keys,
            fresh: Mutex::default(),
        }
    }

    /// The documents: the file itself first, then its members that have a text.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.parts.iter().filter_map(|part| {
            let (member, document) = match part.member {
                None => (None, &self.loaded.document),
                Some(index) => {
                    let member = self.loaded.members.get(index)?;
                    (Some(member.path.as_str()), member.outcome.as_ref().ok()?)
                }
            };
            let keys = part.first..part.first + part.chunks.len();
            Some(Piece {
                member,
                document,
                chunks: &part.chunks,
                keys: self.keys.get(keys)?,
            })
        })
    }

    /// The chunks at some places among those of the whole file, in ascending order, each with its document and key.
    pub(crate) fn pick(&self, places: &[usize]) -> Vec<(&Document, &Chunk, &String)> {
        let mut places = places.iter().copied().peekable();
        let mut picked = Vec::new();
        let mut first = 0;
        for piece in self.pieces() {
            let end = first + piece.chunks.len();
            while let Some(place) = places.next_if(|place| *place < end) {
                let chunk = piece.chunks.get(place - first);
                let chunk = chunk.zip(piece.keys.get(place - first));
                picked.extend(chunk.map(|(chunk, key)| (piece.document, chunk, key)));
            }
            first = end;
        }
        picked
    }

    /// The places of the chunks of each batch.
    pub(crate) fn batches(&self, size: BatchSize) -> Vec<Range<usize>> {
        let mut batches = Vec::new();
        let (mut first, mut tokens) = (0, 0_usize);
        let weights = self
            .pieces()
            .flat_map(|piece| piece.chunks)
            .map(Chunk::weight);
        for (place, weight) in weights.enumerate() {
            let is_full = place - first >= size.texts.max(1)
                || (place > first && tokens.saturating_add(weight) > size.tokens);
            if is_full {
                batches.push(first..place);
                (first, tokens) = (place, 0);
            }
            tokens = tokens.saturating_add(weight);
        }
        if first < self.keys.len() {
            batches.push(first..self.keys.len());
        }
        batches
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

#[derive(Debug)]
struct Files {
    room: usize,
    read: HashMap<String, Arc<Loaded>>,
    prepared: HashMap<String, Arc<Prepared>>,
    order: VecDeque<String>,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            room: ROOM,
            read: HashMap::new(),
            prepared: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl Files {
    fn arrived(&mut self, workflow: &str) {
        if self.order.iter().any(|known| known == workflow) {
            return;
        }
        self.order.push_back(workflow.to_owned());
        while self.order.len() > self.room {
            if let Some(oldest) = self.order.pop_front() {
                self.read.remove(&oldest);
                self.prepared.remove(&oldest);
            }
        }
    }
}

impl Desk {
    /// A desk for so many files at once: what is worked on is never put away.
    pub(crate) fn for_files(at_once: u32) -> Self {
        let desk = Self::default();
        let at_once = usize::try_from(at_once).unwrap_or(usize::MAX);
        desk.files().room = ROOM.max(at_once.saturating_mul(2));
        desk
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put_read(&self, workflow: &str, loaded: Loaded) -> Arc<Loaded> {
        let loaded = Arc::new(loaded);
        let mut files = self.files();
        files.arrived(workflow);
        files.read.insert(workflow.to_owned(), Arc::clone(&loaded));
        loaded
    }

    pub(crate) fn take_read(&self, workflow: &str) -> Option<Arc<Loaded>> {
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
    use crate::chunk::{ChunkOptions, chunk};
    use crate::document::Document;
    use crate::embed::BatchSize;
    use crate::loader::{Loaded, Member};
    use crate::tokenizer::Tokenizer;

    #[test]
    fn chunks_are_picked_out_of_all_documents_of_a_file() {
        let member = |path: &str, text: &str| Member {
            path: path.to_owned(),
            outcome: Ok(Document::plain(text)),
        };
        let loaded = Loaded {
            document: Document::plain(""),
            members: vec![
                member("a.txt", "one"),
                member("inner.zip", ""),
                member("inner.zip!/b.txt", "two"),
            ],
        };
        let options = ChunkOptions::default();
        let prepared = Prepared::new(loaded, |document| {
            chunk(document, &options, Tokenizer::builtin())
        });
        let members: Vec<_> = prepared.pieces().map(|piece| piece.member).collect();
        assert_eq!(members, [None, Some("a.txt"), Some("inner.zip!/b.txt")]);
        let picked = prepared.pick(&[1]);
        let texts: Vec<_> = picked
            .iter()
            .map(|(document, chunk, _)| chunk.text(document))
            .collect();
        assert_eq!(texts, ["two"]);
        assert_eq!(picked[0].2, &prepared.keys[1]);
    }

    #[test]
    fn a_batch_is_full_when_it_has_enough_texts_or_enough_tokens() {
        let section = |number: usize| format!("# {number}\n\none two three\n\n");
        let text: String = (0..5).map(section).collect();
        let options = ChunkOptions::default();
        let prepared = Prepared::new(Document::markdown(&text).into(), |document| {
            chunk(document, &options, Tokenizer::builtin())
        });
        assert_eq!(prepared.keys.len(), 5);
        let batches = |texts, tokens| prepared.batches(BatchSize { texts, tokens });
        assert_eq!(batches(5, usize::MAX), batches(128, usize::MAX));
        assert_eq!(batches(128, usize::MAX).first(), Some(&(0..5)));
        assert_eq!(batches(2, usize::MAX), [0..2, 2..4, 4..5]);
        // A text that is larger than all that may be sent goes alone.
        assert_eq!(batches(128, 1), [0..1, 1..2, 2..3, 3..4, 4..5]);
    }

    #[test]
    fn as_many_files_lie_there_as_are_worked_on_at_once() {
        let desk = Desk::for_files(100);
        for number in 0..100 {
            let prepared = Prepared::new(Document::plain("x").into(), |_| Vec::new());
            desk.put(&number.to_string(), prepared);
        }
        assert!(desk.get("0").is_some());
    }

    #[test]
    fn files_that_nobody_takes_away_do_not_fill_the_memory() {
        let desk = Desk::default();
        for number in 0..=ROOM {
            let prepared = Prepared::new(Document::plain("x").into(), |_| Vec::new());
            desk.put(&number.to_string(), prepared);
        }
        assert!(desk.get("0").is_none());
        assert!(desk.get("1").is_some());
        desk.clear("1");
        assert!(desk.get("1").is_none());
    }
}
