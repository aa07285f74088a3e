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

    /// Of the elements of a list only those at the places in `kept` are left, in this order.
    pub(crate) fn keep(&mut self, list: &Pointer, kept: &[usize]) {
        let mut moved = BTreeMap::new();
        for (now, before) in kept.iter().enumerate() {
            let (now, before) = (list.child(now), list.child(before));
            moved.insert(now.clone(), self.locate(&before));
            let below = before.child("");
            for (normal, given) in &self.moved {
                if normal.as_str().starts_with(below.as_str())
                    && let Some(rest) = normal.as_str().get(before.as_str().len()..)
                {
                    moved.insert(now.join(rest), given.clone());
                }
            }
        }
        let below = list.child("");
        self.moved
            .retain(|normal, _| !normal.as_str().starts_with(below.as_str()));
        self.moved.extend(moved);
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
