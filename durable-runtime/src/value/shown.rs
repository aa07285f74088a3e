//! Recorded values for people who look on: whatever stands in the database is shown, and nothing is an error.

use serde_json::Value as Json;

use super::{PORTABLE_JSON, pickle};
use crate::error::ErrorRecord;

/// The format of Python's SDK, unless it is told otherwise.
const PY_PICKLE: &str = "py_pickle";

/// A value; the text as it stands when it cannot be read.
pub(crate) fn shown(format: Option<&str>, text: &str) -> Json {
    show(format, text, || pickle::read_value(text).ok())
}

/// The arguments of a workflow, likewise.
pub(crate) fn shown_arguments(format: Option<&str>, text: &str) -> Json {
    show(format, text, || pickle::read_arguments(text).ok())
}

/// An error, likewise.
pub(crate) fn shown_error(format: Option<&str>, text: &str) -> Json {
    show(format, text, || {
        let (name, message) = pickle::read_error(text).ok()?;
        Some(ErrorRecord::new(name, message).to_json())
    })
}

fn show(format: Option<&str>, text: &str, unpickled: impl FnOnce() -> Option<String>) -> Json {
    let json = match format {
        Some(PORTABLE_JSON) => Some(text.to_owned()),
        Some(PY_PICKLE) => unpickled(),
        // Without a name a value is in the format of whoever wrote it. Base64 of a pickle begins so, JSON never does.
        None if text.starts_with("gA") => unpickled(),
        None => Some(text.to_owned()),
        Some(_) => None,
    };
    let value = json.and_then(|json| serde_json::from_str(&json).ok());
    value.unwrap_or_else(|| {
        tracing::warn!(format, "a recorded value cannot be read; its text is shown");
        Json::from(text)
    })
}
