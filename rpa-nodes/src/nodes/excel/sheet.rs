//! Changes to the XML of a sheet. What is not changed is written as it was read.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};
use serde_json::Value;

use super::cells::Cell;
use crate::value::text;

/// What a workbook has behind the settings of its calculation.
const BEHIND: [&str; 9] = [
    "oleSize",
    "customWorkbookViews",
    "pivotCaches",
    "smartTagPr",
    "smartTagTypes",
    "webPublishing",
    "fileRecoveryPr",
    "webPublishObjects",
    "extLst",
];

/// The XML of a sheet with another value in a cell.
///
/// # Errors
/// Tells why it cannot be changed.
pub(super) fn write(xml: &str, cell: Cell, value: &Value) -> Result<Vec<u8>, String> {
    let mut change = Change {
        writer: Writer::new(Vec::new()),
        cell,
        value,
        row: 0,
        column: 0,
        is_done: false,
    };
    let mut reader = Reader::from_str(xml);
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        if event == Event::Eof {
            break;
        }
        change.take(&mut reader, event)?;
    }
    match change.is_done {
        true => Ok(change.writer.into_inner()),
        false => Err("its sheet has no cells".to_owned()),
    }
}

struct Change<'c> {
    writer: Writer<Vec<u8>>,
    cell: Cell,
    value: &'c Value,
    /// Where the reader is.
    row: u32,
    column: u32,
    is_done: bool,
}

impl Change<'_> {
    fn take(&mut self, reader: &mut Reader<&[u8]>, event: Event<'_>) -> Result<(), String> {
        match &event {
            // The extent of the cells, which may grow. It may be missing.
            Event::Empty(tag) if tag.local_name().as_ref() == "dimension" => return Ok(()),
            Event::Empty(tag) if tag.local_name().as_ref() == "sheetData" => {
                let whole = tag.to_owned();
                self.put(Event::Start(whole.clone()))?;
                self.put_row(&prefix(&whole))?;
                return self.put(Event::End(whole.to_end()));
            }
            Event::End(tag) if tag.local_name().as_ref() == "sheetData" && !self.is_done => {
                self.put_row(&prefix_of(tag.name().as_ref()))?;
            }
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "row" => {
                let number = attribute(tag, "r")?.and_then(|number| number.parse().ok());
                self.row = number.unwrap_or(self.row + 1);
                self.column = 0;
                if self.row > self.cell.row && !self.is_done {
                    self.put_row(&prefix(tag))?;
                }
                if self.row == self.cell.row
                    && let Event::Empty(tag) = &event
                {
                    let whole = tag.to_owned();
                    self.put(Event::Start(whole.clone()))?;
                    self.put_cell(&prefix(&whole), None)?;
                    return self.put(Event::End(whole.to_end()));
                }
            }
            Event::End(tag)
                if tag.local_name().as_ref() == "row"
                    && self.row == self.cell.row
                    && !self.is_done =>
            {
                self.put_cell(&prefix_of(tag.name().as_ref()), None)?;
            }
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "c" => {
                let known = attribute(tag, "r")?.and_then(|name| Cell::parse(&name).ok());
                self.column = known.map_or(self.column + 1, |cell| cell.column);
                if self.row == self.cell.row && !self.is_done && self.column >= self.cell.column {
                    let style = attribute(tag, "s")?;
                    let is_same = self.column == self.cell.column;
                    self.put_cell(&prefix(tag), style.filter(|_| is_same).as_deref())?;
                    if is_same {
                        let is_open = matches!(event, Event::Start(_));
                        return if is_open { skip(reader) } else { Ok(()) };
                    }
                }
            }
            _ => {}
        }
        self.put(event)
    }

    fn put(&mut self, event: Event<'_>) -> Result<(), String> {
        self.writer
            .write_event(event)
            .map_err(|error| error.to_string())
    }

    fn put_text(&mut self, xml: &str) {
        self.writer.get_mut().extend_from_slice(xml.as_bytes());
    }

    fn put_row(&mut self, prefix: &str) -> Result<(), String> {
        let row = self.cell.row;
        self.put_text(&format!("<{prefix}row r=\"{row}\">"));
        self.put_cell(prefix, None)?;
        self.put_text(&format!("</{prefix}row>"));
        Ok(())
    }

    fn put_cell(&mut self, prefix: &str, style: Option<&str>) -> Result<(), String> {
        self.is_done = true;
        let style = style
            .map(|style| format!(" s=\"{}\"", escaped(style)))
            .unwrap_or_default();
        let name = self.cell.name();
        let written = match meant(self.value) {
            Meant::Nothing => format!("<{prefix}c r=\"{name}\"{style}/>"),
            Meant::Number(number) => {
                format!(
                    "<{prefix}c r=\"{name}\"{style}><{prefix}v>{number}</{prefix}v></{prefix}c>"
                )
            }
            Meant::Truth(truth) => format!(
                "<{prefix}c r=\"{name}\"{style} t=\"b\"><{prefix}v>{}</{prefix}v></{prefix}c>",
                u8::from(truth)
            ),
            Meant::Formula(formula) => format!(
                "<{prefix}c r=\"{name}\"{style}><{prefix}f>{}</{prefix}f></{prefix}c>",
                escaped(&formula)
            ),
            Meant::Text(text) => format!(
                "<{prefix}c r=\"{name}\"{style} t=\"inlineStr\"><{prefix}is><{prefix}t xml:space=\"preserve\">{}</{prefix}t>\
                 </{prefix}is></{prefix}c>",
                escaped(&text)
            ),
        };
        self.put_text(&written);
        Ok(())
    }
}

