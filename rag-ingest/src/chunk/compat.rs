//! The pieces that rag-101 cuts a text into, for the profile `compat`.
//!
//! Its splitter is LangChain's recursive one: cut at empty lines; what is too long, at line ends; what is still too
//! long, at spaces; then anywhere. Neighbours are put together again while they fit. A separator stays at the head of
//! the piece behind it, so every piece is a stretch of the text and has offsets.

use std::collections::VecDeque;
use std::ops::Range;

use super::Chunk;
use crate::document::Document;
use crate::normalise::compat::strip;
use crate::tokenizer::Tokenizer;

/// The most characters in a piece.
const SIZE: usize = 800;
/// The most characters that a piece repeats from the one before it.
const OVERLAP: usize = 100;
/// Where a text is cut, the best place first.
const SEPARATORS: [&str; 3] = ["\n\n", "\n", " "];

/// Cuts a document; a piece never spans two pages.
pub(super) fn chunk(document: &Document, tokenizer: &Tokenizer) -> Vec<Chunk> {
    let pages = document.pages.iter().map(|page| page.start..page.end);
    let whole = document.pages.is_empty().then_some(0..document.text.len());
    let parts = whole.into_iter().chain(pages);
    let mut chunks = Vec::new();
    for part in parts {
        let text = document.text.get(part.clone()).unwrap_or_default();
        for piece in split(text, SIZE, OVERLAP) {
            let (start, end) = (part.start + piece.start, part.start + piece.end);
            let text = document.text.get(start..end).unwrap_or_default();
            chunks.push(Chunk {
                ordinal: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
                start,
                end,
                tokens: u32::try_from(tokenizer.count(text)).unwrap_or(u32::MAX),
                heading: Vec::new(),
                pages: document.pages_of(start, end),
            });
        }
    }
    chunks
}

/// A stretch of the text with the number of its characters.
#[derive(Debug, Clone)]
struct Stretch {
    bytes: Range<usize>,
    characters: usize,
}

/// Cuts a text into pieces of at most `size` characters that share at most `overlap`; gives their bytes.
pub(crate) fn split(text: &str, size: usize, overlap: usize) -> Vec<Range<usize>> {
    let mut splitter = Splitter {
        text,
        size,
        overlap,
        pieces: Vec::new(),
    };
    splitter.cut(0..text.len(), &SEPARATORS);
    splitter.pieces
}

struct Splitter<'t> {
    text: &'t str,
    size: usize,
    overlap: usize,
    pieces: Vec<Range<usize>>,
}

