//! What a document's text is made of, as far as cutting it is concerned.

use crate::document::{Document, Heading};
use crate::tokenizer::Tokenizer;

/// A part of the text that should stay together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) heading: bool,
    /// Whether it fits into one chunk; otherwise it has to be cut after all.
    pub(super) fits: bool,
}

/// The headings, code fences and tables of a document, in order and apart from each other.
pub(super) fn regions(document: &Document, max_tokens: u32, tokenizer: &Tokenizer) -> Vec<Region> {
    if !document.kind.is_markdown() {
        return Vec::new();
    }
    let text = document.text.as_str();
    let mut spans: Vec<(usize, usize, bool)> = document
        .headings
        .iter()
        .map(|heading| (heading.start, heading_end(text, heading.start), true))
        .collect();
    spans.extend(
        fences_and_tables(text)
            .into_iter()
            .map(|(start, end)| (start, end, false)),
    );
    spans.sort_unstable();
    let mut regions: Vec<Region> = Vec::with_capacity(spans.len());
    for (start, end, heading) in spans {
        if regions.last().is_some_and(|last| start < last.end) {
            continue;
        }
        let mut tokens = 0;
        let fits = tokenizer
            .words(text.get(start..end).unwrap_or_default())
            .all(|word| {
                tokens += word.tokens;
                tokens <= max_tokens
            });
        regions.push(Region {
            start,
            end,
            heading,
            fits,
        });
    }
    regions
}

/// Lines with the offset of their first byte.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let at = start;
        start += line.len() + 1;
        (at, line)
    })
}

/// A heading ends with its line, or with the line that underlines it.
fn heading_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mut lines = lines(rest);
    let Some((_, first)) = lines.next() else {
        return start;
    };
    let underlined = |(_, line): &(usize, &str)| {
        let line = line.trim();
        !line.is_empty() && (line.bytes().all(|b| b == b'=') || line.bytes().all(|b| b == b'-'))
    };
    match lines.take(3).find(underlined) {
        Some((at, line)) if !first.trim_start().starts_with('#') => start + at + line.len(),
        _ => start + first.len(),
    }
}

/// Fenced code and tables, from the first byte of their first line to the end of their last.
fn fences_and_tables(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut fence: Option<(usize, char, usize)> = None;
    let mut table: Option<(usize, usize)> = None;
    let mut before: Option<(usize, &str)> = None;
    for (at, line) in lines(text) {
        let end = at + line.len();
        if let Some((start, mark, length)) = fence {
            let trimmed = line.trim();
            if trimmed.len() >= length && trimmed.chars().all(|character| character == mark) {
                spans.push((start, end));
                fence = None;
            }
            continue;
        }
        if let Some((mark, length)) = opens_fence(line) {
            spans.extend(table.take());
            fence = Some((at, mark, length));
            before = None;
            continue;
        }
        match &mut table {
            Some((_, last)) if !line.trim().is_empty() && line.contains('|') => *last = end,
            Some(_) => spans.extend(table.take()),
            None if is_delimiter_row(line) => {
                let header = before.filter(|(_, line)| line.contains('|'));
                table = header.map(|(start, _)| (start, end));
            }
            None => {}
        }
        before = Some((at, line));
    }
    spans.extend(table);
    spans.extend(fence.map(|(start, ..)| (start, text.len())));
    spans
}

fn opens_fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    (length >= 3 && !(mark == '`' && info.contains('`'))).then_some((mark, length))
}

fn is_delimiter_row(line: &str) -> bool {
    line.contains('|')
        && line.contains('-')
        && line
            .chars()
            .all(|character| matches!(character, '|' | '-' | ':' | ' ' | '\t'))
}

/// The headings as a tree.
pub(super) struct Outline<'a> {
    headings: &'a [Heading],
    /// For each heading, the one it stands under.
    parents: Vec<Option<usize>>,
}

impl<'a> Outline<'a> {
    pub(super) fn new(headings: &'a [Heading]) -> Self {
        let mut open: Vec<(u8, usize)> = Vec::new();
        let parents = headings
            .iter()
            .enumerate()
            .map(|(index, heading)| {
                while open.pop_if(|(level, _)| *level >= heading.level).is_some() {}
                let parent = open.last().map(|(_, index)| *index);
                open.push((heading.level, index));
                parent
            })
            .collect();
        Self { headings, parents }
    }

    /// The titles above a place in the text, the highest first.
    pub(super) fn path_at(&self, place: usize) -> Vec<String> {
        let after = self
            .headings
            .partition_point(|heading| heading.start <= place);
        let mut path = Vec::new();
        let mut current = after.checked_sub(1);
        while let Some(index) = current {
            path.extend(
                self.headings
                    .get(index)
                    .map(|heading| heading.title.clone()),
            );
            current = self.parents.get(index).copied().flatten();
        }
        path.reverse();
        path
    }
}
