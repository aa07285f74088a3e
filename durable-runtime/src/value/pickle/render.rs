//! Python objects as JSON text.

use serde_json::Value as Json;

use super::object::{Heap, Id, Object};
use super::{MAX_DEPTH, PickleError};

/// What becomes of an object that JSON has no form for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Foreign {
    /// It is an error that names it.
    Refused,
    /// It is shown in a form for people: what comes out is no JSON.
    Shown,
}

/// A text that objects are written to.
pub(super) struct Text<'h> {
    heap: &'h Heap<'h>,
    foreign: Foreign,
    out: String,
    limit: usize,
}

impl<'h> Text<'h> {
    /// A text of at most `limit` bytes. It needs a limit because an object that a pickle holds once, and uses many
    /// times, is written many times.
    pub(super) fn new(heap: &'h Heap<'h>, foreign: Foreign, limit: usize) -> Self {
        Self {
            heap,
            foreign,
            out: String::new(),
            limit,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), PickleError> {
        if self.out.len().saturating_add(text.len()) > self.limit {
            return Err(PickleError::TooLarge { limit: self.limit });
        }
        self.out.push_str(text);
        Ok(())
    }

    /// Writes an object.
    pub(super) fn object(&mut self, id: Id) -> Result<(), PickleError> {
        self.nested(id, 0)
    }

    /// Writes an object inside of `depth` others.
    fn nested(&mut self, id: Id, depth: usize) -> Result<(), PickleError> {
        // An object inside itself ends here too.
        if depth > MAX_DEPTH {
            return Err(PickleError::TooDeep);
        }
        if let Some(items) = self.heap.items(id) {
            self.push("[")?;
            self.list(items, depth + 1)?;
            return self.push("]");
        }
        match self.heap.get(id) {
            Some(Object::None) => self.push("null"),
            Some(Object::Bool(true)) => self.push("true"),
            Some(Object::Bool(false)) => self.push("false"),
            Some(Object::Int(digits)) => self.push(digits),
            Some(Object::Float(number)) if number.is_finite() => {
                self.push(&Json::from(*number).to_string())
            }
            Some(Object::Str(text)) => self.string(text),
            Some(Object::Dict(members)) => self.dict(members, depth + 1),
            Some(Object::Instance { arguments, .. }) if self.foreign == Foreign::Shown => {
                let name = self.heap.class(id).map_or("object", |(_, name)| name);
                self.push(name)?;
                self.push("(")?;
                self.list(self.heap.items(*arguments).unwrap_or_default(), depth + 1)?;
                self.push(")")
            }
            _ => self.foreign(self.heap.describe(id)),
        }
    }

    fn list(&mut self, items: &[Id], depth: usize) -> Result<(), PickleError> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(self.separator())?;
            }
            self.nested(*item, depth)?;
        }
        Ok(())
    }

    fn dict(&mut self, members: &[(Id, Id)], depth: usize) -> Result<(), PickleError> {
        self.push("{")?;
        for (index, (key, value)) in members.iter().enumerate() {
            if index > 0 {
                self.push(self.separator())?;
            }
            match self.heap.text(*key) {
                Some(key) => self.string(key)?,
                None => {
                    self.foreign(format!("a dict with {} as a key", self.heap.describe(*key)))?;
                }
            }
            self.push(":")?;
            self.nested(*value, depth)?;
        }
        self.push("}")
    }

    fn string(&mut self, text: &str) -> Result<(), PickleError> {
        self.push(&Json::from(text).to_string())
    }

    fn separator(&self) -> &'static str {
        match self.foreign {
            Foreign::Refused => ",",
            Foreign::Shown => ", ",
        }
    }

    fn foreign(&mut self, found: String) -> Result<(), PickleError> {
        match self.foreign {
            Foreign::Refused => Err(PickleError::NotPlain { found }),
            Foreign::Shown => self.push(&format!("<{found}>")),
        }
    }
}