impl Splitter<'_> {
    fn text(&self, bytes: &Range<usize>) -> &str {
        self.text.get(bytes.clone()).unwrap_or_default()
    }

    /// Cuts a stretch at the best separator that occurs in it; anywhere when none does.
    fn cut(&mut self, stretch: Range<usize>, separators: &[&str]) {
        let found = separators
            .iter()
            .position(|separator| self.text(&stretch).contains(separator));
        let (cuts, finer) = match found.and_then(|at| separators.get(at..)) {
            Some([separator, finer @ ..]) => (self.at(&stretch, separator), Some(finer)),
            _ => (self.anywhere(&stretch), None),
        };
        let mut fitting: Vec<Stretch> = Vec::new();
        for cut in cuts {
            if cut.characters < self.size {
                fitting.push(cut);
                continue;
            }
            self.merge(std::mem::take(&mut fitting));
            match finer {
                Some(finer) => self.cut(cut.bytes, finer),
                None => self.pieces.push(cut.bytes),
            }
        }
        self.merge(fitting);
    }

    /// The stretches between separators, each with the separator before it.
    fn at(&self, stretch: &Range<usize>, separator: &str) -> Vec<Stretch> {
        let text = self.text(stretch);
        let places = text.match_indices(separator).map(|(at, _)| at);
        let mut begin = 0;
        let mut stretches = Vec::new();
        for end in places.chain([text.len()]) {
            if begin < end {
                stretches.push(Stretch {
                    bytes: stretch.start + begin..stretch.start + end,
                    characters: text.get(begin..end).unwrap_or_default().chars().count(),
                });
            }
            begin = end;
        }
        stretches
    }

    fn anywhere(&self, stretch: &Range<usize>) -> Vec<Stretch> {
        let characters = self.text(stretch).char_indices();
        let one = |(at, character): (usize, char)| {
            let start = stretch.start + at;
            Stretch {
                bytes: start..start + character.len_utf8(),
                characters: 1,
            }
        };
        characters.map(one).collect()
    }

    /// Puts neighbours together while they fit.
    fn merge(&mut self, stretches: Vec<Stretch>) {
        let mut window: VecDeque<Stretch> = VecDeque::new();
        let mut total = 0;
        for next in stretches {
            if total + next.characters > self.size && !window.is_empty() {
                self.piece(&window);
                while total > self.overlap || (total + next.characters > self.size && total > 0) {
                    let Some(first) = window.pop_front() else {
                        break;
                    };
                    total -= first.characters;
                }
            }
            total += next.characters;
            window.push_back(next);
        }
        self.piece(&window);
    }

    /// Adds a piece, without the white space around it; nothing if that is all.
    fn piece(&mut self, window: &VecDeque<Stretch>) {
        let (Some(first), Some(last)) = (window.front(), window.back()) else {
            return;
        };
        let text = self.text(&(first.bytes.start..last.bytes.end));
        let stripped = strip(text);
        if stripped.is_empty() {
            return;
        }
        let front = text.find(stripped).unwrap_or(0);
        let start = first.bytes.start + front;
        self.pieces.push(start..start + stripped.len());
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{chunk, split};
    use crate::document::{Document, Kind};
    use crate::tokenizer::Tokenizer;

    #[derive(Debug, Deserialize)]
    struct Golden {
        text: String,
        size: usize,
        overlap: usize,
        pieces: Vec<String>,
    }

    /// Made with `langchain-text-splitters`, see `tests/fixtures/README.md`.
    const GOLDEN: &str = include_str!("../../tests/fixtures/compat-pieces.json");

    fn pieces(text: &str, size: usize, overlap: usize) -> Vec<&str> {
        split(text, size, overlap)
            .into_iter()
            .map(|piece| &text[piece])
            .collect()
    }

    #[test]
    fn texts_are_cut_where_the_original_cuts_them() {
        let golden: Vec<Golden> = serde_json::from_str(GOLDEN).unwrap();
        assert!(golden.len() > 100, "only {} texts", golden.len());
        for golden in golden {
            let found = pieces(&golden.text, golden.size, golden.overlap);
            assert_eq!(found, golden.pieces, "{:?}", golden.text);
        }
    }

    #[test]
    fn the_small_examples_come_out() {
        let lines = "12345678901234567890";
        assert_eq!(
            pieces(lines, 10, 5),
            ["1234567890", "6789012345", "1234567890"]
        );
        let words = "aaa bbb ccc ddd eee";
        assert_eq!(pieces(words, 7, 3), ["aaa bbb", "ccc", "ddd", "eee"]);
        let lengths: Vec<_> = pieces(&"a".repeat(25), 10, 0)
            .iter()
            .map(|it| it.len())
            .collect();
        assert_eq!(lengths, [10, 10, 5]);
        assert_eq!(pieces("x\n\n\ny", 3, 0), ["x", "y"]);
    }

    #[test]
    fn a_piece_stays_on_its_page() {
        let pages = [(1, "word ".repeat(30)), (2, "other ".repeat(200))];
        let document = Document::of_pages(Kind::Pdf, pages);
        let chunks = chunk(&document, Tokenizer::builtin());
        let pages: Vec<_> = chunks.iter().map(|chunk| chunk.pages).collect();
        assert_eq!(pages, [Some((1, 1)), Some((2, 2)), Some((2, 2))]);
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk.text(&document).chars().count() <= 800)
        );
    }
}
