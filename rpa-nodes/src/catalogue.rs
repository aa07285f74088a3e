//! The node types that can be run: what they are called, take and give, and what they do to the world.
//!
//! The catalogue is data. Checks of files, the documentation that `rpa nodes` prints, and the runs themselves are all made
//! of it. A node type is one function and one entry; the entries of a family stand together in `nodes`.

mod action;
mod foreign;
mod kind;
mod node_type;
mod render;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use self::action::{Action, Control, DatabaseAct, Look};
pub use self::foreign::{Foreign, foreign};
pub use self::kind::Kind;
pub(crate) use self::kind::written;
pub use self::node_type::{Effect, Input, NodeType, Output};
use crate::nodes;

/// All node types.
#[derive(Debug)]
pub struct Catalogue {
    types: Vec<NodeType>,
    /// Names and aliases, and where the type stands in `types`.
    names: BTreeMap<&'static str, usize>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let types = nodes::all();
    let mut names = BTreeMap::new();
    for (place, node_type) in types.iter().enumerate() {
        for name in std::iter::once(node_type.name).chain(node_type.aliases.iter().copied()) {
            names.insert(name, place);
        }
    }
    Catalogue { types, names }
});

/// The catalogue of this program.
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

impl Catalogue {
    /// The type of this name, or of which it is another name.
    pub fn get(&self, name: &str) -> Option<&NodeType> {
        self.types.get(*self.names.get(name)?)
    }

    /// All types, by family.
    pub fn iter(&self) -> impl Iterator<Item = &NodeType> {
        self.types.iter()
    }

    /// The name that is spelled most like this one, if any is.
    pub fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.names.keys().copied())
    }
}

/// The candidate that is spelled most like a name, if one is so much like it that it may be meant.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = plain(name);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance * 3 <= wanted.len().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be changed to come from one name to another; what is only written otherwise is the same.
pub(crate) fn edits(left: &str, right: &str) -> usize {
    distance(&plain(left), &plain(right))
}

/// The letters of a name that tell it from others.
fn plain(name: &str) -> Vec<char> {
    let name = name.strip_suffix("Node").unwrap_or(name);
    name.chars()
        .filter(|character| *character != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many letters have to be changed, put in or left out to come from one word to another.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.iter().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = vec![before];
        for (other, up) in right.iter().zip(row.iter().skip(1)) {
            let cost = (diagonal + usize::from(letter != other))
                .min(before + 1)
                .min(up + 1);
            diagonal = *up;
            before = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
