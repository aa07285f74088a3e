//! Where the parts of a normalised workflow stood in the file.

use std::collections::BTreeMap;

use crate::pointer::Pointer;

/// Leads from places in the normal form back to places in the file as it was given, so that whoever checks a
/// workflow can point at what its author sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    moved: BTreeMap<Pointer, Pointer>,
}

impl Origins {
    /// Remembers that what is now at `normal`, with all that is below it, stood at `given`.
    pub(super) fn record(&mut self, normal: Pointer, given: Pointer) {
        self.moved.insert(normal, given);
    }

    /// Forgets what is below `normal`: it was not taken after all.
    pub(super) fn forget(&mut self, normal: &Pointer) {
        let below = normal.child("");
        self.moved
            .retain(|moved, _| moved != normal && !moved.as_str().starts_with(below.as_str()));
    }

    /// The place in the file of what is at `normal` in the normal form.
    pub fn locate(&self, normal: &Pointer) -> Pointer {
        let mut above = normal.clone();
        loop {
            if let Some(given) = self.moved.get(&above) {
                let rest = normal.as_str().get(above.as_str().len()..);
                return given.join(rest.unwrap_or_default());
            }
            match above.parent() {
                Some(parent) => above = parent,
                None => return normal.clone(),
            }
        }
    }
}
