use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use calamine::{Data, ExcelDateTime, Reader, Sheets, open_workbook_auto_from_rs};
use serde_json::Value;

use super::broken;
use super::cells::Area;
use crate::fault::Fault;
use crate::value::float;

/// The names of the sheets of a workbook.
///
/// # Errors
/// It is no workbook, or broken.
pub(super) fn sheets(path: &Path, content: &[u8]) -> Result<Vec<String>, Fault> {
    guarded(path, || Ok(workbook(path, content)?.sheet_names()))
}

/// The name of the sheet that is meant: by its name, or by its number from 1.
///
/// # Errors
/// There is none.
pub(super) fn find(path: &Path, sheets: &[String], said: &str) -> Result<String, Fault> {
    let named = sheets
        .iter()
        .find(|name| *name == said)
        .or_else(|| sheets.iter().find(|name| name.eq_ignore_ascii_case(said)));
    let number = said
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    let found = named.or_else(|| number.and_then(|number| sheets.get(number)));
    found.cloned().ok_or_else(|| {
        broken(
            path,
            format!("there is no sheet `{said}`; it has {}", sheets.join(", ")),
        )
    })
}

/// The values of cells, row by row.
///
/// # Errors
/// There is no such sheet, or it is broken.
pub(super) fn area(
    path: &Path,
    content: &[u8],
    sheet: &str,
    area: Area,
) -> Result<Vec<Vec<Value>>, Fault> {
    guarded(path, || {
        let mut workbook = workbook(path, content)?;
        let name = find(path, &workbook.sheet_names(), sheet)?;
        let range = workbook
            .worksheet_range(&name)
            .map_err(|error| broken(path, error))?;
        let rows = area.first.row..=area.last.row;
        let row = |row: u32| {
            let columns = area.first.column..=area.last.column;
            let cell = |column: u32| {
                range
                    .get_value((row - 1, column - 1))
                    .map_or(Value::Null, value)
            };
            columns.map(cell).collect()
        };
        Ok(rows.map(row).collect())
    })
}

fn workbook<'c>(path: &Path, content: &'c [u8]) -> Result<Sheets<Cursor<&'c [u8]>>, Fault> {
    open_workbook_auto_from_rs(Cursor::new(content)).map_err(|error| match error {
        calamine::Error::Msg(_) => broken(
            path,
            "it is no workbook of Excel, or its content is encrypted",
        ),
        other => broken(path, other),
    })
}

/// Reads what nobody tested the parser with: its panics are findings about the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(read));
    outcome.unwrap_or_else(|_| Err(broken(path, "the parser gave up on it")))
}

/// A value as a workflow has it: whole numbers are integers, and moments texts.
fn value(data: &Data) -> Value {
    match data {
        Data::Empty => Value::Null,
        Data::Int(number) => (*number).into(),
        Data::Float(number) => plain(*number),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            text.as_str().into()
        }
        Data::Bool(truth) => (*truth).into(),
        Data::DateTime(moment) => at(moment).into(),
        Data::Error(error) => error.to_string().into(),
    }
}

fn plain(number: f64) -> Value {
    // Up to here floats are exact integers.
    match number.fract() == 0.0 && number.abs() < 9e15 {
        true => (number as i64).into(),
        false => float(number).unwrap_or_else(|_| number.to_string().into()),
    }
}

/// A moment, a day or a time of the day, by which parts the number has.
fn at(moment: &ExcelDateTime) -> String {
    let number = moment.as_f64();
    if moment.is_duration() {
        let seconds = (number * 86400.0).round();
        let (sign, seconds) = if seconds < 0.0 {
            ("-", -seconds as u64)
        } else {
            ("", seconds as u64)
        };
        return format!(
            "{sign}{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let fraction = match milli {
        0 => String::new(),
        milli => format!(".{milli:03}"),
    };
    let time = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    match (number < 1.0, time.as_str()) {
        (true, time) => time.to_owned(),
        (false, "00:00:00") => format!("{year:04}-{month:02}-{day:02}"),
        (false, time) => format!("{year:04}-{month:02}-{day:02}T{time}"),
    }
}
