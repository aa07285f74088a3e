//! The text layer of a PDF, page by page.

use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};

use unpdf::model::Document as PdfDocument;
use unpdf::render::{RenderOptions, to_markdown};
use unpdf::{PageStreamOptions, ParseEvent, PdfParser};

use super::source::Source;
use super::{Limits, LoadError, Loaded, Loader};
use crate::document::{Document, Kind};
use crate::normalise::normalise;

/// A scanned page has stray marks rather than text; fewer letters a page than this is no text layer.
const MIN_LETTERS_PER_PAGE: usize = 20;
const WHAT: &str = "PDF";

pub(super) struct Pdf;

impl Loader for Pdf {
    fn name(&self) -> &'static str {
        "a PDF"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["pdf"]
    }

    /// The mark may stand a little behind the start, but then only its name makes it more than a quotation.
    fn recognises(&self, source: &Source<'_>) -> bool {
        let head = source.head(1024);
        let start = head.trim_ascii_start();
        start
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(start)
            .starts_with(b"%PDF-")
            || source.extension() == "pdf" && head.windows(5).any(|window| window == b"%PDF-")
    }

    fn is_risky(&self) -> bool {
        true
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        read(source).map(Loaded::from)
    }
}

/// What the parser gives, before anything is decided about it.
#[derive(Debug, Default)]
struct Pages {
    title: Option<String>,
    count: u32,
    texts: Vec<(u32, String)>,
    warnings: Vec<String>,
    size: u64,
}

fn read(source: &Source<'_>) -> Result<Document, LoadError> {
    let (bytes, limits) = (source.bytes(), source.limits());
    let name = source.name().to_owned();
    // The parser meets files that nobody tested it with: its panics are findings about the file.
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| extract(bytes, limits)));
    let pages = match outcome {
        Ok(Ok(pages)) => pages,
        Ok(Err(unpdf::Error::Encrypted | unpdf::Error::InvalidPassword)) => {
            return Err(source.encrypted());
        }
        _ if !has_end(bytes) => return Err(source.truncated(WHAT)),
        Ok(Err(error)) => return Err(source.corrupt(WHAT, error)),
        Err(_) => return Err(source.corrupt(WHAT, "the parser gave up on it")),
    };
    // The parser rescues what pages it can find; half a document that looks whole is worse than none.
    if !has_end(bytes) {
        return Err(source.truncated(WHAT));
    }
    if pages.size > limits.max_text_bytes {
        return Err(LoadError::TooLarge {
            path: name,
            size: pages.size,
            limit: limits.max_text_bytes,
        });
    }
    if pages.count == 0 {
        return Err(source.corrupt(WHAT, "it has no pages"));
    }
    let letters: usize = pages
        .texts
        .iter()
        .map(|(_, text)| text.chars().filter(|c| c.is_alphanumeric()).count())
        .sum();
    // A short letter on one page is no scan; hundreds of pages with a stamp on each are.
    if letters == 0 || (letters / pages.count as usize) < MIN_LETTERS_PER_PAGE && pages.count > 1 {
        return Err(LoadError::NoTextLayer {
            path: name,
            pages: pages.count,
        });
    }
    Ok(assemble(pages))
}

fn extract(bytes: &[u8], limits: &Limits) -> unpdf::Result<Pages> {
    let parser = PdfParser::from_bytes(bytes)?;
    let mut pages = Pages::default();
    let stream = PageStreamOptions {
        parallel: false,
        ..PageStreamOptions::default()
    };
    let mut render = RenderOptions::new();
    render.escape_special_chars = false;
    parser.for_each_page(stream, |event| {
        match event {
            ParseEvent::DocumentStart {
                metadata,
                page_count,
                ..
            } => {
                pages.title = metadata.title;
                pages.count = page_count;
            }
            ParseEvent::PageParsed(page) => {
                let number = page.number;
                let mut single = PdfDocument::new();
                single.add_page(page);
                match to_markdown(&single, &render) {
                    Ok(text) => {
                        pages.size += text.len() as u64;
                        pages.texts.push((number, text));
                    }
                    Err(error) => pages
                        .warnings
                        .push(format!("page {number} has no readable text: {error}")),
                }
            }
            ParseEvent::PageFailed { page, error } => {
                pages
                    .warnings
                    .push(format!("page {page} could not be read: {error}"));
            }
            _ => {}
        }
        if pages.size > limits.max_text_bytes {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(pages)
}

fn assemble(pages: Pages) -> Document {
    let title = pages
        .title
        .map(|title| normalise(&title))
        .filter(|title| !title.trim().is_empty());
    Document {
        title,
        warnings: pages.warnings,
        ..Document::of_pages(Kind::Pdf, pages.texts)
    }
}

/// Whether the mark that closes a PDF stands near the end of the file.
fn has_end(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(2048)..);
    tail.is_some_and(|tail| tail.windows(5).any(|window| window == b"%%EOF"))
}
