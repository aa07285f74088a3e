//! What stands for a secret where its value may not stand.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::template::placeholders;

const SECRET: &str = "$secret:";
const SEALED: &str = "$sealed:";
/// What people are shown.
const HIDDEN: &str = "***";

/// The mark of a secret that a provider knows.
pub(crate) fn secret_mark(name: &str) -> String {
    format!("{{{{{SECRET}{name}}}}}")
}

/// The mark of a sealed value.
pub(super) fn sealed_mark(sealed: &str) -> String {
    format!("{{{{{SEALED}{sealed}}}}}")
}

/// What is sealed in a text that is the mark of a sealed value and nothing else.
pub(crate) fn sealed(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    inner.strip_prefix(SEALED)
}

/// The secrets that a value names.
pub(crate) fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(
            placeholders(text)
                .iter()
                .filter_map(|placeholder| placeholder.inner.strip_prefix(SECRET))
                .map(|name| name.trim().to_owned()),
        ),
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(map) => map.values().for_each(|item| names(item, found)),
        _ => {}
    }
}

/// The value with what people are shown in the place of marks.
pub(crate) fn shown(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(SECRET) || text.contains(SEALED) => {
            let mut result = String::new();
            let mut from = 0;
            for placeholder in placeholders(text) {
                if placeholder.inner.starts_with(SECRET) || placeholder.inner.starts_with(SEALED) {
                    result.push_str(text.get(from..placeholder.span.start).unwrap_or_default());
                    result.push_str(HIDDEN);
                    from = placeholder.span.end;
                }
            }
            result.push_str(text.get(from..).unwrap_or_default());
            *text = result;
        }
        Value::Array(items) => items.iter_mut().for_each(shown),
        Value::Object(map) => map.values_mut().for_each(shown),
        _ => {}
    }
}
