//! Structural names: which loop, branch or call of its kind something is.

use std::collections::BTreeMap;

/// The position of the walk in the body's structure.
#[derive(Default)]
pub(super) struct Scope {
    path: Vec<String>,
    counted: BTreeMap<String, u32>,
}

impl Scope {
    /// Enters the next construct of its `kind`.
    pub(super) fn enter(&mut self, kind: &str) {
        let number = self.count(kind);
        self.path.push(format!("{kind}#{number}"));
    }

    /// Leaves the construct entered last.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// The label of the next call of `callee`; the first in its scope has no number.
    pub(super) fn label(&mut self, callee: &str) -> String {
        match self.count(callee) {
            1 => self.within(callee),
            number => self.within(&format!("{callee}#{number}")),
        }
    }

    fn count(&mut self, name: &str) -> u32 {
        let counter = self.counted.entry(self.within(name)).or_default();
        *counter += 1;
        *counter
    }

    fn within(&self, name: &str) -> String {
        let mut path = self.path.join("/");
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        path
    }
}
