//! From tags and text to blocks.

use std::collections::HashMap;

use html5gum::StartTag;

use super::blocks::{Block, Shape};
use super::elements::{Role, heading_level, is_block, is_void};

/// An element that is open.
#[derive(Debug)]
struct Open {
    name: Vec<u8>,
    role: Role,
}

/// A table that is open.
#[derive(Debug)]
struct Table {
    number: u32,
    rows: u32,
    cells: Vec<String>,
    /// Pages are laid out with tables, too: once a cell holds a heading, a list or another table, its text is
    /// written as if there were no table.
    layout: bool,
    in_cell: bool,
}

/// Collects the text of a page into blocks.
#[derive(Debug, Default)]
pub(super) struct Writer {
    open: Vec<Open>,
    /// How many elements of each name are open: an end tag without a start must not search the whole stack.
    counts: HashMap<Vec<u8>, usize>,
    unread: usize,
    main: usize,
    boilerplate: usize,
    links: usize,
    lists: usize,
    preformatted: usize,
    tables: Vec<Table>,
    table_count: u32,
    title: Option<String>,
    in_title: bool,
    shape: Option<Shape>,
    text: String,
    linked: usize,
    blocks: Vec<Block>,
}

impl Writer {
    pub(super) fn open(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        match name {
            b"br" => return self.line_break(),
            b"hr" => return self.flush(),
            b"title" if self.title.is_none() && self.unread == 0 => {
                self.in_title = true;
                return;
            }
            b"td" | b"th" => self.leave_cell(),
            b"tr" => self.leave_row(),
            _ => {}
        }
        if is_void(name) {
            return;
        }
        let level = heading_level(name);
        let in_cell = self.tables.last().is_some_and(|table| table.in_cell);
        if in_cell && (level.is_some() || matches!(name, b"ul" | b"ol" | b"pre" | b"table" | b"dl"))
        {
            self.make_layout();
        }
        if is_block(name) {
            self.flush();
        }
        match name {
            b"li" => {
                self.shape = Some(Shape::Item {
                    depth: self.lists.saturating_sub(1),
                });
            }
            b"table" => {
                self.table_count += 1;
                self.tables.push(Table {
                    number: self.table_count,
                    rows: 0,
                    cells: Vec::new(),
                    layout: false,
                    in_cell: false,
                });
            }
            b"td" | b"th" => {
                if let Some(table) = self.tables.last_mut() {
                    table.in_cell = true;
                }
            }
            _ => {}
        }
        if let Some(level) = level {
            self.shape = Some(Shape::Heading(level));
        }
        let role = Role::of(tag);
        self.count(name, role, true);
        self.open.push(Open {
            name: name.to_vec(),
            role,
        });
        *self.counts.entry(name.to_vec()).or_default() += 1;
    }

    pub(super) fn close(&mut self, name: &[u8]) {
        if name == b"title" {
            self.in_title = false;
        }
        if self.counts.get(name).copied().unwrap_or(0) == 0 {
            return;
        }
        // Everything inside ends with it, told or not.
        while let Some(element) = self.open.pop() {
            self.leave(&element);
            if element.name == name {
                return;
            }
        }
    }

    fn leave(&mut self, element: &Open) {
        let name = element.name.as_slice();
        match name {
            b"td" | b"th" => self.leave_cell(),
            b"tr" => self.leave_row(),
            b"table" => {
                self.leave_row();
                self.flush();
                self.tables.pop();
            }
            _ if is_block(name) => self.flush(),
            _ => {}
        }
        self.count(name, element.role, false);
        if let Some(count) = self.counts.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.in_title {
            self.title.get_or_insert_default().push_str(text);
            return;
        }
        if self.unread > 0 {
            return;
        }
        let before = self.text.len();
        if self.preformatted > 0 {
            if !self.is_cell() {
                self.shape = Some(Shape::Preformatted);
            }
            self.text.push_str(text);
        } else {
            if text.starts_with(char::is_whitespace) {
                self.space();
            }
            for (index, word) in text.split_whitespace().enumerate() {
                if index > 0 {
                    self.text.push(' ');
                }
                self.text.push_str(word);
            }
            if text.ends_with(char::is_whitespace) {
                self.space();
            }
        }
        if self.links > 0 {
            self.linked += self.text.len().saturating_sub(before);
        }
    }

