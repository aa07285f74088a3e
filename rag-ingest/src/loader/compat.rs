//! The texts of the profile `compat`.

use super::source::Source;
use crate::document::{Document, Kind, PageSpan};
use crate::normalise::compat::normalise;

/// The mark that rag-101 leaves at the head of a text.
const MARK: &[u8] = "\u{FEFF}".as_bytes();

/// Spells a document as rag-101 does: what is text as it stands in the file, page by page what has pages. It knows no
/// headings.
pub(super) fn respell(document: &mut Document, source: &Source<'_>) {
    document.headings.clear();
    document.source = None;
    let is_text = matches!(document.kind, Kind::Text | Kind::Markdown | Kind::Code);
    if is_text && let Ok(decoded) = source.text() {
        document.text = if source.bytes().starts_with(MARK) {
            normalise(&format!("\u{FEFF}{}", decoded.text))
        } else {
            normalise(&decoded.text)
        };
        return;
    }
    if document.pages.is_empty() {
        document.text = normalise(&document.text);
        return;
    }
    let mut text = String::new();
    let mut pages = Vec::new();
    for page in &document.pages {
        let content = document.text.get(page.start..page.end).unwrap_or_default();
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let start = text.len();
        text.push_str(&normalise(content));
        pages.push(PageSpan {
            page: page.page,
            start,
            end: text.len(),
        });
    }
    document.text = text;
    document.pages = pages;
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::loader::{Limits, parse};
    use crate::profile::Profile;

    #[test]
    fn a_text_is_spelled_as_it_stands_in_the_file() {
        let limits = Limits {
            profile: Profile::Compat,
            ..Limits::default()
        };
        let bytes = "\u{FEFF}a\tb\r\ne\u{301}\n\n\n\nc  ".as_bytes();
        let loaded = parse(Path::new("a.txt"), bytes, &limits).unwrap();
        assert_eq!(loaded.document.text, "\u{FEFF}a b \ne\u{301}\n\nc");
        let markdown = parse(Path::new("a.md"), b"# One\n\ntext", &limits).unwrap();
        assert_eq!(markdown.document.text, "# One\n\ntext");
        assert!(markdown.document.headings.is_empty());
    }
}
