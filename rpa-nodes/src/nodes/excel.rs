//! Nodes that read and write cells of Excel files, on the file itself: no Excel is needed.
//!
//! A workbook that is opened to be changed is copied, and the copy is what is read and written until the workbook is closed:
//! then it takes the place of the file, or is dropped. So changes survive a crash, and the file never has a part of them.

mod cells;
mod package;
mod read;
mod sheet;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::cells::{Area, Cell};
use super::files::write_whole;
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, text, truth};
use crate::visit::Work;

pub(super) fn types() -> Vec<NodeType> {
    let node = |name, effect, summary, perform| {
        NodeType::work(name, effect, summary, perform).output("success", Kind::Boolean)
    };
    let uses = |node_type: NodeType| node_type.needs("workbook", Kind::Any);
    let in_sheet = |node_type: NodeType| uses(node_type).input_or("sheet", Kind::Any, "1");
    vec![
        node(
            "ExcelOpenNode",
            Effect::Writes,
            "Opens a workbook. Unless `read_only` is set, what is written to it is kept beside the file until ExcelCloseNode \
             saves it.",
            open,
        )
        .needs("file_path", Kind::Text)
        .property("show_excel", Kind::Boolean, false)
        .property("read_only", Kind::Boolean, false)
        .property("create_if_missing", Kind::Boolean, false)
        .output("workbook", Kind::Any)
        .output("app", Kind::Any),
        in_sheet(node(
            "ExcelReadCellNode",
            Effect::Reads,
            "The value of a cell. Of a formula it is the value that Excel had for it last.",
            read_cell,
        ))
        .needs("cell", Kind::Text)
        .output("value", Kind::Any),
        in_sheet(node(
            "ExcelWriteCellNode",
            Effect::Writes,
            "Writes a value to a cell, which keeps its format. A text that begins with `=` is a formula: Excel computes it when \
             it opens the file.",
            write_cell,
        ))
        .needs("cell", Kind::Text)
        .input("value", Kind::Any),
        in_sheet(node(
            "ExcelGetRangeNode",
            Effect::Reads,
            "The values of cells, as a list of rows.",
            read_range,
        ))
        .needs("range", Kind::Text)
        .output("data", Kind::List)
        .output("rows", Kind::Integer)
        .output("columns", Kind::Integer),
        uses(node(
            "ExcelCloseNode",
            Effect::Writes,
            "Closes a workbook. With `save`, what was written to it is in the file then, all at once; without, it is dropped.",
            close,
        ))
        .input("app", Kind::Any)
        .property("save", Kind::Boolean, true)
        .property("quit_app", Kind::Boolean, true),
    ]
}

pub(super) fn broken(path: &Path, why: impl std::fmt::Display) -> Fault {
    Fault::of(
        "ExcelError",
        format!("cannot use {}: {why}", path.display()),
    )
}

/// A workbook that was opened.
struct Workbook {
    /// The file that was named.
    file: PathBuf,
    /// The file that is read and written meanwhile.
    copy: Option<PathBuf>,
}

impl Workbook {
    /// The workbook that a node is given: what ExcelOpenNode gave, or the path of a file that is only read.
    fn of(work: &Work) -> Result<Self, Fault> {
        let missing = || {
            Fault::value(
                "there is no workbook; connect `workbook` with the one that an ExcelOpenNode gives",
            )
        };
        match work.get("workbook") {
            Some(Value::Object(given)) => {
                let path = |name: &str| given.get(name).filter(|path| !path.is_null()).map(text);
                let copy = path("copy").map(|copy| work.file(&copy));
                Ok(Self {
                    file: work.file(&path("file").ok_or_else(missing)?)?,
                    copy: copy.transpose()?,
                })
            }
            Some(Value::String(path)) if !path.trim().is_empty() => Ok(Self {
                file: work.file(path)?,
                copy: None,
            }),
            _ => Err(missing()),
        }
    }

