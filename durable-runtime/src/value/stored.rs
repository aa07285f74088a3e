//! Values that stand in the database beside the name of their format: events, messages, stream entries.

use super::{PORTABLE_JSON, Value, decode, format};
use crate::error::{Error, Result};

/// A text and the format that it is in.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) text: String,
    /// Nothing only where the format has no name and the text cannot be read.
    pub(crate) format: Option<String>,
}

impl Stored {
    /// As it stands in the database. What has no format there gets one here, to be recorded with it.
    pub(crate) fn new(text: String, format: Option<String>) -> Self {
        match (&format, format::read_value(None, &text)) {
            (None, Ok(text)) => Self {
                text,
                format: Some(PORTABLE_JSON.to_owned()),
            },
            _ => Self { text, format },
        }
    }

    /// Stands for no value.
    pub(crate) fn null() -> Self {
        Self {
            text: "null".to_owned(),
            format: Some(PORTABLE_JSON.to_owned()),
        }
    }

    /// The value. `what` is for the message of an error.
    pub(crate) fn decode<T: Value>(&self, what: impl Fn() -> String) -> Result<T> {
        decode(&self.json(&what)?, what)
    }

    /// The value, or nothing where it stands for none.
    pub(crate) fn decode_option<T: Value>(&self, what: impl Fn() -> String) -> Result<Option<T>> {
        match self.json(&what)?.as_str() {
            "null" => Ok(None),
            json => decode(json, what).map(Some),
        }
    }

    /// As portable JSON.
    fn json(&self, what: impl FnOnce() -> String) -> Result<String> {
        format::read_value(self.format.as_deref(), &self.text)
            .map_err(|reason| Error::unreadable(what(), &reason))
    }

    /// As a JSON value of whatever type; what cannot be read becomes a string of its text.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let json = self.json(String::new).ok();
        json.and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_else(|| serde_json::Value::String(self.text.clone()))
    }
}
