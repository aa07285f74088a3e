//! Workflow files and what is in them.
//!
//! CasareRPA never had one file format: ten shapes are in use, of which its own engine loads one. [`load`] reads
//! all of them into the same [`Workflow`]. What holds:
//!
//! - nothing is repaired silently: each repair is a [`Diagnostic`] that points at the place in the given file
//!   (that a known key is null is none: it means that the key is missing);
//! - keys that nobody knows are kept, in their order, and so is what stood around the workflow;
//! - what is left out is told: state of the editor, copies of ports, and what has an error;
//! - writing a workflow that has no errors and loading it again gives the same workflow, and nothing to repair.

mod connection;
mod failure;
mod fields;
mod interface;
mod json;
mod metadata;
mod node;
mod nodes;
mod normalise;
mod origins;
mod settings;
mod shape;
mod variable;
mod variables;
mod wrapper;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::connection::Connection;
pub use self::failure::LoadError;
pub use self::interface::{Interface, PromotedParameter, SubflowPort};
pub use self::metadata::Metadata;
pub use self::node::Node;
pub use self::nodes::Nodes;
pub use self::origins::Origins;
pub use self::settings::Settings;
pub use self::shape::Shape;
pub use self::variable::Variable;
pub use self::variables::Variables;
pub use self::wrapper::Wrapper;
use crate::diagnostic::Diagnostic;

/// A workflow in the normal form. Serialized, it is a file of shape A, or of shape F or G for parts of workflows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Workflow {
    /// What it says about itself.
    pub metadata: Metadata,
    /// What it does.
    pub nodes: Nodes,
    /// How control and values pass between the nodes, in the order of the file.
    pub connections: Vec<Connection>,
    /// What it remembers.
    pub variables: Variables,
    /// What it asks of whoever runs it.
    pub settings: Settings,
    /// How it meets the workflow around it, if it is a part.
    #[serde(flatten)]
    pub interface: Option<Interface>,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
    /// What stood around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapper: Option<Wrapper>,
}

impl Workflow {
    /// Gives a property of a node a value, in the place of what came through a connection.
    pub(crate) fn set(&mut self, node: &str, property: &str, value: Value) {
        self.connections.retain(|way| {
            way.is_control() || way.target_node != node || way.target_port != property
        });
        if let Some(node) = self.nodes.get_mut(node) {
            node.config.insert(property.to_owned(), value);
        }
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The workflow in it.
    pub workflow: Workflow,
    /// What the file looked like.
    pub shape: Shape,
    /// What was repaired, and what could not be read. With an error among these, `workflow` lacks something that
    /// the file has.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the parts of the workflow stood in the file.
    pub origins: Origins,
}

impl Loaded {
    /// Whether `workflow` is all that the file has: nothing had to be left out because of an error.
    pub fn is_complete(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads a workflow file of any shape.
///
/// # Errors
///
/// [`LoadError`] if the text is not JSON, or is nothing that could hold a workflow. All that can be said about one
/// is in [`Loaded::diagnostics`].
pub fn load(text: &str) -> Result<Loaded, LoadError> {
    // Some editors on Windows put a byte order mark before the text; it means nothing.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = json::parse(text).map_err(|source| LoadError::NotJson { source })?;
    let top = match parsed.value {
        Value::Object(top) => top,
        other => {
            return Err(LoadError::NotAnObject {
                found: fields::kind(&other),
            });
        }
    };
    match Shape::detect(&top) {
        Some(shape) => Ok(normalise::normalise(top, shape, &parsed.duplicates)),
        None => Err(LoadError::NotAWorkflow {
            keys: top.into_iter().map(|(key, _)| key).collect(),
        }),
    }
}
