//! Cutting a document into pieces that a model can read.
//!
//! One pass over the words, with a window of at most one chunk behind it. When the window is full it is cut at
//! the best place in its second half; so the work is linear in the text, and a line of fifty megabytes is no
//! worse than a book. What holds:
//!
//! - no chunk has more word pieces than allowed, and its count is exact;
//! - every character that is not white space is in some chunk;
//! - a code fence or a table that fits into a chunk is in one piece, and so is a heading;
//! - a heading starts a new chunk, unless the chunk so far is nothing but headings;
//! - chunks are in order and each reaches further than the one before it.

mod atoms;
mod compat;
mod cut;
mod structure;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use self::atoms::{Atom, Atoms, Strength};
use self::structure::{Outline, regions};
use crate::document::Document;
use crate::profile::Profile;
use crate::tokenizer::Tokenizer;

/// Changes whenever the same document may give other chunks: documents are then chunked again.
pub const CHUNKER_VERSION: u32 = 1;

/// The smallest chunk size that is honoured.
const LEAST_MAX_TOKENS: u32 = 16;
/// A chunk may have this many bytes for each word piece it may have. Only text that is hardly text gets there:
/// long runs of spaces, or of characters that no model reads.
const MAX_BYTES_PER_TOKEN: usize = 64;

/// How large chunks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkOptions {
    /// The most word pieces in a chunk; less than 16 counts as 16. The local sentence model reads 254.
    pub max_tokens: u32,
    /// The most word pieces that a chunk repeats from the one before it, when a text is cut where it flows on;
    /// at most half of a chunk.
    pub overlap_tokens: u32,
    /// By which rules. The numbers above are those of [`Profile::Structure`]; the others have their own.
    #[serde(default)]
    pub profile: Profile,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self {
            max_tokens: 200,
            overlap_tokens: 30,
            profile: Profile::default(),
        }
    }
}

impl ChunkOptions {
    /// The options that are really used: values out of range are brought into it.
    pub fn effective(self) -> Self {
        let max_tokens = self.max_tokens.max(LEAST_MAX_TOKENS);
        Self {
            max_tokens,
            overlap_tokens: self.overlap_tokens.min(max_tokens / 2),
            profile: self.profile,
        }
    }
}

/// A piece of a document. The text is not stored: it is `document.text[start..end]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place among the document's chunks, from 0.
    pub ordinal: u32,
    /// First byte in the document's text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// How many word pieces it has.
    pub tokens: u32,
    /// The headings it stands under, the highest first.
    pub heading: Vec<String>,
    /// The first and the last page it stands on, if the document has pages.
    pub pages: Option<(u32, u32)>,
}

impl Chunk {
    /// The chunk's text; empty if this is not the document it was cut from.
    pub fn text<'a>(&self, document: &'a Document) -> &'a str {
        document.text.get(self.start..self.end).unwrap_or_default()
    }

    /// About how many tokens of any model it is, headings included.
    pub(crate) fn weight(&self) -> usize {
        /// Bytes of a token: fewer than most have, so that the sum is not too small.
        const TOKEN: usize = 3;
        let headings: usize = self
            .heading
            .iter()
            .map(|heading| heading.len() + TOKEN)
            .sum();
        self.tokens as usize + headings / TOKEN
    }

    /// What to embed for this chunk: the headings it stands under, then its text.
    ///
    /// A passage often does not repeat what its section is about; with the headings it is found by that, too.
    pub fn embedding_text(&self, document: &Document) -> String {
        embedding_text(&self.heading, self.text(document))
    }
}

/// What to embed for a text under some headings.
pub(crate) fn embedding_text(heading: &[String], text: &str) -> String {
    if heading.is_empty() {
        return text.to_owned();
    }
    format!("{}\n{text}", heading.join(" > "))
}

/// Cuts a document into chunks.
pub fn chunk(document: &Document, options: &ChunkOptions, tokenizer: &Tokenizer) -> Vec<Chunk> {
    if options.profile == Profile::Compat {
        return compat::chunk(document, tokenizer);
    }
    let options = options.effective();
    let regions = regions(document, options.max_tokens, tokenizer);
    let mut chunker = Chunker {
        document,
        outline: Outline::new(&document.headings),
        options,
        window: VecDeque::new(),
        tokens: 0,
        repeated: 0,
        chunks: Vec::new(),
    };
    for atom in Atoms::new(&document.text, tokenizer, &regions, options.max_tokens) {
        chunker.push(atom);
    }
    chunker.end_section();
    chunker.chunks
}

/// The chunk that is being filled and those that are done.
struct Chunker<'a> {
    document: &'a Document,
    outline: Outline<'a>,
    options: ChunkOptions,
    window: VecDeque<Atom>,
    /// How many word pieces the window has.
    tokens: u32,
    /// How many atoms at the front of the window are repeated from the last chunk.
    repeated: usize,
    chunks: Vec<Chunk>,
}

impl Chunker<'_> {
    fn push(&mut self, atom: Atom) {
        let opens_section =
            atom.strength == Strength::Heading && self.window.iter().any(|atom| !atom.heading);
        let beside_alone = atom.alone || self.window.back().is_some_and(|last| last.alone);
        if opens_section || beside_alone {
            self.end_section();
        }
        while !self.window.is_empty() && !self.has_room_for(&atom) {
            self.make_room(&atom);
        }
        self.tokens += atom.tokens;
        self.window.push_back(atom);
    }

    fn has_room_for(&self, atom: &Atom) -> bool {
        let start = self.window.front().map_or(atom.start, |first| first.start);
        let max_bytes = self.options.max_tokens as usize * MAX_BYTES_PER_TOKEN;
        self.tokens + atom.tokens <= self.options.max_tokens && atom.end - start <= max_bytes
    }

    /// Cuts the window at its best place; `next` is the atom that did not fit.
    fn make_room(&mut self, next: &Atom) {
        let place = cut::best(
            &self.window,
            self.repeated,
            next.strength,
            self.options.max_tokens,
        );
        let Some(place) = place else {
            // Nothing new could be kept together with what is repeated, so nothing is repeated.
            self.drop_front(self.repeated);
            return;
        };
        self.emit(place);
        let strength = self
            .window
            .get(place)
            .map_or(next.strength, |atom| atom.strength);
        let repeated = cut::overlap(&self.window, place, strength, self.options.overlap_tokens);
        self.drop_front(place - repeated);
        self.repeated = repeated;
    }

    /// Ends the chunk where it is; what follows has nothing to do with it.
    fn end_section(&mut self) {
        if self.window.len() > self.repeated {
            self.emit(self.window.len());
        }
        self.drop_front(self.window.len());
    }

    fn drop_front(&mut self, count: usize) {
        let dropped: u32 = self.window.drain(..count).map(|atom| atom.tokens).sum();
        self.tokens -= dropped;
        self.repeated = self.repeated.saturating_sub(count);
    }

    fn emit(&mut self, count: usize) {
        let atoms = || self.window.iter().take(count);
        let (Some(first), Some(last)) = (atoms().next(), atoms().next_back()) else {
            return;
        };
        let (start, end) = (first.start, last.end);
        let body = atoms().find(|atom| !atom.heading).unwrap_or(last);
        self.chunks.push(Chunk {
            ordinal: u32::try_from(self.chunks.len()).unwrap_or(u32::MAX),
            start,
            end,
            tokens: atoms().map(|atom| atom.tokens).sum(),
            heading: self.outline.path_at(body.start),
            pages: self.document.pages_of(start, end),
        });
    }
}

#[cfg(test)]
mod tests;
