//! Word pieces: the units that the sentence model reads, and that chunks are measured in.
//!
//! The vocabulary is the uncased English one of all-MiniLM-L6-v2, compiled in. Text is split as that model's
//! own tokenizer splits it: controls dropped, accents stripped, lower case, ideographs and punctuation alone,
//! then the longest known piece from the left. Two deliberate differences:
//!
//! - A word of more than 100 characters is read in stretches of 100. The original calls it unknown, which would
//!   make a megabyte of unbroken text count as a single token.
//! - Spacing marks of Indic scripts are stripped with the other marks.

mod characters;
mod trie;

use std::sync::OnceLock;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use self::trie::{CONTINUATION, Trie, WORD};

/// The longest stretch of letters that is read as one word.
const MAX_WORD_CHARS: usize = 100;

/// The vocabulary file: one word piece a line.
pub(crate) const PIECES: &str = include_str!("../assets/wordpiece-vocab.txt");

/// Counts and numbers word pieces.
#[derive(Debug)]
pub struct Tokenizer {
    trie: Trie,
    vocabulary_size: usize,
}

/// A stretch of text that is tokenized on its own: a word, one punctuation mark, one ideograph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// How many word pieces it makes.
    pub(crate) tokens: u32,
}

/// The number of the token for a word without known pieces.
pub(crate) const UNKNOWN: u32 = 100;
/// The number of the token that opens every text the model reads.
#[cfg(feature = "minilm")]
pub(crate) const OPEN: u32 = 101;
/// The number of the token that closes every text the model reads.
#[cfg(feature = "minilm")]
pub(crate) const CLOSE: u32 = 102;

impl Tokenizer {
    /// The compiled-in tokenizer. Built once per process, in a few milliseconds.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Tokenizer> = OnceLock::new();
        BUILTIN.get_or_init(|| Self {
            trie: Trie::new(PIECES),
            vocabulary_size: PIECES.lines().count(),
        })
    }

    /// How many different word pieces there are.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// How many word pieces a text makes, without the opening and closing marks a model adds.
    ///
    /// ```
    /// use rag_ingest::tokenizer::Tokenizer;
    /// assert_eq!(Tokenizer::builtin().count("Durable execution"), 2);
    /// ```
    pub fn count(&self, text: &str) -> usize {
        self.words(text).map(|word| word.tokens as usize).sum()
    }

    /// The numbers of the word pieces of a text.
    pub fn ids(&self, text: &str) -> Vec<u32> {
        let mut words = self.words(text);
        let mut ids = Vec::new();
        while words.next().is_some() {
            ids.extend_from_slice(&words.ids);
        }
        ids
    }

    /// Walks a text word by word.
    pub(crate) fn words<'a>(&'a self, text: &'a str) -> Words<'a> {
        Words {
            tokenizer: self,
            text,
            position: 0,
            letters: String::new(),
            ids: Vec::new(),
        }
    }

    fn match_pieces(&self, letters: &[u8], ids: &mut Vec<u32>) {
        let mut rest = letters;
        let mut root = WORD;
        while !rest.is_empty() {
            let Some((id, length)) = self.trie.longest(root, rest) else {
                ids.clear();
                ids.push(UNKNOWN);
                return;
            };
            ids.push(id);
            rest = rest.get(length..).unwrap_or_default();
            root = CONTINUATION;
        }
    }
}

/// An iterator over the words of a text; made by [`Tokenizer::words`].
#[derive(Debug)]
pub(crate) struct Words<'a> {
    tokenizer: &'a Tokenizer,
    text: &'a str,
    position: usize,
    letters: String,
    ids: Vec<u32>,
}

impl Words<'_> {
    /// Finds the next word and leaves its letters, lower case and without marks, in `self.letters`.
    fn spell(&mut self) -> Option<(usize, usize)> {
        let rest = self.text.get(self.position..)?;
        let mut start = None;
        let mut length = 0;
        self.letters.clear();
        for (offset, character) in rest.char_indices() {
            let at = self.position + offset;
            if character.is_ascii_alphanumeric() {
                // The common case, spared the tables below.
                start.get_or_insert(at);
                self.letters.push(character.to_ascii_lowercase());
                length += 1;
            } else if characters::is_dropped(character) {
                continue;
            } else {
                let alone =
                    characters::is_punctuation(character) || characters::is_ideograph(character);
                if character.is_whitespace() || alone {
                    if let Some(start) = start {
                        self.position = at;
                        return Some((start, at));
                    }
                    if alone {
                        self.fold(character);
                        self.position = at + character.len_utf8();
                        return Some((at, self.position));
                    }
                    continue;
                }
                start.get_or_insert(at);
                self.fold(character);
                length += 1;
            }
            if length == MAX_WORD_CHARS {
                self.position = at + character.len_utf8();
                return start.map(|start| (start, self.position));
            }
        }
        self.position = self.text.len();
        start.map(|start| (start, self.position))
    }

    fn fold(&mut self, character: char) {
        let letters = &mut self.letters;
        decompose_canonical(character, |part| {
            if !is_combining_mark(part) {
                letters.extend(part.to_lowercase());
            }
        });
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let (start, end) = self.spell()?;
        self.ids.clear();
        self.tokenizer
            .match_pieces(self.letters.as_bytes(), &mut self.ids);
        Some(Word {
            start,
            end,
            tokens: u32::try_from(self.ids.len()).unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
mod tests;
