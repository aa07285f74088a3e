//! The variables that a workflow declares.

use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::{Fields, Notes, kind};
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// The keys of a declaration. An object that has only these, or has a default value, is one; all other objects
/// are values.
const DECLARATION: [&str; 9] = [
    "name",
    "type",
    "data_type",
    "default_value",
    "description",
    "sensitive",
    "readonly",
    "required",
    "scope",
];

/// A variable and the value it starts with.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Variable {
    /// What templates call it. In a file it is the key.
    #[serde(skip)]
    pub name: String,
    /// Its type, as the file calls it; nothing enforces it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// What it is before anything sets it.
    pub default_value: Value,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether its value must not be shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// Whether the workflow may not set it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub readonly: bool,
    /// Whether a run must be given a value for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Where it is known, as the file calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Variable {
    pub(super) fn plain(name: String, value: Value) -> Self {
        Self {
            name,
            default_value: value,
            ..Self::default()
        }
    }

    /// Reads what stands under a name: a declaration, or the value itself.
    pub(super) fn read(name: String, value: Value, at: Pointer, notes: &mut Notes) -> Self {
        match value {
            Value::Object(map) if is_declaration(&map) => Self::declared(name, map, at, notes),
            value => {
                notes.say(
                    Code::VariableExpanded,
                    &at,
                    format!("the variable `{name}` is given by its value alone"),
                    "nothing to do; `rpa import` writes a declaration with this default value",
                );
                Self::plain(name, value)
            }
        }
    }

    fn declared(name: String, map: Map<String, Value>, at: Pointer, notes: &mut Notes) -> Self {
        let mut fields = Fields::new(map, at, notes);
        // The key is the name. Another one inside is kept among the rest.
        if fields.map.get("name").and_then(Value::as_str) == Some(name.as_str()) {
            fields.take("name");
        }
        let mut data_type = fields.text("type");
        if data_type.is_none() {
            data_type = fields.text("data_type");
            if data_type.is_some() {
                fields.say(
                    Code::FieldsRenamed,
                    "`data_type` was read as `type`",
                    "nothing to do; `rpa import` writes it so",
                );
            }
        }
        Self {
            name,
            data_type,
            default_value: fields.take("default_value").unwrap_or_default(),
            description: fields.text("description"),
            sensitive: fields.flag("sensitive").unwrap_or_default(),
            readonly: fields.flag("readonly").unwrap_or_default(),
            required: fields.flag("required").unwrap_or_default(),
            scope: fields.text("scope"),
            extra: fields.map,
        }
    }

    /// Reads an element of a list of declarations, which has its name inside.
    pub(super) fn listed(value: Value, at: Pointer, notes: &mut Notes) -> Option<Self> {
        let Value::Object(map) = value else {
            notes.say(
                Code::InvalidType,
                &at,
                format!("a variable in a list is {}, not an object", kind(&value)),
                "write an object with `name` and `default_value`",
            );
            return None;
        };
        let mut fields = Fields::new(map, at, notes);
        let Some(name) = fields.text("name") else {
            fields.say(
                Code::MissingRequiredField,
                "a variable in a list has no `name`",
                "give it the `name` that templates call it by",
            );
            return None;
        };
        fields.say(
            Code::VariableExpanded,
            format!("the variable `{name}` is declared in a list"),
            "nothing to do; `rpa import` declares it under its name",
        );
        let Fields { map, at, notes, .. } = fields;
        Some(Self::declared(name, map, at, notes))
    }
}

fn is_declaration(map: &Map<String, Value>) -> bool {
    let known = |key: &String| DECLARATION.contains(&key.as_str());
    map.contains_key("default_value") || (!map.is_empty() && map.keys().all(known))
}
