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
use crate::document::Heading;
use crate::normalise::normalise;

/// A page, converted.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: Option<String>,
    pub(super) text: String,
    pub(super) headings: Vec<Heading>,
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
