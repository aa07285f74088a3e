//! Templates: texts with placeholders for variables and outputs of nodes.
//!
//! | written | means |
//! |---|---|
//! | `{{name}}`, `${name}`, `%name%` | a variable |
//! | `{{node.port}}` | what a node gave when it last ran |
//! | `{{a.b[0].c}}` | a part of a value |
//! | `{{$secret:name}}` | a secret |
//! | `{{$currentDate}}`, `{{$currentTime}}`, `{{$currentDateTime}}`, `{{$timestamp}}` | the moment |
//!
//! A text that is one placeholder and nothing else has the value itself, of whatever type. Any other text has the texts
//! of the values put in, as Python writes them. What is not known stays as it is written, and is told. Values that are
//! put in are never read as templates again.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::host;
use crate::value::{Object, Path, Segment, follow, text};

/// What names stand for.
pub trait Scope {
    /// The variable of this name, or else the outputs of the node of this id.
    fn lookup(&self, name: &str) -> Option<&Value>;

    /// The secret of this name, where secrets are known.
    fn secret(&self, _name: &str) -> Option<&Value> {
        None
    }

    /// The output that is meant by another name for it.
    fn meant(&self, _node: &str, _output: &str) -> Option<&str> {
        None
    }
}

/// Names and what they stand for.
#[derive(Debug, Clone, Default)]
pub struct Names(Object);

impl Names {
    /// The names of an object; of anything else, none.
    pub fn of(value: Value) -> Self {
        match value {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        }
    }
}

impl Scope for Names {
    fn lookup(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// A text with its placeholders filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interpolated {
    /// The text.
    pub text: String,
    /// What stood in placeholders that nothing is known for.
    pub missing: Vec<String>,
}

/// A placeholder in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder<'t> {
    /// Where it begins and ends, with its marks, in bytes.
    pub span: std::ops::Range<usize>,
    /// What stands between its marks.
    pub inner: &'t str,
    /// Whether it is written `%name%`, which may also be no placeholder at all.
    pub is_doubtful: bool,
}

/// The placeholders of a text, from left to right.
pub fn placeholders(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(rest) = text.get(from..)
        && let Some(start) = rest.find(['{', '$', '%'])
    {
        let at = from + start;
        let rest = rest.get(start..).unwrap_or_default();
        match first(rest) {
            Some((inner, length, is_doubtful)) => {
                found.push(Placeholder {
                    span: at..at + length,
                    inner,
                    is_doubtful,
                });
                from = at + length;
            }
            None => from = at + 1,
        }
    }
    found
}

/// The placeholder that a text begins with: what it names, and its length.
fn first(text: &str) -> Option<(&str, usize, bool)> {
    for (open, close) in [("{{", "}}"), ("${", "}")] {
        if let Some(inner) = text.strip_prefix(open) {
            let end = inner.find(close)?;
            let name = inner.get(..end)?.trim();
            // The inner of two nested placeholders is the one that counts.
            if name.is_empty() || name.contains(['{', '}', '\n']) {
                return None;
            }
            return Some((name, open.len() + end + close.len(), false));
        }
    }
    let inner = text.strip_prefix('%')?;
    let end = inner.find('%')?;
    let name = inner.get(..end)?;
    let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    (is_name && !name.contains(' ') && Path::parse(name).is_some()).then_some((name, end + 2, true))
}

/// Whether a text has a placeholder.
pub fn has_placeholder(text: &str) -> bool {
    !placeholders(text).is_empty()
}

/// Whether a value has a placeholder anywhere.
pub fn is_template(value: &Value) -> bool {
    match value {
        Value::String(text) => has_placeholder(text),
        Value::Array(items) => items.iter().any(is_template),
        Value::Object(map) => map.values().any(is_template),
        _ => false,
    }
}

/// What a placeholder stands for.
pub fn bind(inner: &str, path: Option<&Path>, scope: &dyn Scope) -> Option<Value> {
    if let Some(name) = inner.strip_prefix("$secret:") {
        return scope.secret(name.trim()).cloned();
    }
    if inner.starts_with('$') {
        return special(inner);
    }
    let path = path?;
    // A name with dots or brackets in it comes before the way into a value.
    if let Some(value) = scope.lookup(inner) {
        return Some(value.clone());
    }
    let root = scope.lookup(&path.root)?;
    if let Some(value) = path.follow(root) {
        return Some(value.clone());
    }
    let (Segment::Key(output), rest) = path.rest.split_first()? else {
        return None;
    };
    let output = Segment::Key(scope.meant(&path.root, output)?.to_owned());
    follow(follow(root, &[output])?, rest).cloned()
}

/// Placeholders that are computed when they are filled in.
fn special(name: &str) -> Option<Value> {
    let now = host::now();
    Some(match name {
        "$currentDate" => now.strftime("%Y-%m-%d").to_string().into(),
        "$currentTime" => now.strftime("%H:%M:%S").to_string().into(),
        "$currentDateTime" => now.strftime("%Y-%m-%dT%H:%M:%S").to_string().into(),
        "$timestamp" => now.timestamp().as_second().into(),
        _ => return None,
    })
}

/// Whether a name that begins with `$` is one of the moment.
pub fn is_special(name: &str) -> bool {
    name.starts_with("$secret:") || special(name).is_some()
}

/// Fills in the placeholders of a text with the texts of what they stand for.
pub fn interpolate(template: &str, scope: &dyn Scope) -> Interpolated {
    let mut result = Interpolated::default();
    let mut from = 0;
    for placeholder in placeholders(template) {
        let Some(value) = bind(
            placeholder.inner,
            Path::parse(placeholder.inner).as_ref(),
            scope,
        ) else {
            if !placeholder.is_doubtful {
                result.missing.push(placeholder.inner.to_owned());
            }
            continue;
        };
        let before = template.get(from..placeholder.span.start);
        result.text.push_str(before.unwrap_or_default());
        // A variable that holds nothing is written as nothing.
        if !value.is_null() {
            result.text.push_str(&text(&value));
        }
        from = placeholder.span.end;
    }
    result
        .text
        .push_str(template.get(from..).unwrap_or_default());
    result
}

/// Fills in the placeholders of a value, wherever it has texts. What nothing is known for is added to `missing`.
pub fn resolve<'v>(
    value: &'v Value,
    scope: &dyn Scope,
    missing: &mut Vec<String>,
) -> Cow<'v, Value> {
    match value {
        Value::String(template) => {
            let whole = placeholders(template);
            if whole.is_empty() {
                return Cow::Borrowed(value);
            }
            if let [only] = whole.as_slice()
                && only.span == (0..template.trim().len())
                && template.trim().len() == template.len()
                && let Some(value) = bind(only.inner, Path::parse(only.inner).as_ref(), scope)
            {
                return Cow::Owned(value);
            }
            let filled = interpolate(template, scope);
            missing.extend(filled.missing);
            Cow::Owned(Value::String(filled.text))
        }
        Value::Array(items) if is_template(value) => {
            let items = items.iter();
            let items = items.map(|item| resolve(item, scope, missing).into_owned());
            Cow::Owned(Value::Array(items.collect()))
        }
        Value::Object(map) if is_template(value) => {
            let mut resolved = Map::new();
            for (key, value) in map {
                resolved.insert(key.clone(), resolve(value, scope, missing).into_owned());
            }
            Cow::Owned(Value::Object(resolved))
        }
        other => Cow::Borrowed(other),
    }
}
