//! Nodes that read and write tables and JSON files.

use std::fs;

use serde_json::Value;

use super::dicts::{Writing, meant};
use super::files::{decode, encode, write_whole};
use super::zips;
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::Work;

pub(super) fn types() -> Vec<NodeType> {
    let reads = |name, summary, body| {
        NodeType::work(name, Effect::Reads, summary, body)
            .needs("file_path", Kind::Text)
            .property("encoding", Kind::Text, "utf-8")
    };
    let writes = |name, summary, body| {
        NodeType::work(name, Effect::Writes, summary, body)
            .needs("file_path", Kind::Text)
            .property("encoding", Kind::Text, "utf-8")
            .output("file_path", Kind::Text)
            .output("attachment_file", Kind::List)
            .output("success", Kind::Boolean)
    };
    vec![
        reads("ReadCSVNode", "Reads a CSV file: dicts under the names of a header, or lists without one. All values are texts.", read_csv)
            .property("delimiter", Kind::Text, ",")
            .property("quotechar", Kind::Text, "\"")
            .property("has_header", Kind::Boolean, true)
            .property("skip_rows", Kind::Integer, 0)
            .property("max_rows", Kind::Integer, 0)
            .property("strict", Kind::Boolean, false)
            .output("data", Kind::List)
            .output("headers", Kind::List)
            .output("row_count", Kind::Integer)
            .output("success", Kind::Boolean),
        writes("WriteCSVNode", "Writes a list of dicts or lists as a CSV file.", write_csv)
            .needs("data", Kind::List)
            .input("headers", Kind::List)
            .property("delimiter", Kind::Text, ",")
            .property("write_header", Kind::Boolean, true)
            .output("row_count", Kind::Integer),
        NodeType::work("StructuredDataSuperNode", Effect::Writes, "The nodes for CSV, JSON and ZIP files in one: `action` says which.", |work| {
            match work.text("action").as_str() {
                "Write CSV" => write_csv(work),
                "Read JSON" => read_json(work),
                "Write JSON" => write_json(work),
                "Zip Files" => zips::pack(work),
                "Unzip Files" => zips::unpack(work),
                _ => read_csv(work),
            }
        })
        .property("action", Kind::Choice(&["Read CSV", "Write CSV", "Read JSON", "Write JSON", "Zip Files", "Unzip Files"]), "Read CSV")
        .input("file_path", Kind::Text)
        .input("zip_path", Kind::Text)
        .input("source_path", Kind::Text)
        .input("files", Kind::List)
        .input("base_dir", Kind::Text)
        .input("extract_to", Kind::Text)
        .property("compression", Kind::Choice(zips::METHODS), "ZIP_DEFLATED")
        .input("data", Kind::Any)
        .input("headers", Kind::List)
        .property("encoding", Kind::Text, "utf-8")
        .property("delimiter", Kind::Text, ",")
        .property("quotechar", Kind::Text, "\"")
        .property("has_header", Kind::Boolean, true)
        .property("write_header", Kind::Boolean, true)
        .property("skip_rows", Kind::Integer, 0)
        .property("max_rows", Kind::Integer, 0)
        .property("strict", Kind::Boolean, false)
        .property("indent", Kind::Integer, 2)
        .property("ensure_ascii", Kind::Boolean, false)
        .output("data", Kind::Any)
        .output("headers", Kind::List)
        .output("row_count", Kind::Integer)
        .output("file_path", Kind::Text)
        .output("zip_path", Kind::Text)
        .output("extract_to", Kind::Text)
        .output("files", Kind::List)
        .output("file_count", Kind::Integer)
        .output("attachment_file", Kind::List)
        .output("success", Kind::Boolean),
        reads("ReadJSONFileNode", "Reads a JSON file.", read_json)
            .output("data", Kind::Any)
            .output("success", Kind::Boolean),
        writes("WriteJSONFileNode", "Writes a value as a JSON file.", write_json)
        .input("data", Kind::Any)
        .property("indent", Kind::Integer, 2)
        .property("ensure_ascii", Kind::Boolean, false),
    ]
}

fn read_json(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let bytes = fs::read(&path).map_err(|error| Fault::file("read", &path, &error))?;
    let said = decode(bytes, &work.text("encoding"), "strict")?;
    let said = said.strip_prefix('\u{feff}').unwrap_or(&said);
    let data: Value = serde_json::from_str(said).map_err(|error| {
        Fault::of(
            "JSONDecodeError",
            format!("{} is not JSON: {error}", path.display()),
        )
    })?;
    work.give("data", data);
    work.give("success", true);
    Ok(())
}

