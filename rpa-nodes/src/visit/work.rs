use std::path::PathBuf;

use serde_json::Value;

use super::Folder;
use crate::fault::Fault;
use crate::host;
use crate::value::{Object, text};
use crate::walk::Walk;

/// What a node that works on the world is given. It owns all it needs, so that it can run beside the tasks.
#[derive(Debug)]
pub struct Work {
    inputs: Object,
    folder: Folder,
    found: Value,
    pub(super) outputs: Object,
}

impl Work {
    pub(super) fn new(walk: &Walk, inputs: Object, found: Value) -> Self {
        Self {
            inputs,
            folder: walk.folder(),
            found,
            outputs: Object::new(),
        }
    }

    /// What `intend` found.
    pub fn found(&self, name: &str) -> Option<&Value> {
        self.found.get(name)
    }

    /// An input, if it has a value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.inputs.get(name)
    }

    /// An input as a text; nothing is empty.
    pub fn text(&self, name: &str) -> String {
        self.get(name).map(text).unwrap_or_default()
    }

    /// An input as an integer.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(crate::value::read_integer)
    }

    /// Whether an input is there and true.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(crate::value::truth)
    }

    /// An input as a path; relative ones begin at the folder in which the run was started.
    ///
    /// # Errors
    /// The path is empty.
    pub fn path(&self, name: &str) -> Result<PathBuf, Fault> {
        let path = self.text(name);
        if path.trim().is_empty() {
            return Err(Fault::value(format!("the path `{name}` is empty")));
        }
        Ok(host::file(&self.folder, &path))
    }

    /// Gives an output.
    pub fn give(&mut self, name: &str, value: impl Into<Value>) {
        self.outputs.insert(name.to_owned(), value.into());
    }
}
