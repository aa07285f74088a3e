//! A document after loading: normalised text and where its parts are.

use serde::{Deserialize, Serialize};

use crate::normalise::{SourceMap, normalise};

/// What a document's text was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text without markup, or with markup that is left as it is.
    Text,
    /// Markdown, kept as it is.
    Markdown,
    /// HTML, its main content turned into Markdown.
    Html,
    /// The text layer of a PDF, turned into Markdown page by page.
    Pdf,
    /// A text document of an office program, turned into Markdown.
    Word,
    /// The slides of a presentation, each turned into Markdown.
    Slides,
    /// The sheets of a workbook, each turned into Markdown.
    Sheets,
    /// The chapters of an electronic book, each turned into Markdown.
    Book,
    /// Rows of values: one paragraph each, every value behind the name of its column.
    Table,
    /// JSON, a value a line behind the path that leads to it.
    Json,
    /// Rich text, its formatting dropped.
    RichText,
    /// A message, its headers before its body.
    Email,
    /// Source code, kept as it is.
    Code,
    /// A notebook: its text, its code and what the code printed, as Markdown.
    Notebook,
    /// A container of other files; it has no text of its own.
    Archive,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 15] = [
        Self::Text,
        Self::Markdown,
        Self::Html,
        Self::Pdf,
        Self::Word,
        Self::Slides,
        Self::Sheets,
        Self::Book,
        Self::Table,
        Self::Json,
        Self::RichText,
        Self::Email,
        Self::Code,
        Self::Notebook,
        Self::Archive,
    ];

    /// The name in reports and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Word => "word",
            Self::Slides => "slides",
            Self::Sheets => "sheets",
            Self::Book => "book",
            Self::Table => "table",
            Self::Json => "json",
            Self::RichText => "rich_text",
            Self::Email => "email",
            Self::Code => "code",
            Self::Notebook => "notebook",
            Self::Archive => "archive",
        }
    }

    /// Whether the text follows Markdown's rules for fences and tables.
    pub fn is_markdown(self) -> bool {
        !matches!(
            self,
            Self::Text | Self::Table | Self::Json | Self::RichText | Self::Code | Self::Archive
        )
    }

    /// What the numbers of [`Document::pages`] count, in the singular.
    pub fn page_name(self) -> &'static str {
        match self {
            Self::Slides => "slide",
            Self::Sheets => "sheet",
            Self::Book => "chapter",
            Self::Notebook => "cell",
            _ => "page",
        }
    }
}

/// A page, slide, sheet, chapter or cell, and the bytes of the text that stand on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSpan {
    /// Its number, from 1.
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
    /// The pages, or what stands for them (see [`Kind::page_name`]), in order; empty where there are none.
    pub pages: Vec<PageSpan>,
    /// The headings, in order. Of source code, the definitions.
    pub headings: Vec<Heading>,
    /// The language of source code, by its usual name in lower case.
    pub language: Option<String>,
    /// The character encoding that it was read with.
    pub encoding: String,
    /// What was odd about the file and did not stop it from being read.
    pub warnings: Vec<String>,
    /// Where the text stands in the file, or in the member of a file; nothing where it was made from something else
    /// than the file's own characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceMap>,
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
            language: None,
            encoding: "UTF-8".to_owned(),
            warnings: Vec::new(),
            source: None,
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

    /// A Markdown document made of pages, slides, sheets or chapters, with an empty line between them. Pages without
    /// text are left out.
    pub fn of_pages(kind: Kind, pages: impl IntoIterator<Item = (u32, String)>) -> Self {
        let mut text = String::new();
        let mut spans = Vec::new();
        for (page, content) in pages {
            let content = normalise(&content);
            if content.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            let start = text.len();
            text.push_str(&content);
            spans.push(PageSpan {
                page,
                start,
                end: text.len(),
            });
        }
        Self {
            kind,
            headings: crate::loader::headings(&text),
            text,
            pages: spans,
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
