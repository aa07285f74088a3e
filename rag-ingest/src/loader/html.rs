//! The main content of an HTML page as Markdown.
//!
//! One pass over the tokens and one over the blocks they make; nothing recurses, so nesting costs nothing, however
//! deep. A tree is never built: which text belongs to a page's content shows in the elements around it and in
//! how much of it is links.

mod blocks;
mod elements;
mod selection;
mod writer;

use html5gum::{DefaultEmitter, Readable, Token, Tokenizer};

use self::writer::Writer;
use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Heading, Kind};
use crate::normalise::normalise;

pub(super) struct Html;

impl Loader for Html {
    fn name(&self) -> &'static str {
        "HTML"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["htm", "html", "xhtml"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let is_html = |text: &str| {
            source.has_extension(self.extensions())
                // A page may be quoted in Markdown or in code.
                || starts_like_html(text) && !source.has_extension(&["markdown", "md", "mdx"])
        };
        source.text().is_ok_and(|decoded| is_html(&decoded.text))
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        Ok(decoded.describe(convert(&decoded.text).into()).into())
    }
}

/// Whether a file's own declaration of its encoding counts.
pub(super) fn is_named_or_starts_so(source: &Source<'_>) -> bool {
    source.has_extension(Html.extensions())
        || starts_like_html(&String::from_utf8_lossy(source.head(1024)))
}

fn starts_like_html(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        let skipped = [("<?xml", "?>"), ("<!--", "-->")]
            .iter()
            .find_map(|(open, close)| {
                let inner = rest.strip_prefix(open)?;
                inner.split_once(close).map(|(_, after)| after.trim_start())
            });
        match skipped {
            Some(after) => rest = after,
            None => break,
        }
    }
    let head: String = rest
        .chars()
        .take(16)
        .collect::<String>()
        .to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

/// A page, converted.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: Option<String>,
    pub(super) text: String,
    pub(super) headings: Vec<Heading>,
}

impl From<Page> for Document {
    fn from(page: Page) -> Self {
        Self {
            kind: Kind::Html,
            title: page.title,
            text: page.text,
            headings: page.headings,
            ..Self::plain("")
        }
    }
}

/// Converts a page.
pub(super) fn convert(html: &str) -> Page {
    let mut emitter = DefaultEmitter::default();
    // Otherwise the text of scripts would be read as markup.
    emitter.naively_switch_states(true);
    let mut writer = Writer::default();
    for token in Tokenizer::new_with_emitter(html.to_reader(), emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => writer.open(&tag),
            Token::EndTag(tag) => writer.close(&tag.name),
            Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    let (title, blocks) = writer.finish();

    let mut page = Page {
        title: None,
        text: String::new(),
        headings: Vec::new(),
    };
    let mut before = None;
    for block in selection::main_content(&blocks) {
        let text = normalise(&block.markdown());
        if text.is_empty() {
            continue;
        }
        if let Some(before) = before {
            page.text.push_str(if block.continues(before) {
                "\n"
            } else {
                "\n\n"
            });
        }
        if let Some(level) = block.heading_level() {
            page.headings.push(Heading {
                level,
                title: normalise(&block.text),
                start: page.text.len(),
            });
        }
        page.text.push_str(&text);
        before = Some(block);
    }
    let heading = page.headings.iter().find(|heading| heading.level == 1);
    page.title = title
        .map(|title| normalise(&title))
        .filter(|title| !title.is_empty())
        .or_else(|| heading.map(|heading| heading.title.clone()));
    page
}

#[cfg(test)]
mod tests;
