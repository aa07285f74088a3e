//! One node of a workflow.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::fields::{Fields, Notes, kind};
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// In a config: the node is switched off.
const DISABLED: &str = "_disabled";
/// What the editor writes into `status` while it shows a run. A node type may have a property of that name: only
/// these values are taken for state.
const STATUSES: [&str; 6] = ["idle", "running", "success", "completed", "error", "failed"];

/// A node as its author drew it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// What connections and templates call it.
    pub id: String,
    /// The name of its class, which decides what it does. Empty if the file does not say: that is an error.
    pub node_type: String,
    /// What people call it; nothing refers to it.
    pub name: Option<String>,
    /// The values of its properties, as the file writes them: numbers may be strings.
    pub config: Map<String, Value>,
    /// Whether it is switched off: control and values pass through it.
    pub disabled: bool,
    /// Where the editor shows it.
    pub position: Option<[f64; 2]>,
    /// All other keys.
    pub extra: Map<String, Value>,
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("node_id", &self.id)?;
        map.serialize_entry("node_type", &self.node_type)?;
        if let Some(name) = &self.name {
            map.serialize_entry("name", name)?;
        }
        if self.disabled {
            let mut config = self.config.clone();
            config.insert(DISABLED.to_owned(), Value::Bool(true));
            map.serialize_entry("config", &config)?;
        } else {
            map.serialize_entry("config", &self.config)?;
        }
        if let Some(position) = &self.position {
            map.serialize_entry("position", position)?;
        }
        for (key, value) in &self.extra {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// Finds the id of a node that stands in a list.
pub(super) fn listed_id(node: &Map<String, Value>) -> Option<String> {
    let inside = node.get("custom").and_then(|custom| custom.get("node_id"));
    [node.get("node_id"), node.get("id"), inside]
        .into_iter()
        .flatten()
        .find_map(|value| match value {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        })
}

impl Node {
    /// Reads the node that is known as `id`.
    pub(super) fn read(
        id: &str,
        mut map: Map<String, Value>,
        normal: &Pointer,
        at: Pointer,
        notes: &mut Notes,
    ) -> Self {
        let mut renamed = Vec::new();
        take_custom(&mut map, &mut renamed);
        let mut fields = Fields::new(map, at, notes);
        drop_own_id(&mut fields, id, &mut renamed);
        let node_type = read_type(&mut fields, normal, &mut renamed);
        let name = take_renamed(&mut fields, "name", "display_name", normal, &mut renamed)
            .then(|| fields.text("name"))
            .flatten();
        let mut node = Self {
            id: id.to_owned(),
            node_type,
            name,
            ..Self::default()
        };
        if take_renamed(&mut fields, "config", "properties", normal, &mut renamed) {
            let at = fields.place("config");
            match fields.take("config") {
                Some(Value::Object(config)) => node.read_config(config, at, fields.notes),
                Some(other) => {
                    fields.notes.say(
                        Code::InvalidType,
                        &at,
                        format!(
                            "the config of node `{id}` is {}, not an object",
                            kind(&other)
                        ),
                        "write an object of property values, `{}` if there are none",
                    );
                }
                None => {}
            }
        }
        take_renamed(&mut fields, "position", "pos", normal, &mut renamed);
        node.position = read_position(&mut fields, &mut renamed);
        drop_ports(&mut fields, id);
        if !renamed.is_empty() {
            fields.say(
                Code::FieldsRenamed,
                format!("node `{id}`: {}", renamed.join(", ")),
                "nothing to do; `rpa import` writes it so",
            );
        }
        node.extra = fields.map;
        node
    }

    fn read_config(&mut self, config: Map<String, Value>, at: Pointer, notes: &mut Notes) {
        let mut fields = Fields::new(config, at, notes);
        self.disabled = fields.flag(DISABLED).unwrap_or_default();
        let own = |value: &Value, text: &str| value.as_str() == Some(text);
        let status = |value: &Value| value.as_str().is_some_and(|text| STATUSES.contains(&text));
        let mut dropped = Vec::new();
        for key in ["_is_running", "_is_completed", "node_id", "name", "status"] {
            // Some node types have properties of the last names: they are state only if they say what state says.
            let state = fields.map.get(key).is_some_and(|value| match key {
                "node_id" => own(value, &self.id),
                "name" => self.name.as_deref().is_some_and(|name| own(value, name)),
                "status" => status(value),
                _ => true,
            });
            if state {
                fields.map.shift_remove(key);
                dropped.push(format!("`{key}`"));
            }
        }
        if !dropped.is_empty() {
            fields.say(
                Code::EditorStateRemoved,
                format!(
                    "the config of node `{}` had state of the editor: {}",
                    self.id,
                    dropped.join(", ")
                ),
                "nothing to do; `rpa import` leaves it out",
            );
        }
        self.config = fields.map;
    }
}

/// Editors keep the properties of a type of their own under `custom`; what the config does not say counts from there.
fn take_custom(map: &mut Map<String, Value>, renamed: &mut Vec<String>) {
    let Some(Value::Object(custom)) = map.get("custom").cloned() else {
        return;
    };
    let key = if map.contains_key("config") {
        "config"
    } else {
        "properties"
    };
    let config = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(config) = config else {
        return;
    };
    let mut is_used = false;
    for (name, value) in custom {
        if name != "node_id" && !config.contains_key(&name) {
            config.insert(name, value);
            is_used = true;
        }
    }
    if is_used {
        renamed.push("`custom` was read as a part of `config`".to_owned());
    }
}

/// The id is known already. One that says something else is kept among the rest.
fn drop_own_id(fields: &mut Fields<'_>, id: &str, renamed: &mut Vec<String>) {
    for key in ["node_id", "id"] {
        let Some(said) = fields.map.get(key) else {
            continue;
        };
        let matches = match said {
            Value::String(said) => said == id,
            Value::Number(said) => said.to_string() == id,
            _ => false,
        };
        if matches {
            if key == "id" {
                renamed.push("`id` was read as `node_id`".to_owned());
            }
            fields.map.shift_remove(key);
        } else if key == "node_id" {
            fields.notes.say(
                Code::NodeIdMismatch,
                &fields.at.child(key),
                format!("the node stands under `{id}` and has another `node_id`; `{id}` counts"),
                "if connections use the other id, rename the key",
            );
            fields.map.shift_remove(key);
        }
    }
}

fn read_type(fields: &mut Fields<'_>, normal: &Pointer, renamed: &mut Vec<String>) -> String {
    if !take_renamed(fields, "node_type", "type", normal, renamed) {
        fields.say(
            Code::MissingRequiredField,
            "the node has no `node_type`",
            "write the type of the node, such as `LogNode`",
        );
        return String::new();
    }
    let at = fields.place("node_type");
    let Some(Value::String(node_type)) = fields.take("node_type") else {
        fields.notes.say(
            Code::InvalidType,
            &at,
            "the type of the node is not a string",
            "write the type of the node, such as `LogNode`",
        );
        return String::new();
    };
    match node_type.rsplit_once('.') {
        Some((_, class)) if !class.is_empty() => {
            fields.notes.say(
                Code::NodeTypeShortened,
                &at,
                format!(
                    "the node type `{node_type}` is the path of a class and was read as `{class}`"
                ),
                "nothing to do; `rpa import` writes it so",
            );
            class.to_owned()
        }
        _ => node_type,
    }
}

/// Sees to it that a field stands under its name in the normal form; the answer is whether it is there at all.
/// If it is there under both names, the other one is left alone.
fn take_renamed(
    fields: &mut Fields<'_>,
    key: &str,
    other: &str,
    normal: &Pointer,
    renamed: &mut Vec<String>,
) -> bool {
    if fields.has(key) {
        if fields.has(other) && fields.map.get(key) != fields.map.get(other) {
            fields.notes.say(
                Code::IgnoredValue,
                &fields.at.child(other),
                format!("the node has both `{key}` and `{other}`; `{key}` counts"),
                format!("move what you need into `{key}`, and remove `{other}`"),
            );
        }
        return true;
    }
    let Some(value) = fields.take(other) else {
        return false;
    };
    let given = fields.at.child(other);
    fields
        .notes
        .origins
        .record(normal.child(key), given.clone());
    fields.adopt(key, value, given);
    renamed.push(format!("`{other}` was read as `{key}`"));
    true
}

fn read_position(fields: &mut Fields<'_>, renamed: &mut Vec<String>) -> Option<[f64; 2]> {
    let value = fields.take("position")?;
    let pair = pair(&value);
    if pair.is_some() && value.is_object() {
        renamed.push("`x` and `y` were read as a pair".to_owned());
    }
    if pair.is_none() {
        fields.say(
            Code::InvalidPosition,
            "the position of the node is not a pair of numbers and was left out",
            "nothing to do; positions only matter to the editor",
        );
    }
    pair
}

/// Reads a position in either of its spellings.
pub(super) fn pair(value: &Value) -> Option<[f64; 2]> {
    let (x, y) = match value {
        Value::Array(pair) => match pair.as_slice() {
            [x, y] => (x, y),
            _ => return None,
        },
        Value::Object(pair) => (pair.get("x")?, pair.get("y")?),
        _ => return None,
    };
    Some([x.as_f64()?, y.as_f64()?])
}

fn drop_ports(fields: &mut Fields<'_>, id: &str) {
    let inputs = fields.map.shift_remove("input_ports").is_some();
    let outputs = fields.map.shift_remove("output_ports").is_some();
    if inputs || outputs {
        fields.say(
            Code::PortSnapshotRemoved,
            format!("node `{id}` had copies of its ports"),
            "nothing to do; ports come from the node type",
        );
    }
}
