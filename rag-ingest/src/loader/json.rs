//! JSON and lines of JSON: a value a line, behind the path that leads to it.
//!
//! Brackets and quotation marks are no words; what a value is called is. The text is checked by `serde_json` and then
//! walked over without recursion, so that numbers stay as they are written and nesting costs nothing.

use serde::de::IgnoredAny;

use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Kind};

/// Deeper values are not written behind their paths: those would be most of the text.
const MAX_DEPTH: usize = 32;

pub(super) struct Json;

impl Loader for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["geojson", "json", "webmanifest"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let unnamed = || source.has_extension(&["", "txt", "text"]);
        source.text().is_ok_and(|decoded| {
            source.has_extension(self.extensions())
                || unnamed()
                    && decoded.text.trim_start().starts_with(['{', '['])
                    && check(&decoded.text).is_ok()
        })
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        let text = decoded.text.trim_start_matches('\u{FEFF}');
        let document = match check(text) {
            Ok(()) => {
                let mut outline = Outline::default();
                outline.write(text);
                outline.finish(text)
            }
            // Many a file of lines is named like a file of one value.
            Err(_)
                if lines(text)
                    .take(2)
                    .filter(|line| check(line).is_ok())
                    .count()
                    == 2 =>
            {
                records(text)
            }
            Err(error) => Document {
                warnings: vec![format!("it is not valid JSON and is read as text: {error}")],
                ..Document::plain(text)
            },
        };
        Ok(decoded.describe(document).into())
    }
}

pub(super) struct JsonLines;

impl Loader for JsonLines {
    fn name(&self) -> &'static str {
        "lines of JSON"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.has_extension(self.extensions()) && source.text().is_ok()
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        let document = records(decoded.text.trim_start_matches('\u{FEFF}'));
        Ok(decoded.describe(document).into())
    }
}

fn check(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

/// A record a line; a line that is none is kept as text.
fn records(text: &str) -> Document {
    let mut outline = Outline::default();
    let (mut bad, mut first) = (0_usize, String::new());
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match check(line) {
            Ok(()) => outline.write(line),
            Err(error) => {
                bad += 1;
                if bad == 1 {
                    first = format!("the first is line {number}, column {}", error.column());
                }
                outline.text.push_str(line);
            }
        }
        outline.gap();
    }
    let mut document = outline.finish(text);
    if bad > 0 {
        document.warnings.push(format!(
            "{bad} lines are not valid JSON and are read as text; {first}"
        ));
    }
    document
}

/// A list or an object that is open.
enum Open {
    List,
    Object { key: String },
}

/// The text while it is written.
#[derive(Default)]
struct Outline {
    text: String,
    title: Option<String>,
    path: Vec<Open>,
    too_deep: bool,
    /// Whether the last value stands in a list of plain values, which share a line.
    in_row: bool,
}

impl Outline {
    /// Writes one valid JSON text.
    fn write(&mut self, text: &str) {
        let mut rest = text.trim_start();
        while let Some(mark) = rest.chars().next() {
            let length = match mark {
                '{' => {
                    self.open(Open::Object { key: String::new() });
                    1
                }
                '[' => {
                    self.open(Open::List);
                    1
                }
                '}' | ']' => {
                    self.path.pop();
                    self.in_row = false;
                    // Records are told apart by an empty line.
                    if mark == '}' && matches!(self.path.last(), Some(Open::List)) {
                        self.gap();
                    }
                    1
                }
                ',' | ':' => 1,
                '"' => {
                    let length = string_length(rest);
                    let literal = rest.get(..length).unwrap_or_default();
                    let value: String = serde_json::from_str(literal).unwrap_or_default();
                    let after = rest.get(length..).unwrap_or_default().trim_start();
                    match self.path.last_mut() {
                        Some(Open::Object { key }) if after.starts_with(':') => *key = value,
                        _ => self.value(&value),
                    }
                    length
                }
                _ => {
                    let length = rest
                        .find(|c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace())
                        .unwrap_or(rest.len());
                    let literal = rest.get(..length).unwrap_or_default();
                    if literal != "null" {
                        self.value(literal);
                    }
                    length.max(1)
                }
            };
            rest = rest.get(length..).unwrap_or_default().trim_start();
        }
        self.path.clear();
        self.in_row = false;
    }

    fn open(&mut self, open: Open) {
        self.path.push(open);
        self.in_row = false;
        self.too_deep |= self.path.len() > MAX_DEPTH;
    }

    fn value(&mut self, value: &str) {
        if self.too_deep {
            return;
        }
        let value = value.trim();
        if let [Open::Object { key }] = self.path.as_slice()
            && matches!(key.as_str(), "title" | "name")
            && self.title.is_none()
            && !value.is_empty()
        {
            self.title = Some(value.to_owned());
        }
        if self.in_row && value.len() < 200 {
            self.text.push_str(", ");
            self.text.push_str(value);
            return;
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.in_row = matches!(self.path.last(), Some(Open::List));
        let before = self.text.len();
        for open in &self.path {
            match open {
                Open::Object { key } => {
                    if self.text.len() > before {
                        self.text.push('.');
                    }
                    self.text.push_str(key);
                }
                Open::List => {}
            }
        }
        if self.text.len() > before {
            self.text.push_str(": ");
        }
        self.text.push_str(value);
    }

    fn gap(&mut self) {
        while !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn finish(self, original: &str) -> Document {
        let written = Document {
            kind: Kind::Json,
            title: self.title,
            ..Document::plain(&self.text)
        };
        if !self.too_deep && !written.text.is_empty() {
            return written;
        }
        let mut kept = Document {
            kind: Kind::Json,
            ..Document::plain(original)
        };
        if self.too_deep {
            kept.warnings.push(format!(
                "its values nest deeper than {MAX_DEPTH} levels, so it is kept as it is"
            ));
        }
        kept
    }
}

/// How long the string literal is that a valid text begins with, its quotation marks included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
