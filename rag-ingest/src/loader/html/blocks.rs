//! The pieces that a page is made of.

/// What a block is, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Paragraph,
    Heading(u8),
    Item {
        depth: usize,
    },
    Preformatted,
    /// A row of a table; the text is already in its cells. A table is told from the next by its number.
    Row {
        table: u32,
        first: bool,
    },
}

/// A run of text that stands on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) shape: Shape,
    pub(super) text: String,
    /// How many bytes of the text are links.
    pub(super) linked: usize,
    /// Whether it stands in the element that the page marks as its content.
    pub(super) main: bool,
    /// Whether it stands in navigation, a side bar, a footer and so on.
    pub(super) boilerplate: bool,
}

impl Block {
    pub(super) fn heading_level(&self) -> Option<u8> {
        match self.shape {
            Shape::Heading(level) => Some(level),
            _ => None,
        }
    }

    /// Whether it follows the block before it without an empty line.
    pub(super) fn continues(&self, before: &Self) -> bool {
        match (self.shape, before.shape) {
            (Shape::Item { .. }, Shape::Item { .. }) => true,
            (Shape::Row { table, .. }, Shape::Row { table: other, .. }) => table == other,
            _ => false,
        }
    }

    pub(super) fn markdown(&self) -> String {
        let text = self.text.trim_matches('\n');
        match self.shape {
            Shape::Paragraph => text.to_owned(),
            Shape::Heading(level) => format!("{} {text}", "#".repeat(usize::from(level))),
            Shape::Item { depth } => format!("{}- {text}", "  ".repeat(depth.min(8))),
            Shape::Preformatted => {
                // A fence must be longer than any run of backticks inside it.
                let fence = if text.contains("```") {
                    "``````"
                } else {
                    "```"
                };
                format!("{fence}\n{text}\n{fence}")
            }
            Shape::Row { first: false, .. } => text.to_owned(),
            Shape::Row { first: true, .. } => {
                let cells = text.matches(" |").count().max(1);
                format!("{text}\n|{}", " --- |".repeat(cells))
            }
        }
    }
}
