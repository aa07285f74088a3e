//! A text as a sequence of words, and how well it can be cut before each of them.

use std::collections::VecDeque;

use super::structure::Region;
use crate::tokenizer::{Tokenizer, Word, Words};

/// How good a place is to cut at, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// Inside a region that stays together: never.
    Inside,
    /// Inside unbroken text.
    Glued,
    /// Between words.
    Word,
    /// Between sentences.
    Sentence,
    /// Between lines, unless a sentence runs over them.
    Line,
    /// Between paragraphs.
    Paragraph,
    /// At the edge of a table or a code fence.
    Block,
    /// Before a heading.
    Heading,
}

/// A word, or what is taken for one, together with the unreadable characters behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Atom {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) tokens: u32,
    /// How good it is to cut before it.
    pub(super) strength: Strength,
    /// Whether it belongs to a heading.
    pub(super) heading: bool,
    /// A part of a word that is larger than a chunk: no neighbour can share a chunk with it, since its word
    /// pieces would be others then.
    pub(super) alone: bool,
}

/// Walks a text atom by atom.
pub(super) struct Atoms<'a> {
    text: &'a str,
    tokenizer: &'a Tokenizer,
    words: Words<'a>,
    regions: &'a [Region],
    max_tokens: u32,
    /// The last word found, not yet given out: its end depends on what follows.
    held: Option<Word>,
    /// One past the last byte that was given out.
    covered: usize,
    parts: VecDeque<Atom>,
    started: bool,
}

impl<'a> Atoms<'a> {
    pub(super) fn new(
        text: &'a str,
        tokenizer: &'a Tokenizer,
        regions: &'a [Region],
        max_tokens: u32,
    ) -> Self {
        Self {
            text,
            tokenizer,
            words: tokenizer.words(text),
            regions,
            max_tokens,
            held: None,
            covered: 0,
            parts: VecDeque::new(),
            started: false,
        }
    }

    fn next_word(&mut self) -> Option<Word> {
        if !self.started {
            self.started = true;
            let lead = self.text.len() - self.text.trim_start().len();
            self.held = match self.words.next() {
                // Unreadable characters before the first word go with it.
                Some(first) => Some(Word {
                    start: lead.min(first.start),
                    ..first
                }),
                None if lead < self.text.len() => Some(Word {
                    start: lead,
                    end: lead,
                    tokens: 0,
                }),
                None => None,
            };
        }
        let mut word = self.held.take()?;
        self.held = self.words.next();
        let gap_end = self.held.map_or(self.text.len(), |next| next.start);
        let gap = self.text.get(word.end..gap_end).unwrap_or_default();
        word.end += gap.trim_end().len();
        Some(word)
    }

    /// How well the text can be cut before a place, from what is written there.
    fn strength_at(&self, start: usize) -> Strength {
        let gap = self.text.get(self.covered..start).unwrap_or_default();
        let before = self.text.get(..self.covered).unwrap_or_default();
        if gap.is_empty() {
            let mut around = before.chars().next_back().into_iter();
            let next = self.text.get(start..).and_then(|rest| rest.chars().next());
            return match (around.next(), next) {
                (Some('。' | '！' | '？'), _) => Strength::Sentence,
                // Scripts that are written without spaces.
                (Some(a), Some(b)) if is_unspaced(a) && (is_unspaced(b) || b.is_alphanumeric()) => {
                    Strength::Word
                }
                (Some(a), Some(b)) if a.is_alphanumeric() && is_unspaced(b) => Strength::Word,
                _ => Strength::Glued,
            };
        }
        match gap.bytes().filter(|byte| *byte == b'\n').take(2).count() {
            0 if ends_sentence(before) => Strength::Sentence,
            0 => Strength::Word,
            1 if self.sentence_runs_on(before, start) => Strength::Word,
            1 => Strength::Line,
            _ => Strength::Paragraph,
        }
    }

    fn sentence_runs_on(&self, before: &str, start: usize) -> bool {
        let next = self.text.get(start..).and_then(|rest| rest.chars().next());
        let last = before.chars().next_back();
        next.is_some_and(char::is_lowercase)
            && last.is_some_and(|last| last.is_alphanumeric() || matches!(last, ',' | ')' | '-'))
    }

    /// The region that a place lies in; places only move forward.
    fn region_at(&mut self, place: usize) -> Option<Region> {
        while let Some((first, rest)) = self.regions.split_first()
            && first.end <= place
        {
            self.regions = rest;
        }
        self.regions
            .first()
            .copied()
            .filter(|region| region.start <= place)
    }
}

impl Iterator for Atoms<'_> {
    type Item = Atom;

    fn next(&mut self) -> Option<Atom> {
        if let Some(part) = self.parts.pop_front() {
            return Some(part);
        }
        let word = self.next_word()?;
        let mut strength = self.strength_at(word.start);
        let before = self
            .covered
            .checked_sub(1)
            .and_then(|last| self.region_at(last));
        let region = self.region_at(word.start);
        match (before, region) {
            (Some(a), Some(b)) if a == b => {
                if a.fits {
                    strength = Strength::Inside;
                }
            }
            (_, Some(region)) if region.heading => strength = Strength::Heading,
            // A heading should not be cut off from what it is the heading of.
            (Some(before), _) if before.heading => strength = Strength::Word,
            (Some(_), _) | (_, Some(_)) => strength = strength.max(Strength::Block),
            (None, None) => {}
        }
        self.covered = word.end;
        let atom = Atom {
            start: word.start,
            end: word.end,
            tokens: word.tokens,
            strength,
            heading: region.is_some_and(|region| region.heading),
            alone: false,
        };
        if atom.tokens <= self.max_tokens {
            return Some(atom);
        }
        self.split(atom);
        self.parts.pop_front()
    }
}

impl Atoms<'_> {
    /// Splits a word that is larger than a chunk. No character makes more than four word pieces.
    fn split(&mut self, atom: Atom) {
        let text = self.text.get(atom.start..atom.end).unwrap_or_default();
        let size = (self.max_tokens as usize / 4).max(1);
        let mut start = 0;
        while start < text.len() {
            let rest = text.get(start..).unwrap_or_default();
            let length = rest
                .char_indices()
                .nth(size)
                .map_or(rest.len(), |(at, _)| at);
            let part = rest.get(..length).unwrap_or_default();
            self.parts.push_back(Atom {
                start: atom.start + start,
                end: atom.start + start + length,
                tokens: u32::try_from(self.tokenizer.count(part)).unwrap_or(u32::MAX),
                alone: true,
                ..atom
            });
            start += length;
        }
    }
}

fn is_unspaced(character: char) -> bool {
    matches!(character, '\u{2E80}'..='\u{A4CF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '\'', ')', ']', '\u{201D}', '\u{2019}', '\u{BB}']);
    text.ends_with(['.', '!', '?', '\u{2026}', ':', ';'])
}
