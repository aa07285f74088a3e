//! One connection between two ports.

use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::{Fields, Notes, kind};
use super::shape::Shape;
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// A connection from an output of one node to an input of another, or the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Connection {
    /// The id of the node it leaves.
    pub source_node: String,
    /// The name of the output.
    pub source_port: String,
    /// The id of the node it enters.
    pub target_node: String,
    /// The name of the input.
    pub target_port: String,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Connection {
    /// Whether control passes along it, rather than a value.
    ///
    /// Every node type that control can enter has one input for it, `exec_in`; loops of one node have `loop_next`
    /// besides. What the output is called says less: outputs are named after what they decide.
    pub fn is_control(&self) -> bool {
        self.target_port == "loop_next" || self.target_port.contains("exec")
    }

    /// Whether control comes back to a loop along it.
    pub fn is_loop_end(&self) -> bool {
        self.target_port == "loop_next"
    }

    /// Reads what will be at `normal`. Without both ends it is no connection.
    pub(super) fn read(
        value: Value,
        shape: Shape,
        normal: &Pointer,
        at: Pointer,
        notes: &mut Notes,
    ) -> Option<Self> {
        let Value::Object(map) = value else {
            notes.say(
                Code::InvalidType,
                &at,
                format!("a connection is {}, not an object", kind(&value)),
                "write an object with `source_node`, `source_port`, `target_node` and `target_port`",
            );
            return None;
        };
        let mut fields = Fields::new(map, at, notes);
        let mut renamed = Vec::new();
        spread_pair(
            &mut fields,
            "out",
            ["source_node", "source_port"],
            normal,
            &mut renamed,
        );
        spread_pair(
            &mut fields,
            "in",
            ["target_node", "target_port"],
            normal,
            &mut renamed,
        );
        for (other, key) in [
            ("from_node", "source_node"),
            ("from_port", "source_port"),
            ("to_node", "target_node"),
            ("to_port", "target_port"),
        ] {
            if !fields.has(key)
                && let Some(value) = fields.take(other)
            {
                let given = fields.at.child(other);
                fields
                    .notes
                    .origins
                    .record(normal.child(key), given.clone());
                fields.adopt(key, value, given);
                renamed.push(format!("`{other}` was read as `{key}`"));
            }
        }
        if !renamed.is_empty() {
            fields.say(
                Code::FieldsRenamed,
                format!(
                    "the connection has other field names: {}",
                    renamed.join(", ")
                ),
                "nothing to do; `rpa import` writes it so",
            );
        }
        let mut connection = Self {
            source_node: end(&mut fields, "source_node")?,
            source_port: end(&mut fields, "source_port")?,
            target_node: end(&mut fields, "target_node")?,
            target_port: end(&mut fields, "target_port")?,
            extra: Map::new(),
        };
        if shape == Shape::Starter {
            connection.rename_ports(&mut fields);
        }
        connection.extra = fields.map;
        Some(connection)
    }

    /// Starters have short names for the ports of control.
    fn rename_ports(&mut self, fields: &mut Fields<'_>) {
        let mut renamed = Vec::new();
        let source = match self.source_port.as_str() {
            "out" => Some("exec_out"),
            "loop" => Some("body"),
            _ => None,
        };
        let target = (self.target_port == "in").then_some("exec_in");
        for (port, name) in [
            (&mut self.source_port, source),
            (&mut self.target_port, target),
        ] {
            if let Some(name) = name {
                renamed.push(format!("`{port}` was read as `{name}`"));
                *port = name.to_owned();
            }
        }
        if !renamed.is_empty() {
            fields.say(
                Code::PortsRenamed,
                format!(
                    "the connection has the port names of starters: {}",
                    renamed.join(", ")
                ),
                "nothing to do; `rpa import` writes it so",
            );
        }
    }
}

/// Takes `"out": [node, port]` apart.
fn spread_pair(
    fields: &mut Fields<'_>,
    key: &str,
    names: [&str; 2],
    normal: &Pointer,
    renamed: &mut Vec<String>,
) {
    let is_pair = fields
        .map
        .get(key)
        .and_then(Value::as_array)
        .is_some_and(|pair| pair.len() == names.len());
    if !is_pair {
        return;
    }
    let Some(Value::Array(pair)) = fields.take(key) else {
        return;
    };
    for (place, (name, value)) in names.into_iter().zip(pair).enumerate() {
        let given = fields.at.child(key).child(place);
        fields
            .notes
            .origins
            .record(normal.child(name), given.clone());
        fields.adopt(name, value, given);
    }
    renamed.push(format!(
        "`{key}` was read as `{}` and `{}`",
        names[0], names[1]
    ));
}

fn end(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    if !fields.has(key) {
        fields.say(
            Code::MissingRequiredField,
            format!("the connection has no `{key}` and was left out"),
            format!("add `{key}`, or remove the connection"),
        );
        return None;
    }
    let text = fields.text(key);
    if text.is_none() {
        fields.say(
            Code::InvalidType,
            format!("`{key}` of the connection is not a string; the connection was left out"),
            format!("write a string as `{key}`, or remove the connection"),
        );
    }
    text
}
