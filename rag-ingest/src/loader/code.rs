//! Source code: kept as it is, its definitions as headings.
//!
//! Chunks then begin at definitions and carry their names. A definition is found by how its line begins, so nothing has
//! to be valid; the comments and attributes right above it belong to it.

mod languages;

use self::languages::{LANGUAGES, Language};
use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Heading, Kind};
use crate::normalise::normalise;

/// Longer lines define nothing that a reader would look for: they are data or were made by a machine.
const MAX_LINE: usize = 300;
/// How many characters of a line make a heading's title.
const MAX_TITLE: usize = 100;

pub(super) struct Code;

impl Loader for Code {
    fn name(&self) -> &'static str {
        "source code"
    }

    fn extensions(&self) -> &'static [&'static str] {
        languages::EXTENSIONS
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source
            .text()
            .is_ok_and(|decoded| language(source, &decoded.text).is_some())
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        let text = normalise(&decoded.text);
        let language = language(source, &decoded.text);
        let headings = language.map_or_else(Vec::new, |language| definitions(&text, language));
        let document = Document {
            kind: Kind::Code,
            title: Some(source.file_name().to_owned()),
            headings,
            text,
            language: language.map(|language| language.name.to_owned()),
            ..Document::plain("")
        };
        Ok(decoded.describe(document).into())
    }
}

/// Whether a whole file name is that of source code.
pub(super) fn is_named(name: &str) -> bool {
    LANGUAGES
        .iter()
        .any(|language| language.names.contains(&name))
}

/// The language by name, by extension, or by the program that the first line names.
fn language(source: &Source<'_>, text: &str) -> Option<&'static Language> {
    let named = |language: &&Language| language.names.contains(&source.file_name());
    let extension = |language: &&Language| source.has_extension(language.extensions);
    let named = LANGUAGES.iter().find(named);
    let by_name = named.or_else(|| LANGUAGES.iter().find(extension));
    by_name.or_else(|| {
        // A name that promises text keeps its promise.
        if source.has_extension(&["log", "rst", "txt", "text", "md"]) {
            return None;
        }
        let program = interpreter(text)?;
        LANGUAGES
            .iter()
            .find(|language| language.interpreters.contains(&program))
    })
}

/// The program in `#!/usr/bin/env python3`, without its version.
fn interpreter(text: &str) -> Option<&str> {
    let line = text.lines().next()?.strip_prefix("#!")?;
    let mut words = line.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    }
    Some(program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

/// The definitions of a text. Those that are indented stand below those that are not.
fn definitions(text: &str, language: &Language) -> Vec<Heading> {
    let mut headings = Vec::new();
    // Where the comments and attributes begin that stand right above the line.
    let mut above: Option<usize> = None;
    let mut at = 0;
    for line in text.split('\n') {
        let start = at;
        at += line.len() + 1;
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if code.len() <= MAX_LINE && indent <= 8 && language.defines(code, indent) {
            headings.push(Heading {
                level: if indent == 0 { 1 } else { 2 },
                title: title(code),
                start: above.unwrap_or(start),
            });
            above = None;
        } else if language.belongs_to_next(code) {
            above.get_or_insert(start);
        } else {
            above = None;
        }
    }
    headings
}

/// A definition's line without what opens its body.
fn title(code: &str) -> String {
    let end = code.find(['{', ';']).unwrap_or(code.len());
    let head = code.get(..end).unwrap_or(code).trim();
    let head = if head.is_empty() { code } else { head };
    let head = head.trim_end_matches([':', '=', ' ']);
    head.chars().take(MAX_TITLE).collect()
}

#[cfg(test)]
mod tests;
