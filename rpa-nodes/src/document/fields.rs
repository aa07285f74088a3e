//! Taking the known fields out of a JSON object.

use serde_json::{Map, Value};

use super::origins::Origins;
use crate::diagnostic::{Code, Diagnostic};
use crate::pointer::Pointer;

/// What is learnt while a file is read.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) origins: Origins,
}

impl Notes {
    pub(super) fn say(
        &mut self,
        code: Code,
        at: &Pointer,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.diagnostics
            .push(Diagnostic::new(code, at.clone(), message, fix));
    }
}

/// What kind of value it is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The fields of one object. What is not taken is left over, in its order. Null counts as missing.
///
/// A value that cannot be used stays among the rest, so that nothing is lost in a round trip.
pub(super) struct Fields<'n> {
    pub(super) map: Map<String, Value>,
    pub(super) at: Pointer,
    pub(super) notes: &'n mut Notes,
    /// Where values stood that were brought here from elsewhere.
    moved: Vec<(String, Pointer)>,
}

impl<'n> Fields<'n> {
    pub(super) fn new(map: Map<String, Value>, at: Pointer, notes: &'n mut Notes) -> Self {
        Self {
            map,
            at,
            notes,
            moved: Vec::new(),
        }
    }

    /// Adds a field whose value stood elsewhere.
    pub(super) fn adopt(&mut self, key: &str, value: Value, given: Pointer) {
        self.map.insert(key.to_owned(), value);
        self.moved.push((key.to_owned(), given));
    }

    /// Where the value of a field stood.
    pub(super) fn place(&self, key: &str) -> Pointer {
        match self.moved.iter().find(|(moved, _)| moved == key) {
            Some((_, given)) => given.clone(),
            None => self.at.child(key),
        }
    }

    /// Says something about the object as a whole.
    pub(super) fn say(&mut self, code: Code, message: impl Into<String>, fix: impl Into<String>) {
        self.notes.say(code, &self.at, message, fix);
    }

    /// Whether there is a value that is not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        // Not `remove`: that would change the order of what is left.
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Takes a text; numbers and booleans are written out.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            value @ (Value::Number(_) | Value::Bool(_)) => {
                self.converted(key, kind(&value), "a string");
                Some(value.to_string())
            }
            value => self.unusable(key, value, "a string"),
        }
    }

    /// Takes a boolean; the words for it that Python and JSON have are read.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") || text == "1" => {
                self.converted(key, "a string", "a boolean");
                Some(true)
            }
            Value::String(text) if text.eq_ignore_ascii_case("false") || text == "0" => {
                self.converted(key, "a string", "a boolean");
                Some(false)
            }
            value => self.unusable(key, value, "a boolean"),
        }
    }

    /// Takes a number that is not negative; one in a string is read.
    pub(super) fn amount(&mut self, key: &str) -> Option<f64> {
        let value = self.take(key)?;
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if number.is_finite() && number >= 0.0 => {
                if value.is_string() {
                    self.converted(key, "a string", "a number");
                }
                Some(number)
            }
            _ => self.unusable(key, value, "a number that is not negative"),
        }
    }

    /// Takes a whole number that is not negative; one in a string is read.
    pub(super) fn count(&mut self, key: &str) -> Option<u32> {
        let value = self.take(key)?;
        let number = match &value {
            Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => {
                if value.is_string() {
                    self.converted(key, "a string", "a number");
                }
                Some(number)
            }
            None => self.unusable(key, value, "a whole number that is not negative"),
        }
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        match serde_json::from_value(value.clone()) {
            Ok(texts) => texts,
            Err(_) => self
                .unusable(key, value, "a list of strings")
                .unwrap_or_default(),
        }
    }

    /// Takes an object; anything else is left over.
    pub(super) fn object(&mut self, key: &str) -> Option<Map<String, Value>> {
        match self.take(key)? {
            Value::Object(map) => Some(map),
            value => self.unusable(key, value, "an object"),
        }
    }

    /// Takes an object that the normal form always has. Anything else is an error: there is no place to keep it.
    pub(super) fn section(&mut self, key: &str) -> Map<String, Value> {
        match self.take(key) {
            Some(Value::Object(map)) => map,
            None => Map::new(),
            Some(other) => {
                let at = self.place(key);
                self.notes.say(
                    Code::InvalidType,
                    &at,
                    format!("`{key}` is {}, not an object", kind(&other)),
                    "write an object, or remove it",
                );
                Map::new()
            }
        }
    }

    /// Puts a value back that cannot be used.
    fn unusable<T>(&mut self, key: &str, value: Value, wanted: &str) -> Option<T> {
        self.notes.say(
            Code::IgnoredValue,
            &self.place(key),
            format!("`{key}` is {}, not {wanted}, and is not used", kind(&value)),
            format!("write {wanted}, or remove it"),
        );
        self.map.insert(key.to_owned(), value);
        None
    }

    fn converted(&mut self, key: &str, from: &str, to: &str) {
        self.notes.say(
            Code::ValueConverted,
            &self.place(key),
            format!("`{key}` is {from} and was read as {to}"),
            "nothing to do; `rpa import` writes it so",
        );
    }
}