fn write_json(work: &mut Work) -> Result<(), Fault> {
    let indent = work
        .integer("indent")
        .and_then(|indent| usize::try_from(indent).ok());
    let writing = Writing {
        indent: indent.unwrap_or(2),
        sort_keys: false,
        ascii: work.flag("ensure_ascii"),
    };
    let said = writing.write(meant(work.get("data").cloned().unwrap_or_default()))?;
    finish(work, &said)
}

fn finish(work: &mut Work, said: &str) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    write_whole(
        &path,
        &encode(said, &work.text("encoding"), "strict")?,
        true,
    )?;
    let shown = std::path::absolute(&path)
        .unwrap_or(path)
        .display()
        .to_string();
    work.give("attachment_file", vec![shown.clone()]);
    work.give("file_path", shown);
    work.give("success", true);
    Ok(())
}

/// The one byte that a property stands for; tabs are also written `\t`.
fn byte(work: &Work, name: &str) -> Result<u8, Fault> {
    let said = work.text(name);
    match said.as_bytes() {
        [one] => Ok(*one),
        b"\\t" => Ok(b'\t'),
        _ => Err(Fault::value(format!(
            "`{name}` has to be one character, not `{said}`"
        ))),
    }
}

fn read_csv(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let bytes = fs::read(&path).map_err(|error| Fault::file("read", &path, &error))?;
    let said = decode(bytes, &work.text("encoding"), "strict")?;
    let said = said.strip_prefix('\u{feff}').unwrap_or(&said);
    let count = |name: &str| usize::try_from(work.integer(name).unwrap_or(0)).unwrap_or(0);
    let (skipped, limit) = (count("skip_rows"), count("max_rows"));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(byte(work, "delimiter")?)
        .quote(byte(work, "quotechar")?)
        .has_headers(false)
        .flexible(!work.flag("strict"))
        .from_reader(said.as_bytes());
    let mut headers: Option<Vec<String>> = None;
    let mut data = Vec::new();
    for row in reader.records().skip(skipped) {
        let row = row.map_err(|error| {
            Fault::of(
                "CSVError",
                format!("{} cannot be read: {error}", path.display()),
            )
        })?;
        let cells: Vec<String> = row.iter().map(str::to_owned).collect();
        match &headers {
            None if work.flag("has_header") => headers = Some(cells),
            Some(names) => {
                let mut map = Object::new();
                for (place, name) in names.iter().enumerate() {
                    let cell = cells.get(place).cloned().unwrap_or_default();
                    map.insert(name.clone(), cell.into());
                }
                data.push(Value::Object(map));
            }
            None => data.push(cells.into()),
        }
        if limit > 0 && data.len() == limit {
            break;
        }
    }
    work.give("row_count", data.len());
    work.give("headers", headers.unwrap_or_default());
    work.give("data", data);
    work.give("success", true);
    Ok(())
}

fn write_csv(work: &mut Work) -> Result<(), Fault> {
    let rows = match Kind::List.coerce(work.get("data").cloned().unwrap_or_default()) {
        Ok(Value::Array(rows)) => rows,
        Ok(_) => Vec::new(),
        Err(reason) => return Err(Fault::value(format!("`data`: {reason}"))),
    };
    let mut headers: Vec<String> = match work.get("headers") {
        Some(Value::Array(names)) => names.iter().map(text).collect(),
        _ => Vec::new(),
    };
    if headers.is_empty() {
        for key in rows
            .iter()
            .filter_map(Value::as_object)
            .flat_map(Object::keys)
        {
            if !headers.contains(key) {
                headers.push(key.clone());
            }
        }
    }
    let failed =
        |error: csv::Error| Fault::of("CSVError", format!("the table cannot be written: {error}"));
    let mut writer = csv::WriterBuilder::new()
        .delimiter(byte(work, "delimiter")?)
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new());
    if work.flag("write_header") && !headers.is_empty() {
        writer.write_record(&headers).map_err(failed)?;
    }
    // An empty cell is what nothing is written as.
    let cell = |value: &Value| {
        if value.is_null() {
            String::new()
        } else {
            text(value)
        }
    };
    for row in &rows {
        let cells: Vec<String> = match row {
            Value::Object(map) => headers
                .iter()
                .map(|name| map.get(name).map(cell).unwrap_or_default())
                .collect(),
            Value::Array(cells) => cells.iter().map(cell).collect(),
            other => vec![cell(other)],
        };
        writer.write_record(&cells).map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Fault::of("CSVError", format!("the table cannot be written: {error}")))?;
    let said = String::from_utf8(bytes)
        .map_err(|error| Fault::of("CSVError", format!("the table cannot be written: {error}")))?;
    work.give("row_count", rows.len());
    finish(work, &said)
}
