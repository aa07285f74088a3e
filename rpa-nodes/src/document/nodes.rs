//! The nodes of a workflow, in the order of the file.

use std::collections::HashMap;
use std::slice;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::node::Node;

/// The nodes of a workflow. They keep the order of the file, which decides where a workflow with several starts
/// begins.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    list: Vec<Node>,
    places: HashMap<String, usize>,
}

impl Nodes {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The node with this id.
    pub fn get(&self, id: &str) -> Option<&Node> {
        self.list.get(self.place(id)?)
    }

    /// Whether there is a node with this id.
    pub fn contains(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// The nodes in the order of the file.
    pub fn iter(&self) -> slice::Iter<'_, Node> {
        self.list.iter()
    }

    /// Which of [`Self::iter`] has this id.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The node at a place in [`Self::iter`].
    pub(crate) fn at(&self, place: usize) -> Option<&Node> {
        self.list.get(place)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Node> {
        self.iter_mut().find(|node| node.id == id)
    }

    pub(super) fn iter_mut(&mut self) -> slice::IterMut<'_, Node> {
        self.list.iter_mut()
    }

    /// Adds a node at the end. The caller has seen to it that its id is new.
    pub(super) fn push(&mut self, node: Node) {
        self.places.insert(node.id.clone(), self.list.len());
        self.list.push(node);
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl<'n> IntoIterator for &'n Nodes {
    type Item = &'n Node;
    type IntoIter = slice::Iter<'n, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Nodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for node in self {
            map.serialize_entry(&node.id, node)?;
        }
        map.end()
    }
}
