//! Recorded values for people who look on: whatever stands in the database is shown, and nothing is an error.

use serde_json::Value as Json;

use super::format::{self, Unreadable};

/// A value; the text as it stands when it cannot be read.
pub(crate) fn shown(serialization: Option<&str>, text: &str) -> Json {
    show(text, format::read_value(serialization, text))
}

/// The arguments of a workflow, likewise.
pub(crate) fn shown_arguments(serialization: Option<&str>, text: &str) -> Json {
    show(text, format::read_arguments(serialization, text))
}

/// An error, likewise.
pub(crate) fn shown_error(serialization: Option<&str>, text: &str) -> Json {
    show(text, format::read_error_text(serialization, text))
}

fn show(text: &str, json: Result<String, Unreadable>) -> Json {
    let value = json.ok().and_then(|json| serde_json::from_str(&json).ok());
    value.unwrap_or_else(|| {
        tracing::warn!("a recorded value cannot be read; its text is shown");
        Json::from(text)
    })
}
