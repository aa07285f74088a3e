//! Values that stand in the database beside the name of their format: events, messages, stream entries.

use super::{PORTABLE_JSON, Value, decode};
use crate::error::{Error, Result};

/// A text and the format that it is in; without one it is that of whoever wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) text: String,
    pub(crate) format: Option<String>,
}

impl Stored {
    /// Stands for no value.
    pub(crate) fn null() -> Self {
        Self {
            text: "null".to_owned(),
            format: Some(PORTABLE_JSON.to_owned()),
        }
    }

    /// The value. `what` is for the message of an error.
    pub(crate) fn decode<T: Value>(&self, what: impl FnOnce() -> String) -> Result<T> {
        match self.json() {
            Ok(json) => decode(json, what),
            Err(reason) => Err(Error::Format {
                what: what(),
                direction: "read",
                reason,
            }),
        }
    }

    /// The value, or nothing where it stands for none.
    pub(crate) fn decode_option<T: Value>(
        &self,
        what: impl FnOnce() -> String,
    ) -> Result<Option<T>> {
        match self.json() {
            Ok("null") => Ok(None),
            _ => self.decode(what).map(Some),
        }
    }

    /// As portable JSON, or why it cannot be read as that.
    fn json(&self) -> std::result::Result<&str, String> {
        match self.format.as_deref() {
            None | Some(PORTABLE_JSON) => Ok(&self.text),
            Some(other) => Err(format!(
                "it is in the format `{other}`; only `{PORTABLE_JSON}` can be read"
            )),
        }
    }

    /// As a JSON value of whatever type; what cannot be read becomes a string of its text.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let json = self.json().ok();
        json.and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_else(|| serde_json::Value::String(self.text.clone()))
    }
}
