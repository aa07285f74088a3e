//! Markdown, which is kept as it is, and where its headings are.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Heading};

pub(super) struct Markdown;

impl Loader for Markdown {
    fn name(&self) -> &'static str {
        "Markdown"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["markdown", "md", "mdx"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.has_extension(self.extensions()) && source.text().is_ok()
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        Ok(decoded.describe(Document::markdown(&decoded.text)).into())
    }
}

/// The headings of a text, without those that only look like headings (in code, say).
pub(crate) fn headings(text: &str) -> Vec<Heading> {
    let mut headings = Vec::new();
    let mut open: Option<Heading> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match (event, &mut open) {
            (Event::Start(Tag::Heading { level, .. }), _) => {
                open = Some(Heading {
                    level: level as u8,
                    title: String::new(),
                    start: range.start,
                });
            }
            (Event::Text(text) | Event::Code(text), Some(heading)) => heading.title.push_str(&text),
            (Event::SoftBreak | Event::HardBreak, Some(heading)) => heading.title.push(' '),
            (Event::End(TagEnd::Heading(_)), Some(_)) => headings.extend(
                open.take()
                    .map(|heading| Heading {
                        title: heading.title.trim().to_owned(),
                        ..heading
                    })
                    .filter(|heading| !heading.title.is_empty()),
            ),
            _ => {}
        }
    }
    headings
}

#[cfg(test)]
mod tests {
    use super::headings;

    #[test]
    fn headings_of_both_styles_are_found_where_they_start() {
        let text = "# One `two`\n\ntext\n\nThree\nfour\n---\n";
        let found: Vec<_> = headings(text)
            .into_iter()
            .map(|heading| (heading.level, heading.title, heading.start))
            .collect();
        assert_eq!(
            found,
            [
                (1, "One two".to_owned(), 0),
                (2, "Three four".to_owned(), 19)
            ]
        );
    }

    #[test]
    fn a_comment_in_a_code_fence_is_no_heading() {
        assert_eq!(headings("```sh\n# not a heading\n```\n"), []);
    }
}
