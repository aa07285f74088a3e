//! Columns as `core::panic::Location` counts them.
//!
//! A span counts characters; a location counts what they take up on a screen: four for a tab, two
//! for a wide character, none for a combining one. The difference is in the text before a call on
//! its line, which the span of the whole body gives.

use proc_macro2::{Span, TokenStream, TokenTree};

/// The source text of a body.
pub(super) struct Columns {
    first_line: usize,
    first_column: usize,
    lines: Vec<String>,
}

impl Columns {
    /// Of a body with its braces.
    pub(super) fn of(body: &TokenStream) -> Self {
        let span = match body.clone().into_iter().next() {
            Some(TokenTree::Group(braces)) => braces.span(),
            Some(other) => other.span(),
            None => Span::call_site(),
        };
        let start = span.start();
        let text = span.source_text().unwrap_or_default();
        Self {
            first_line: start.line,
            first_column: start.column,
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    /// Line and column of the start of `span`, both from one.
    pub(super) fn location(&self, span: Span) -> (u32, u32) {
        let start = span.start();
        let column = self
            .width_before(start.line, start.column)
            .unwrap_or(start.column);
        (number(start.line), number(column.saturating_add(1)))
    }

    /// The width of the first `column` characters of a line, if they belong to the body's text.
    fn width_before(&self, line: usize, column: usize) -> Option<usize> {
        let index = line.checked_sub(self.first_line)?;
        // What stands before the body on its first line is a signature: no character of it is wide.
        let before = if index == 0 { self.first_column } else { 0 };
        let text = self.lines.get(index)?;
        let characters = column.checked_sub(before)?;
        Some(before + text.chars().take(characters).map(width).sum::<usize>())
    }
}

/// The number as locations carry it.
pub(super) fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn width(character: char) -> usize {
    match character {
        '\t' => 4,
        // Combining marks, joiners and variation selectors.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        // East Asian scripts and their full-width forms, and emoji.
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
