//! Nodes that look at a page.

use serde_json::{Map, Value, json};

use super::super::files::write_whole;
use super::act::{Manner, note, on_page, wanted};
use crate::browser::Picture;
use crate::fault::Fault;
use crate::value;
use crate::visit::Work;

pub(super) fn text(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Reads, |work, _, page| {
        let found = page.find(&wanted(work, "selector", "attached", "read"))?;
        note(work, &found);
        let answer = page.of(
            "text",
            &found,
            &json!({"inner": work.flag("use_inner_text")}),
        )?;
        let mut text = answer.get("text").map(value::text).unwrap_or_default();
        if work.flag("trim_whitespace") {
            text = text.trim().to_owned();
        }
        give(work, "text", "variable_name", text.into());
        Ok(())
    })
}

pub(super) fn attribute(work: &mut Work) -> Result<(), Fault> {
    let name = work.text("attribute");
    if name.trim().is_empty() {
        return Err(Fault::value("there is no attribute; set `attribute`"));
    }
    on_page(work, Manner::Reads, |work, _, page| {
        let found = page.find(&wanted(work, "selector", "attached", "read"))?;
        note(work, &found);
        let name = work.text("attribute");
        let answer = page.of("attribute", &found, &json!({"name": name.trim()}))?;
        let value = answer.get("value").cloned().unwrap_or_default();
        let value = if value.is_null() {
            value
        } else {
            value::text(&value).into()
        };
        give(work, "value", "variable_name", value);
        Ok(())
    })
}

/// Gives an output, and sets the variable that a property names.
fn give(work: &mut Work, output: &str, property: &str, value: Value) {
    let variable = work.text(property);
    if !variable.trim().is_empty() {
        work.set(variable.trim(), value.clone());
    }
    work.give(output, value);
}

pub(super) fn wait(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let state = match work.text("state").as_str() {
            "hidden" => "hidden",
            "attached" => "attached",
            "detached" => "detached",
            _ => "visible",
        };
        let found = page.find(&wanted(work, "selector", state, "wait for"))?;
        note(work, &found);
        if work.flag("highlight_on_find") && matches!(state, "visible" | "attached") {
            page.of("mark", &found, &Value::Null)?;
        }
        work.give("found", true);
        Ok(())
    })
}

pub(super) fn screenshot(work: &mut Work) -> Result<(), Fault> {
    work.path("file_path")?;
    on_page(work, Manner::Reads, |work, _, page| {
        let path = work.path("file_path")?;
        let found = match work.text("selector").trim().is_empty() {
            true => None,
            false => {
                let found = page.find(&wanted(work, "selector", "visible", "photograph"))?;
                note(work, &found);
                Some(found)
            }
        };
        let picture = Picture {
            format: work.text("type"),
            quality: work.integer("quality"),
            whole: work.flag("full_page"),
            clear: work.flag("omit_background"),
            stops_animations: work.text("animations") == "disabled",
            hides_caret: work.text("caret") == "hide",
        };
        let taken = page.picture(&picture, found.as_ref())?;
        write_whole(&path, &taken, true)?;
        let path = std::path::absolute(&path)
            .unwrap_or(path)
            .display()
            .to_string();
        work.give("file_path", path.clone());
        work.give("attachment_file", vec![path]);
        Ok(())
    })
}

pub(super) fn table(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Reads, |work, _, page| {
        let found = page.find(&wanted(work, "table_selector", "attached", "read"))?;
        note(work, &found);
        let answer = page.of("table", &found, &Value::Null)?;
        let mut headers: Vec<String> = Vec::new();
        let mut rows: Vec<Vec<String>> = Vec::new();
        for row in answer
            .get("rows")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let cells = row.get("cells").and_then(Value::as_array);
            let cells: Vec<String> = cells.into_iter().flatten().map(value::text).collect();
            let is_head = row.get("head").is_some_and(|head| *head == true);
            match is_head {
                // The last line of a head names the columns.
                true if rows.is_empty() => headers = cells,
                _ => rows.push(cells),
            }
        }
        let format = work.text("output_format");
        if headers.is_empty() && work.flag("include_headers") && !rows.is_empty() {
            headers = rows.remove(0);
        }
        let skip = work
            .integer("skip_rows")
            .and_then(|rows| usize::try_from(rows).ok())
            .unwrap_or(0);
        rows.drain(..skip.min(rows.len()));
        let most = work
            .integer("max_rows")
            .and_then(|rows| usize::try_from(rows).ok())
            .unwrap_or(0);
        if most > 0 {
            rows.truncate(most);
        }
        let count = rows.len();
        let with_headers = work.flag("include_headers") && !headers.is_empty();
        let data: Value = match format.as_str() {
            "csv_string" => csv(with_headers.then_some(&headers), &rows)?.into(),
            "list_of_lists" => {
                let head = with_headers.then(|| headers.clone());
                json!(head.into_iter().chain(rows).collect::<Vec<_>>())
            }
            _ => rows
                .iter()
                .map(|row| dict(&headers, row))
                .collect::<Vec<_>>()
                .into(),
        };
        work.give("headers", headers);
        work.give("row_count", count);
        give(work, "data", "output_variable", data);
        Ok(())
    })
}

pub(super) fn images(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Reads, |work, _, page| {
        let how = json!({"backgrounds": work.flag("include_backgrounds")});
        let answer = page.ask("images", &how)?;
        let types = work.text("file_types").to_lowercase();
        let types: Vec<&str> = types
            .split([',', ' '])
            .map(|kind| kind.trim().trim_start_matches('.'))
            .filter(|kind| !kind.is_empty())
            .collect();
        let mut images: Vec<String> = Vec::new();
        for image in answer.as_array().into_iter().flatten() {
            let size = |name: &str| image.get(name).and_then(Value::as_f64).unwrap_or_default();
            let least = |name: &str| work.number(name).unwrap_or_default();
            let url = image.get("url").and_then(Value::as_str).unwrap_or_default();
            let plain = url
                .split(['?', '#'])
                .next()
                .unwrap_or_default()
                .to_lowercase();
            let is_wanted = size("width") >= least("min_width")
                && size("height") >= least("min_height")
                && (types.is_empty()
                    || types
                        .iter()
                        .any(|kind| plain.ends_with(&format!(".{kind}"))));
            if is_wanted && !url.is_empty() && !images.iter().any(|known| known == url) {
                images.push(url.to_owned());
            }
        }
        work.give("count", images.len());
        work.give("images", images);
        Ok(())
    })
}

/// A row by the names of its columns; those without one are counted.
fn dict(headers: &[String], row: &[String]) -> Value {
    let mut dict = Map::new();
    for (place, cell) in row.iter().enumerate() {
        let mut name = headers.get(place).filter(|name| !name.is_empty()).cloned();
        if name.as_ref().is_some_and(|name| dict.contains_key(name)) {
            name = name.map(|name| format!("{name}_{}", place + 1));
        }
        let name = name.unwrap_or_else(|| format!("column_{}", place + 1));
        dict.insert(name, cell.clone().into());
    }
    dict.into()
}

fn csv(headers: Option<&Vec<String>>, rows: &[Vec<String>]) -> Result<String, Fault> {
    let failed =
        |error: csv::Error| Fault::value(format!("the table cannot be written as CSV: {error}"));
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    for row in headers.into_iter().chain(rows) {
        writer.write_record(row).map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Fault::value(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Fault::value(error.to_string()))
}