    fn content(&self) -> Result<Vec<u8>, Fault> {
        let path = self.copy.as_ref().unwrap_or(&self.file);
        fs::read(path).map_err(|error| match (&self.copy, error.kind()) {
            (Some(_), ErrorKind::NotFound) => broken(
                &self.file,
                "the workbook is closed; open it again with an ExcelOpenNode",
            ),
            _ => Fault::file("read", path, &error),
        })
    }
}

fn open(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let content = match fs::read(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound && work.flag("create_if_missing") => {
            package::empty().map_err(|error| broken(&path, error))?
        }
        Err(error) => return Err(Fault::file("read", &path, &error)),
    };
    // What cannot be read is told here, and not by the first node that uses it.
    read::sheets(&path, &content)?;
    let whole = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    let mut workbook = Object::new();
    workbook.insert("file".to_owned(), whole.display().to_string().into());
    if !work.flag("read_only") {
        let copy = beside(&whole, work.key());
        let copy = work.file(&copy.display().to_string())?;
        write_whole(&copy, &content, false)?;
        workbook.insert("copy".to_owned(), copy.display().to_string().into());
    }
    work.give("workbook", workbook);
    work.give("app", Value::Null);
    work.give("success", true);
    Ok(())
}

/// Where a workbook is while it is open: beside the file, under a name of the visit that opened it.
fn beside(path: &Path, key: &str) -> PathBuf {
    let plain: String = key
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    // Names of files have a length.
    let end = plain
        .char_indices()
        .rev()
        .nth(80)
        .map_or(0, |(place, _)| place);
    let plain = plain.get(end..).unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{plain}.{name}"))
}

fn read_cell(work: &mut Work) -> Result<(), Fault> {
    let workbook = Workbook::of(work)?;
    let cell = Cell::parse(&work.text("cell"))?;
    let area = Area {
        first: cell,
        last: cell,
    };
    let rows = read::area(
        &workbook.file,
        &workbook.content()?,
        &sheet_name(work),
        area,
    )?;
    let value = rows.into_iter().flatten().next().unwrap_or_default();
    work.give("value", value);
    work.give("success", true);
    Ok(())
}

fn read_range(work: &mut Work) -> Result<(), Fault> {
    let workbook = Workbook::of(work)?;
    let area = Area::parse(&work.text("range"))?;
    let rows = read::area(
        &workbook.file,
        &workbook.content()?,
        &sheet_name(work),
        area,
    )?;
    work.give("rows", rows.len());
    work.give("columns", rows.first().map_or(0, Vec::len));
    work.give(
        "data",
        rows.into_iter().map(Value::from).collect::<Vec<_>>(),
    );
    work.give("success", true);
    Ok(())
}

fn sheet_name(work: &Work) -> String {
    match work.text("sheet").trim() {
        "" => "1".to_owned(),
        name => name.to_owned(),
    }
}

fn write_cell(work: &mut Work) -> Result<(), Fault> {
    let workbook = Workbook::of(work)?;
    let Some(copy) = &workbook.copy else {
        return Err(broken(&workbook.file, "it was opened with `read_only`"));
    };
    let cell = Cell::parse(&work.text("cell"))?;
    let content = workbook.content()?;
    let sheets = read::sheets(&workbook.file, &content)?;
    let name = read::find(&workbook.file, &sheets, &sheet_name(work))?;
    let value = work.get("value").cloned().unwrap_or_default();
    let changed = package::write(&workbook.file, &content, &name, cell, &value)?;
    write_whole(copy, &changed, false)?;
    work.give("success", true);
    Ok(())
}

fn close(work: &mut Work) -> Result<(), Fault> {
    let workbook = Workbook::of(work)?;
    if let Some(copy) = &workbook.copy {
        match fs::read(copy) {
            Ok(content) => {
                if work.get("save").is_none_or(truth) {
                    write_whole(&workbook.file, &content, false)?;
                }
                fs::remove_file(copy).map_err(|error| Fault::file("remove", copy, &error))?;
            }
            // Closed before, perhaps by this visit before a crash.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Fault::file("read", copy, &error)),
        }
    }
    work.give("success", json!(true));
    Ok(())
}
