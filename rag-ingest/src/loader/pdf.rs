//! The text layer of a PDF, page by page.

use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::thread;

use unpdf::model::Document as PdfDocument;
use unpdf::render::{RenderOptions, to_markdown};
use unpdf::{PageStreamOptions, ParseEvent, PdfParser};

use super::{Limits, LoadError};
use crate::document::{Document, Kind, PageSpan};
use crate::normalise::normalise;

/// A scanned page has stray marks rather than text; fewer letters a page than this is no text layer.
const MIN_LETTERS_PER_PAGE: usize = 20;
/// Hostile files nest deeply; the parser gets a stack that a thread of a server would not have.
const STACK_BYTES: usize = 32 << 20;

/// What the parser gives, before anything is decided about it.
#[derive(Debug, Default)]
struct Pages {
    title: Option<String>,
    count: u32,
    texts: Vec<(u32, String)>,
    warnings: Vec<String>,
    size: u64,
}

/// Reads a PDF.
pub(super) fn read(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Document, LoadError> {
    let name = path.display().to_string();
    let corrupt = |why: String| LoadError::Corrupt {
        path: name.clone(),
        why,
    };
    // The parser meets files that nobody tested it with: its panics are findings about the file.
    let outcome = thread::scope(|scope| {
        thread::Builder::new()
            .name("pdf".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || {
                panic::catch_unwind(AssertUnwindSafe(|| extract(bytes, limits)))
            })
            .map(|thread| thread.join().unwrap_or_else(Err))
    });
    let truncated = LoadError::Truncated {
        path: name.clone(),
        size: bytes.len() as u64,
    };
    let pages = match outcome {
        Ok(Ok(Ok(pages))) => pages,
        Ok(Ok(Err(unpdf::Error::Encrypted | unpdf::Error::InvalidPassword))) => {
            return Err(LoadError::Encrypted { path: name });
        }
        _ if !has_end(bytes) => return Err(truncated),
        Ok(Ok(Err(error))) => return Err(corrupt(error.to_string())),
        Ok(Err(_)) => return Err(corrupt("the parser gave up on it".to_owned())),
        Err(error) => return Err(LoadError::io(path, &error)),
    };
    // The parser rescues what pages it can find; half a document that looks whole is worse than none.
    if !has_end(bytes) {
        return Err(truncated);
    }
    if pages.size > limits.max_text_bytes {
        return Err(LoadError::TooLarge {
            path: name,
            size: pages.size,
            limit: limits.max_text_bytes,
        });
    }
    if pages.count == 0 {
        return Err(corrupt("it has no pages".to_owned()));
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

/// Puts the pages one after the other, with an empty line between them.
fn assemble(pages: Pages) -> Document {
    let mut text = String::new();
    let mut spans = Vec::new();
    for (page, content) in &pages.texts {
        let content = normalise(content);
        if content.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let start = text.len();
        text.push_str(&content);
        spans.push(PageSpan {
            page: *page,
            start,
            end: text.len(),
        });
    }
    let title = pages
        .title
        .map(|title| normalise(&title))
        .filter(|title| !title.trim().is_empty());
    Document {
        kind: Kind::Pdf,
        title,
        headings: super::headings(&text),
        text,
        pages: spans,
        warnings: pages.warnings,
        ..Document::plain("")
    }
}

/// Whether the mark that closes a PDF stands near the end of the file.
fn has_end(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(2048)..);
    tail.is_some_and(|tail| tail.windows(5).any(|window| window == b"%%EOF"))
}
