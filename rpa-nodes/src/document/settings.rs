//! What a workflow asks of whoever runs it.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::fields::{Fields, Notes};
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// How a workflow wants to be run. What the file does not say is `None`: the runner's default holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Settings {
    /// Whether the workflow ends at the first node that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_on_error: Option<bool>,
    /// How many seconds a node may take; 0 is no limit.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "without_fraction"
    )]
    pub timeout: Option<f64>,
    /// How often a node that failed is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Settings {
    pub(super) fn read(map: Map<String, Value>, at: Pointer, notes: &mut Notes) -> Self {
        let mut fields = Fields::new(map, at, notes);
        Self {
            stop_on_error: fields.flag("stop_on_error"),
            timeout: fields.amount("timeout"),
            retry_count: fields.count("retry_count"),
            extra: fields.map,
        }
    }

    /// Takes over what other settings say, as the editor and the wrappers spell it, where these say nothing.
    /// Only `timeout_override` is there to win.
    pub(super) fn complete(&mut self, other: &Map<String, Value>, at: &Pointer, notes: &mut Notes) {
        let mut taken = Vec::new();
        let mut fields = Fields::new(other.clone(), at.clone(), notes);
        if self.stop_on_error.is_none() {
            if let Some(flag) = fields.flag("stop_on_error") {
                self.stop_on_error = Some(flag);
                taken.push("stop_on_error");
            } else if let Some(flag) = fields.flag("continue_on_error") {
                self.stop_on_error = Some(!flag);
                taken.push("continue_on_error");
            }
        }
        if let Some(seconds) = fields.amount("timeout_override") {
            if self.timeout != Some(seconds) {
                self.timeout = Some(seconds);
                taken.push("timeout_override");
            }
        } else if self.timeout.is_none() {
            for key in ["node_timeout", "timeout", "timeout_seconds"] {
                if let Some(seconds) = fields.amount(key) {
                    self.timeout = Some(seconds);
                    taken.push(key);
                    break;
                }
            }
        }
        if self.retry_count.is_none()
            && let Some(count) = fields.count("retry_count")
        {
            self.retry_count = Some(count);
            taken.push("retry_count");
        }
        for key in taken {
            notes.say(
                Code::SettingsMoved,
                &at.child(key),
                format!("`{key}` was taken over into `settings`"),
                "nothing to do; `rpa import` writes it so",
            );
        }
    }
}

/// 30 seconds are written as `30`, as they were most likely read.
fn without_fraction<S: Serializer>(
    seconds: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match seconds {
        Some(seconds) if seconds.fract() == 0.0 && *seconds <= f64::from(u32::MAX) => {
            serializer.serialize_u32(*seconds as u32)
        }
        Some(seconds) => serializer.serialize_f64(*seconds),
        None => serializer.serialize_none(),
    }
}
