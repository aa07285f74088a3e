//! Comma- or tab-separated values: a line for each row, every value behind the name of its column.
//!
//! A row says nothing without the head of its table, and the chunk it lands in seldom holds it.

use ::csv::ReaderBuilder;

use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Kind};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many lines decide what separates the values.
const SAMPLE_LINES: usize = 20;

pub(super) struct Table;

impl Loader for Table {
    fn name(&self) -> &'static str {
        "a table (CSV)"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "tab", "tsv"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.has_extension(self.extensions()) && source.text().is_ok()
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        let text = decoded.text.trim_start_matches('\u{FEFF}');
        let separator = match source.extension() {
            "tsv" | "tab" => b'\t',
            _ => separator(text),
        };
        let mut rows = Rows::default();
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|error| source.corrupt("CSV file", error))?;
            let line = record.position().map_or(0, ::csv::Position::line);
            rows.push(line, record.iter());
        }
        let mut document = rows.finish();
        if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
            document.warnings.push(
                "a quotation mark is never closed: rows may have run together behind it".to_owned(),
            );
        }
        Ok(decoded.describe(document).into())
    }
}

/// The mark that occurs equally often in the first lines; the comma if none does.
fn separator(text: &str) -> u8 {
    let score = |mark: u8| {
        let counts: Vec<usize> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(SAMPLE_LINES)
            .map(|line| line.bytes().filter(|byte| *byte == mark).count())
            .collect();
        let first = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == first).count();
        if first == 0 { (0, 0) } else { (alike, first) }
    };
    let best = SEPARATORS.into_iter().rev().max_by_key(|mark| score(*mark));
    best.unwrap_or(b',')
}

/// Rows as they are written; the first one may be the head. Long sheets of a workbook are written so, too.
#[derive(Debug, Default)]
pub(super) struct Rows {
    head: Option<Vec<String>>,
    text: String,
    count: usize,
    /// How many rows have more or fewer values than the head, and the line of the first.
    uneven: (usize, u64),
}

impl Rows {
    pub(super) fn push<'v>(&mut self, line: u64, values: impl Iterator<Item = &'v str>) {
        let values: Vec<String> = values.map(one_line).collect();
        if values.iter().all(String::is_empty) {
            return;
        }
        self.count += 1;
        if self.count == 1 && is_head(&values) {
            self.text.push_str(&values.join(" | "));
            self.text.push('\n');
            self.head = Some(values);
            return;
        }
        let head = self.head.as_deref().unwrap_or_default();
        if self.head.is_some() && head.len() != values.len() {
            let (count, first) = self.uneven;
            self.uneven = (count + 1, if count == 0 { line } else { first });
        }
        write_row(&mut self.text, head, &values);
    }

    /// The rows, if the first of them names the columns.
    pub(super) fn with_head(self) -> Option<String> {
        self.head.is_some().then_some(self.text)
    }

    fn finish(self) -> Document {
        let mut document = Document {
            kind: Kind::Table,
            ..Document::plain(&self.text)
        };
        if let (count @ 1.., line) = self.uneven {
            document.warnings.push(format!(
                "{count} rows have more or fewer values than the first one, the first such in line {line}"
            ));
        }
        document
    }
}

/// Writes a row, every value behind the name of its column.
fn write_row(text: &mut String, head: &[String], values: &[String]) {
    let mut first = true;
    for (column, value) in values.iter().enumerate() {
        if value.is_empty() {
            continue;
        }
        if !first {
            text.push_str("; ");
        }
        first = false;
        if let Some(name) = head.get(column).filter(|_| head.len() > 1) {
            text.push_str(name);
            text.push_str(": ");
        }
        text.push_str(value);
    }
    text.push('\n');
}

/// Whether a first row names columns: every value is a short text of its own and no number.
fn is_head(values: &[String]) -> bool {
    values.iter().enumerate().all(|(place, value)| {
        !value.is_empty()
            && value.len() <= 80
            && value.parse::<f64>().is_err()
            && !values.iter().take(place).any(|other| other == value)
    })
}

fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
