//! What a workflow says about itself.

use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::{Fields, Notes};
use super::wrapper::Wrapper;
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// The name of a workflow that has none.
const UNTITLED: &str = "Untitled";
/// Longer names are refused, in characters.
const NAME_LIMIT: usize = 255;
/// Longer names are worth a word.
const NAME_COMFORT: usize = 100;
/// The version of the format that this crate reads.
const SCHEMA_VERSION: &str = "1.0.0";

/// What describes a workflow and may stand outside of its `metadata`. The id of a wrapper is not the workflow's.
const DESCRIPTIVE: [&str; 7] = [
    "name",
    "description",
    "author",
    "version",
    "tags",
    "created_at",
    "modified_at",
];

/// Who made a workflow, when, and what it is called.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Metadata {
    /// Identifies the file among others; other workflows call it by this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What people call it.
    pub name: String,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The author's version of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// When it was made, as the file writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When it was last changed, as the file writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<String>,
    /// The version of the file format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<String>,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Metadata {
    /// Reads `metadata`, with what stands around it and belongs into it.
    pub(super) fn gather(body: &mut Fields<'_>, around: Option<&Wrapper>) -> Self {
        let at = match body.has("metadata") {
            true => body.at.child("metadata"),
            false => body.at.clone(),
        };
        let map = body.section("metadata");
        let mut lifted = Vec::new();
        for key in ["id"].iter().chain(&DESCRIPTIVE) {
            if is_missing(&map, key)
                && let Some(value) = body.take(key)
            {
                lifted.push((*key, value, body.at.child(key)));
            }
        }
        if let Some(wrapper) = around {
            // Templates describe themselves in their own metadata.
            let own = wrapper.keys.get("metadata").and_then(Value::as_object);
            let (header, outside) = match own {
                Some(own) => (own, Pointer::root().child("metadata")),
                None => (&wrapper.keys, Pointer::root()),
            };
            for key in DESCRIPTIVE {
                let known =
                    !is_missing(&map, key) || lifted.iter().any(|(lifted, ..)| *lifted == key);
                if !known && let Some(value) = header.get(key).filter(|value| !value.is_null()) {
                    lifted.push((key, value.clone(), outside.child(key)));
                }
            }
        }
        let normal = Pointer::root().child("metadata");
        let mut fields = Fields::new(map, at, body.notes);
        for (key, value, given) in lifted {
            fields.notes.say(
                Code::MetadataLifted,
                &given,
                format!("`{key}` was taken over into `metadata`"),
                "nothing to do; `rpa import` writes it so",
            );
            fields
                .notes
                .origins
                .record(normal.child(key), given.clone());
            fields.adopt(key, value, given);
        }
        Self::read(fields)
    }

    fn read(mut fields: Fields<'_>) -> Self {
        let metadata = Self {
            id: fields.text("id"),
            name: read_name(&mut fields),
            description: fields.text("description"),
            author: fields.text("author"),
            version: fields.text("version"),
            tags: fields.texts("tags"),
            created_at: fields.text("created_at"),
            modified_at: fields.text("modified_at"),
            schema_version: fields.text("schema_version"),
            extra: Map::new(),
        };
        if let Some(version) = &metadata.schema_version {
            let at = fields.place("schema_version");
            expect_version(version, SCHEMA_VERSION, &at, fields.notes);
        }
        Self {
            extra: fields.map,
            ..metadata
        }
    }
}

fn is_missing(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).is_none_or(Value::is_null)
}

/// Says so if a file is of another version than the one this crate was written for.
pub(super) fn expect_version(found: &str, known: &str, at: &Pointer, notes: &mut Notes) {
    if found != known {
        notes.say(
            Code::SchemaVersionMismatch,
            at,
            format!("the file has format version `{found}`, and `{known}` is known here"),
            "check that everything was read as you mean it, or save the workflow again in the editor",
        );
    }
}

fn read_name(fields: &mut Fields<'_>) -> String {
    if let Some(Value::Array(_) | Value::Object(_)) = fields.map.get("name") {
        let at = fields.place("name");
        fields.notes.say(
            Code::InvalidType,
            &at,
            "the name of the workflow is not a string",
            "write a name",
        );
        fields.take("name");
        return UNTITLED.to_owned();
    }
    let Some(name) = fields.text("name") else {
        fields.say(
            Code::MissingName,
            format!("the workflow has no name and is called `{UNTITLED}`"),
            "add a `name`",
        );
        return UNTITLED.to_owned();
    };
    let at = fields.place("name");
    let length = name.chars().count();
    if name.trim().is_empty() {
        fields.notes.say(
            Code::BlankName,
            &at,
            "the name of the workflow is blank",
            "write a name",
        );
    } else if length > NAME_LIMIT {
        fields.notes.say(
            Code::NameTooLong,
            &at,
            format!("the name has {length} characters; {NAME_LIMIT} are allowed"),
            "shorten the name and put the rest into the description",
        );
    } else if length > NAME_COMFORT {
        fields.notes.say(
            Code::NameLong,
            &at,
            format!("the name has {length} characters; lists show about {NAME_COMFORT}"),
            "shorten the name and put the rest into the description",
        );
    }
    name
}
