//! How a part of a workflow meets the workflow around it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::{Fields, kind};
use super::shape::Shape;
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// What a subflow or a snippet shows to the outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Interface {
    /// The inputs of a subflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<SubflowPort>>,
    /// The outputs of a subflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<SubflowPort>>,
    /// Properties of inner nodes that a subflow node can set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<PromotedParameter>>,
    /// Where control enters a snippet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entry_node_ids: Vec<String>,
    /// Where control leaves a snippet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exit_node_ids: Vec<String>,
}

/// An input or an output of a subflow: the port of a node inside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubflowPort {
    /// What it is called outside.
    pub name: String,
    /// The type of its values, as the file calls it.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its value if none comes from outside.
    #[serde(default)]
    pub default_value: Value,
    /// Whether a value must come from outside.
    #[serde(default)]
    pub required: bool,
    /// The node inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_node_id: Option<String>,
    /// The port of that node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_port_name: Option<String>,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A property of a node inside a subflow that can be set from outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromotedParameter {
    /// What it is called outside.
    pub name: String,
    /// The node inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_node_id: Option<String>,
    /// The property of that node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_property_name: Option<String>,
    /// Its value if none is set outside and the subflow has an opinion.
    #[serde(default)]
    pub default_value: Value,
    /// Whether it must be set.
    #[serde(default)]
    pub required: bool,
    /// Where it leads on, if the node inside is a subflow itself: that subflow and its parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Vec<String>>,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Interface {
    /// Takes the interface out of a file that has one.
    pub(super) fn take(fields: &mut Fields<'_>, shape: Shape) -> Option<Self> {
        // A subflow is known by its inputs: it has them even if there are none.
        let own = |ports: Option<Vec<SubflowPort>>| match shape {
            Shape::Subflow => Some(ports.unwrap_or_default()),
            _ => ports,
        };
        shape.is_part().then(|| Self {
            inputs: own(items(fields, "inputs")),
            outputs: own(items(fields, "outputs")),
            parameters: items(fields, "parameters"),
            entry_node_ids: fields.texts("entry_node_ids"),
            exit_node_ids: fields.texts("exit_node_ids"),
        })
    }
}

fn items<T: DeserializeOwned>(fields: &mut Fields<'_>, key: &str) -> Option<Vec<T>> {
    let list = match fields.take(key)? {
        Value::Array(list) => list,
        other => {
            fields.notes.say(
                Code::InvalidType,
                &fields.at.child(key),
                format!("`{key}` is {}, not a list", kind(&other)),
                "write a list, `[]` if there are none",
            );
            return None;
        }
    };
    let mut items = Vec::new();
    for (place, value) in list.into_iter().enumerate() {
        let at = fields.at.child(key).child(place);
        match serde_json::from_value(value) {
            Ok(item) => {
                let normal = Pointer::root().child(key).child(items.len());
                fields.notes.origins.record(normal, at);
                items.push(item);
            }
            Err(_) => fields.notes.say(
                Code::InvalidType,
                &at,
                format!("an element of `{key}` lacks its name or has fields of wrong types; it was left out"),
                "correct it, or save the subflow again in the editor",
            ),
        }
    }
    Some(items)
}
