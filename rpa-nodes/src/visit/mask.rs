use serde_json::Value;

use crate::record::Record;
use crate::value::Object;

/// What stands in the place of what may not be shown.
pub(crate) const MASKED: &str = "***";
/// Shorter values are everywhere; to mask them would only make logs unreadable.
const SHORTEST: usize = 3;

/// The texts that may not be shown: values of sensitive variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask {
    secrets: Vec<String>,
}

impl Mask {
    pub(crate) fn new(values: impl IntoIterator<Item = Value>) -> Self {
        let mut secrets = Vec::new();
        for value in values {
            collect(&value, &mut secrets);
        }
        // A secret that holds another one is masked as a whole.
        secrets.sort_by_key(|secret: &String| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    pub(crate) fn text(&self, text: &mut String) {
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), MASKED);
            }
        }
    }

    pub(crate) fn value(&self, value: &mut Value) {
        match value {
            _ if self.secrets.is_empty() => {}
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(map) => self.object(map),
            _ => {}
        }
    }

    pub(crate) fn object(&self, map: &mut Object) {
        map.values_mut().for_each(|value| self.value(value));
    }

    /// Masks what only people read. Outputs and variables are needed as they are: they are masked where they are shown.
    pub(crate) fn record(&self, record: &mut Record) {
        if self.secrets.is_empty() {
            return;
        }
        self.object(&mut record.inputs);
        for line in &mut record.logs {
            self.text(&mut line.text);
        }
        for warning in &mut record.warnings {
            self.text(warning);
        }
        if let Some(fault) = &mut record.error {
            self.text(&mut fault.message);
        }
    }
}

fn collect(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= SHORTEST => secrets.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        Value::Object(map) => map.values().for_each(|item| collect(item, secrets)),
        _ => {}
    }
}