/// What a value is in a cell.
#[derive(Debug, PartialEq)]
enum Meant {
    Nothing,
    Number(String),
    Truth(bool),
    Formula(String),
    Text(String),
}

/// Excel takes what is typed for what it looks like: values of configs are texts, and `42` means the number.
fn meant(value: &Value) -> Meant {
    let said = match value {
        Value::Null => return Meant::Nothing,
        Value::Bool(truth) => return Meant::Truth(*truth),
        Value::Number(number) => return Meant::Number(number.to_string()),
        other => text(other),
    };
    let digits = said.strip_prefix('-').unwrap_or(&said);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
        && digits.len() <= 15
        // These digits mean something: the number of a customer, of a telephone.
        && !(digits.starts_with('0') && digits.len() > 1 && !digits.starts_with("0."))
        && said.parse::<f64>().is_ok();
    match said.strip_prefix('=') {
        Some(formula) if !formula.is_empty() => Meant::Formula(formula.to_owned()),
        _ if said.is_empty() => Meant::Nothing,
        _ if is_number => Meant::Number(said),
        _ => Meant::Text(said),
    }
}

/// Skips what a cell has, if nothing else needs it.
fn skip(reader: &mut Reader<&[u8]>) -> Result<(), String> {
    let mut depth = 1;
    while depth > 0 {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                is_replaceable(&tag)?;
                depth += 1;
            }
            Event::Empty(tag) => is_replaceable(&tag)?,
            Event::End(_) => depth -= 1,
            Event::Eof => return Err("its sheet breaks off".to_owned()),
            _ => {}
        }
    }
    Ok(())
}

/// The head of a formula that other cells share cannot be taken from them.
fn is_replaceable(tag: &BytesStart<'_>) -> Result<(), String> {
    match tag.local_name().as_ref() == "f" && attribute(tag, "ref")?.is_some() {
        true => Err(
            "the formula of the cell is that of other cells too; write to another cell".to_owned(),
        ),
        false => Ok(()),
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == name {
            return Ok(Some(attribute.value.into_owned()));
        }
    }
    Ok(None)
}

/// What stands before the names of this file, with its colon.
fn prefix(tag: &BytesStart<'_>) -> String {
    prefix_of(tag.name().as_ref())
}

fn prefix_of(name: &str) -> String {
    name.split_once(':')
        .map(|(prefix, _)| format!("{prefix}:"))
        .unwrap_or_default()
}

/// A text in XML, without the characters that XML has no place for.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The XML of a workbook that has its formulas computed when it is opened.
///
/// # Errors
/// It is broken.
pub(super) fn computed_anew(xml: &str) -> Result<Vec<u8>, String> {
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer::new(Vec::new());
    let mut is_done = false;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let name = |tag: &BytesStart<'_>| tag.local_name().as_ref().to_owned();
        match event {
            Event::Eof => return Ok(writer.into_inner()),
            Event::Empty(tag) if name(&tag) == "calcPr" => {
                is_done = true;
                let mut new = BytesStart::new(tag.name().as_ref().to_owned());
                for attribute in tag.attributes() {
                    let attribute = attribute.map_err(|error| error.to_string())?;
                    if attribute.key.as_ref() != "fullCalcOnLoad" {
                        new.push_attribute(attribute);
                    }
                }
                new.push_attribute(("fullCalcOnLoad", "1"));
                writer
                    .write_event(Event::Empty(new))
                    .map_err(|error| error.to_string())?;
            }
            Event::Start(tag) if name(&tag) == "calcPr" => {
                is_done = true;
                writer
                    .write_event(Event::Start(tag))
                    .map_err(|error| error.to_string())?;
            }
            event => {
                // Its place is behind the sheets and the names that are defined.
                let next = match &event {
                    Event::Start(tag) | Event::Empty(tag) => Some((name(tag), prefix(tag)))
                        .filter(|(name, _)| BEHIND.contains(&name.as_str())),
                    Event::End(tag) if tag.local_name().as_ref() == "workbook" => {
                        Some((String::new(), prefix_of(tag.name().as_ref())))
                    }
                    _ => None,
                };
                if let Some((_, prefix)) = next.filter(|_| !is_done) {
                    is_done = true;
                    let element = format!("<{prefix}calcPr fullCalcOnLoad=\"1\"/>");
                    writer.get_mut().extend_from_slice(element.as_bytes());
                }
                writer
                    .write_event(event)
                    .map_err(|error| error.to_string())?;
            }
        }
    }
}

/// The XML of a part without the elements that name another part.
///
/// # Errors
/// It is broken.
pub(super) fn without(xml: &str, part: &str) -> Result<Vec<u8>, String> {
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer::new(Vec::new());
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Eof => return Ok(writer.into_inner()),
            Event::Empty(tag)
                if ["Target", "PartName"].iter().any(|name| {
                    attribute(&tag, name)
                        .is_ok_and(|value| value.is_some_and(|value| value.ends_with(part)))
                }) => {}
            event => writer
                .write_event(event)
                .map_err(|error| error.to_string())?,
        }
    }
}