    /// The title and the blocks.
    pub(super) fn finish(mut self) -> (Option<String>, Vec<Block>) {
        while let Some(element) = self.open.pop() {
            self.leave(&element);
        }
        self.flush();
        let title = self.title.map(|title| {
            let words: Vec<&str> = title.split_whitespace().collect();
            words.join(" ")
        });
        (title, self.blocks)
    }

    fn count(&mut self, name: &[u8], role: Role, enter: bool) {
        let step = |counter: &mut usize, counts: bool| {
            if counts {
                *counter = if enter {
                    *counter + 1
                } else {
                    counter.saturating_sub(1)
                };
            }
        };
        step(&mut self.unread, role.unread);
        step(&mut self.main, role.main);
        step(&mut self.boilerplate, role.boilerplate);
        step(&mut self.links, name == b"a");
        step(&mut self.lists, matches!(name, b"ul" | b"ol" | b"menu"));
        step(&mut self.preformatted, name == b"pre");
    }

    fn is_cell(&self) -> bool {
        self.tables
            .last()
            .is_some_and(|table| table.in_cell && !table.layout)
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
            self.text.push(' ');
        }
    }

    fn line_break(&mut self) {
        if self.preformatted > 0
            || !self.is_cell() && !matches!(self.shape, Some(Shape::Heading(_)))
        {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
        } else {
            self.space();
        }
    }

    /// Ends the block that is being written.
    fn flush(&mut self) {
        if self.is_cell() {
            // A paragraph inside a cell stays in the cell.
            self.space();
            return;
        }
        self.emit();
    }

    fn emit(&mut self) {
        let shape = self.shape.take().unwrap_or(Shape::Paragraph);
        let linked = std::mem::take(&mut self.linked);
        let text = std::mem::take(&mut self.text);
        let text = match shape {
            Shape::Preformatted => text.trim_end().to_owned(),
            // Generators of documentation put a link to itself behind each heading.
            Shape::Heading(_) if linked > 0 => text
                .trim_end_matches(['#', '\u{B6}', '\u{A7}', ' '])
                .trim()
                .to_owned(),
            _ => text.trim().to_owned(),
        };
        if text.trim().is_empty() {
            // A list item or a heading keeps its shape for the paragraph that it opens with.
            self.shape = Some(shape).filter(|shape| matches!(shape, Shape::Item { .. }));
            return;
        }
        self.blocks.push(Block {
            shape,
            text,
            linked,
            main: self.main > 0,
            boilerplate: self.boilerplate > 0,
        });
    }

    fn leave_cell(&mut self) {
        let layout = self.tables.last().is_some_and(|table| table.layout);
        if layout {
            self.emit();
        }
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        if table.in_cell && !layout {
            let words: Vec<&str> = self.text.split_whitespace().collect();
            table.cells.push(words.join(" ").replace('|', "\\|"));
            self.text.clear();
        }
        table.in_cell = false;
    }

    fn leave_row(&mut self) {
        self.leave_cell();
        let (main, boilerplate) = (self.main > 0, self.boilerplate > 0);
        let linked = std::mem::take(&mut self.linked);
        let Some(table) = self.tables.last_mut() else {
            self.linked = linked;
            return;
        };
        let cells = std::mem::take(&mut table.cells);
        let mut filled = cells.iter().filter(|cell| !cell.is_empty());
        let Some(only) = filled.next() else {
            return;
        };
        // A row with a single cell is a frame around some text.
        let (shape, text) = if cells.len() == 1 {
            (Shape::Paragraph, only.clone())
        } else {
            let shape = Shape::Row {
                table: table.number,
                first: table.rows == 0,
            };
            table.rows += 1;
            (shape, format!("| {} |", cells.join(" | ")))
        };
        self.blocks.push(Block {
            shape,
            text,
            linked,
            main,
            boilerplate,
        });
    }

    /// Finds out that the innermost table is there for layout: what its row held so far becomes paragraphs.
    fn make_layout(&mut self) {
        let cells = match self.tables.last_mut() {
            Some(table) if !table.layout => {
                table.layout = true;
                std::mem::take(&mut table.cells)
            }
            _ => return,
        };
        let current = std::mem::take(&mut self.text);
        for cell in cells {
            self.text = cell;
            self.emit();
        }
        self.text = current;
    }
}
