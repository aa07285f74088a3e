//! A document after loading: normalised text and where its parts are.

use serde::{Deserialize, Serialize};

use crate::normalise::normalise;

/// What a document's text was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text without markup.
    Text,
    /// Markdown, kept as it is.
    Markdown,
    /// HTML, its main content turned into Markdown.
    Html,
    /// The text layer of a PDF, turned into Markdown page by page.
    Pdf,
}

impl Kind {
    /// The name in reports and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Pdf => "pdf",
        }
    }

    /// Whether the text follows Markdown's rules for fences and tables.
    pub fn is_markdown(self) -> bool {
        !matches!(self, Self::Text)
    }
}

/// A page and the bytes of the text that stand on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSpan {
    /// The page's number, from 1.
    pub page: u32,
    /// First byte in the document's text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A heading and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// 1 for the highest level, 6 for the lowest.
    pub level: u8,
    /// The heading's text without markup.
    pub title: String,
    /// First byte of the heading, its markup included, in the document's text.
    pub start: usize,
}

/// A loaded document. All offsets are bytes into `text` and lie on character boundaries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it was made from.
    pub kind: Kind,
    /// The title it gives itself.
    pub title: Option<String>,
    /// The normalised text.
    pub text: String,
    /// The pages, in order; empty unless it is a PDF.
    pub pages: Vec<PageSpan>,
    /// The headings, in order; empty for plain text.
    pub headings: Vec<Heading>,
    /// The character encoding that it was read with.
    pub encoding: String,
    /// What was odd about the file and did not stop it from being read.
    pub warnings: Vec<String>,
}

impl Document {
    /// A plain-text document made from a string.
    pub fn plain(text: &str) -> Self {
        Self {
            kind: Kind::Text,
            title: None,
            text: normalise(text),
            pages: Vec::new(),
            headings: Vec::new(),
            encoding: "UTF-8".to_owned(),
            warnings: Vec::new(),
        }
    }

    /// A Markdown document made from a string.
    pub fn markdown(text: &str) -> Self {
        let text = normalise(text);
        let headings = crate::loader::headings(&text);
        let first = headings.iter().find(|heading| heading.level == 1);
        Self {
            kind: Kind::Markdown,
            title: first.map(|heading| heading.title.clone()),
            headings,
            text,
            ..Self::plain("")
        }
    }

    /// The first and the last page that a range of bytes stands on.
    pub fn pages_of(&self, start: usize, end: usize) -> Option<(u32, u32)> {
        let first = self.pages.partition_point(|page| page.end <= start);
        let after = self.pages.partition_point(|page| page.start < end);
        let touched = self.pages.get(first..after)?;
        Some((touched.first()?.page, touched.last()?.page))
    }
}
