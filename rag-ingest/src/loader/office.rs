//! Office documents: text, slides and sheets, of today's formats and of those before 2007.

use std::collections::HashMap;

use undoc::model::{Block, Cell, Document as OfficeDocument, Section};
use undoc::render::{RenderOptions, render_section_to_string, to_markdown};
use undoc::{Error, ErrorKind, FormatType};

use super::csv::Rows;
use super::package::{Broken, Package};
use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Kind};
use crate::normalise::normalise;

/// What all old office documents begin with; other programs use it, too.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// What every office document of today has.
const CONTENT_TYPES: &str = "[Content_Types].xml";

/// A table of so many rows does not fit into a chunk.
const LONG_TABLE: usize = 20;

pub(super) struct Office;

impl Loader for Office {
    fn name(&self) -> &'static str {
        "an office document"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &[
            "doc", "docm", "docx", "dotx", "ppsx", "ppt", "pptm", "pptx", "xls", "xlsm", "xlsx",
        ]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        match source.parts() {
            Some(Ok(parts)) => parts.iter().any(|part| part == CONTENT_TYPES),
            Some(Err(_)) => source.has_extension(self.extensions()),
            None => source.bytes().starts_with(COMPOUND),
        }
    }

    fn is_risky(&self) -> bool {
        true
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let what = what(source);
        let mut macros = false;
        if let Some(parts) = source.parts() {
            let parts = parts.map_err(|broken| broken.refuse(source, what))?;
            macros = parts.iter().any(|part| part.ends_with("vbaProject.bin"));
            weigh(source).map_err(|broken| broken.refuse(source, what))?;
        }
        let office =
            undoc::parse_bytes(source.bytes()).map_err(|error| refuse(source, what, error))?;
        let mut document = convert(&office).map_err(|error| refuse(source, what, error))?;
        document.title = office
            .metadata
            .title
            .map(|title| normalise(&title))
            .filter(|title| !title.trim().is_empty())
            .or(document.title);
        if macros {
            document
                .warnings
                .push("it contains macros; they are not read".to_owned());
        }
        Ok(document.into())
    }
}

/// Unpacks all parts once and throws them away: what they weigh is known before a parser makes trees of them.
fn weigh(source: &Source<'_>) -> Result<(), Broken> {
    let mut package = Package::open(source)?;
    for index in 0..package.len() {
        package.unpack(index, source)?;
    }
    Ok(())
}

fn what(source: &Source<'_>) -> &'static str {
    match source.extension() {
        "doc" | "docm" | "docx" | "dotx" => "Word document",
        "ppsx" | "ppt" | "pptm" | "pptx" => "presentation",
        "xls" | "xlsm" | "xlsx" => "workbook",
        _ => "office document",
    }
}

fn refuse(source: &Source<'_>, what: &str, error: Error) -> LoadError {
    match error.kind() {
        ErrorKind::Encrypted => source.encrypted(),
        ErrorKind::UnsupportedFormat | ErrorKind::UnknownFormat | ErrorKind::MissingComponent => {
            source.unsupported(format!("it is no office document that is read ({error})"))
        }
        _ => source.corrupt(what, error),
    }
}

fn convert(office: &OfficeDocument) -> undoc::Result<Document> {
    let options = RenderOptions {
        include_images: false,
        escape_special_chars: false,
        max_heading_level: 6,
        ..RenderOptions::default()
    };
    let kind = match office.format {
        FormatType::Docx | FormatType::Doc => Kind::Word,
        FormatType::Pptx | FormatType::Ppt => Kind::Slides,
        FormatType::Xlsx | FormatType::Xls => Kind::Sheets,
    };
    if kind == Kind::Word {
        // Where its pages end only a printer knows.
        return Ok(Document {
            kind,
            ..Document::markdown(&to_markdown(office, &options)?)
        });
    }
    let resources = HashMap::new();
    let mut empty = Vec::new();
    let mut pages = Vec::new();
    for (number, section) in (1_u32..).zip(&office.sections) {
        // Each as if it were the first: the others begin with a rule.
        let text = render_section_to_string(section, 0, office.format, &options, &resources);
        let rows = (kind == Kind::Sheets).then(|| long_rows(section)).flatten();
        match rows.or_else(|| content(&text, kind)) {
            Some(text) => pages.push((number, text)),
            None => empty.push(number.to_string()),
        }
    }
    let mut document = Document::of_pages(kind, pages);
    let title = document.headings.first().map(|it| it.title.clone());
    document.title = title.filter(|_| kind == Kind::Slides);
    if !empty.is_empty() {
        document.warnings.push(format!(
            "{} {} without text",
            if kind == Kind::Slides {
                "slides"
            } else {
                "sheets"
            },
            empty.join(", ")
        ));
    }
    Ok(document)
}

/// A sheet that is one long table, every value behind the name of its column: a chunk of a Markdown table would be cut off
/// from its head.
fn long_rows(section: &Section) -> Option<String> {
    let [Block::Table(table)] = section.content.as_slice() else {
        return None;
    };
    if table.rows.len() < LONG_TABLE {
        return None;
    }
    let mut rows = Rows::default();
    for (line, row) in (1..).zip(&table.rows) {
        let values: Vec<String> = row.cells.iter().map(Cell::plain_text).collect();
        rows.push(line, values.iter().map(String::as_str));
    }
    let name = section.name.as_deref().unwrap_or("Sheet");
    Some(format!("## {name}\n\n{}", rows.with_head()?))
}

/// What a slide or a sheet says. It is rendered under a heading, which for a slide is only its number.
fn content(rendered: &str, kind: Kind) -> Option<String> {
    let text = rendered.trim();
    let (heading, body) = text.split_once('\n').unwrap_or((text, ""));
    let body = body.trim();
    if !heading.starts_with("## ") {
        return Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    let kept = if kind == Kind::Slides { body } else { text };
    (!body.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests;
