//! Nodes that work with dicts and JSON. None changes the dict it takes: each gives a new one.

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType, written};
use crate::fault::Fault;
use crate::value::{Object, Path, follow, segments, text};
use crate::visit::Call;

/// The slots of a new dict.
const SLOTS: [(&str, &str); 5] = [
    ("key_1", "value_1"),
    ("key_2", "value_2"),
    ("key_3", "value_3"),
    ("key_4", "value_4"),
    ("key_5", "value_5"),
];

pub(super) fn types() -> Vec<NodeType> {
    let compute = NodeType::compute;
    let dict = |node_type: NodeType| node_type.needs("dict", Kind::Dict);
    let mut create = compute(
        "CreateDictNode",
        "Makes a dict of pairs; slots without a key are left out.",
        |call| {
            let mut map = Object::new();
            for (key, value) in SLOTS {
                let key = call.text(key);
                if !key.is_empty() {
                    map.insert(key, call.value(value));
                }
            }
            call.give("dict", Value::Object(map));
            Ok(())
        },
    )
    .output("dict", Kind::Dict);
    for (key, value) in SLOTS {
        create = create.input(key, Kind::Text).input(value, Kind::Any);
    }
    vec![
        create,
        compute("JsonParseNode", "Reads JSON.", |call| {
            let data: Value = serde_json::from_str(&call.text("json_string")).map_err(|error| {
                Fault::of("JSONDecodeError", format!("the text is not JSON: {error}"))
            })?;
            call.give("data", data);
            Ok(())
        })
        .alias("ParseJSONNode")
        .needs("json_string", Kind::Text)
        .output("data", Kind::Any),
        compute(
            "GetPropertyNode",
            "Takes a part of a dict: `a.b[0].c`.",
            |call| {
                let path = call.text("property_path");
                let steps = segments(path.trim()).ok_or_else(|| {
                    Fault::value(format!("`{path}` is no path; write it as `a.b[0].c`"))
                })?;
                let value = follow(&meant(call.value("object")), &steps).cloned();
                call.give("value", value.unwrap_or_default());
                Ok(())
            },
        )
        .needs("object", Kind::Any)
        .needs("property_path", Kind::Text)
        .output("value", Kind::Any),
        dict(compute(
            "DictGetNode",
            "Takes the value of a key; `default` if it is not there.",
            |call| {
                let found = call.dict("dict").get(&call.text("key")).cloned();
                call.give("found", found.is_some());
                let value = found.unwrap_or_else(|| call.value("default"));
                call.give("value", value);
                Ok(())
            },
        ))
        .input("key", Kind::Text)
        .input("default", Kind::Any)
        .output("value", Kind::Any)
        .output("found", Kind::Boolean),
        compute("DictSetNode", "Puts a value under a key.", |call| {
            let mut map = call.dict("dict");
            map.insert(call.text("key"), call.value("value"));
            call.give("result", Value::Object(map));
            Ok(())
        })
        .input_or("dict", Kind::Dict, json!({}))
        .needs("key", Kind::Text)
        .input("value", Kind::Any)
        .output("result", Kind::Dict)
        .port("dict", "result"),
        dict(compute(
            "DictRemoveNode",
            "Takes a key out of a dict.",
            |call| {
                let mut map = call.dict("dict");
                let removed = map.shift_remove(&call.text("key"));
                call.give("removed_value", removed.unwrap_or_default());
                call.give("result", Value::Object(map));
                Ok(())
            },
        ))
        .needs("key", Kind::Text)
        .output("result", Kind::Dict)
        .output("removed_value", Kind::Any)
        .port("dict", "result"),
        compute(
            "DictMergeNode",
            "Makes one dict of two; where both have a key, the second counts.",
            |call| {
                let mut map = call.dict("dict_1");
                map.extend(call.dict("dict_2"));
                call.give("result", Value::Object(map));
                Ok(())
            },
        )
        .input_or("dict_1", Kind::Dict, json!({}))
        .input_or("dict_2", Kind::Dict, json!({}))
        .key("dict1", "dict_1")
        .key("dict2", "dict_2")
        .output("result", Kind::Dict)
        .port("dict", "result"),
        dict(compute(
            "DictKeysNode",
            "The keys of a dict, in their order.",
            |call| {
                let keys: Vec<String> = call.dict("dict").keys().cloned().collect();
                call.give("count", keys.len());
                call.give("keys", keys);
                Ok(())
            },
        ))
        .output("keys", Kind::List)
        .output("count", Kind::Integer),
        dict(compute(
            "DictValuesNode",
            "The values of a dict, in the order of their keys.",
            |call| {
                let values: Vec<Value> = call.dict("dict").values().cloned().collect();
                call.give("count", values.len());
                call.give("values", values);
                Ok(())
            },
        ))
        .output("values", Kind::List)
        .output("count", Kind::Integer),
        dict(compute(
            "DictItemsNode",
            "The pairs of a dict, each as a dict of `key` and `value`.",
            |call| {
                let items: Vec<Value> = call
                    .dict("dict")
                    .iter()
                    .map(|(key, value)| json!({"key": key, "value": value}))
                    .collect();
                call.give("count", items.len());
                call.give("items", items);
                Ok(())
            },
        ))
        .output("items", Kind::List)
        .output("count", Kind::Integer),
        dict(compute(
            "DictHasKeyNode",
            "Whether a dict has a key.",
            |call| {
                call.give("has_key", call.dict("dict").contains_key(&call.text("key")));
                Ok(())
            },
        ))
        .input("key", Kind::Text)
        .output("has_key", Kind::Boolean),
        compute("DictToJsonNode", "Writes a dict as JSON.", |call| {
            let indent = call
                .integer("indent")
                .and_then(|indent| usize::try_from(indent).ok());
            let options = Writing {
                indent: indent.unwrap_or(0),
                sort_keys: call.flag("sort_keys"),
                ascii: call.flag("ensure_ascii"),
            };
            let written = options.write(meant(call.value("dict")))?;
            call.give("json_string", written);
            Ok(())
        })
        .needs("dict", Kind::Any)
        .input("indent", Kind::Integer)
        .property("sort_keys", Kind::Boolean, false)
        .property("ensure_ascii", Kind::Boolean, true)
        .output("json_string", Kind::Text),
        compute(
            "DataCompareNode",
            "Compares two lists of dicts by key columns (separated by commas), or as they are.",
            differences,
        )
        .needs("data_a", Kind::List)
        .needs("data_b", Kind::List)
        .input("key_columns", Kind::Text)
        .property("compare_all_columns", Kind::Boolean, true)
        .property("case_sensitive", Kind::Boolean, true)
        .output("only_in_a", Kind::List)
        .output("only_in_b", Kind::List)
        .output("matched", Kind::List)
        .output("diff_summary", Kind::Dict)
        .output("has_differences", Kind::Boolean),
    ]
}

/// What is meant where a dict or a list belongs: a config can only have the text of one.
pub(super) fn meant(value: Value) -> Value {
    match &value {
        Value::String(said) if said.trim_start().starts_with(['{', '[']) => {
            written(said).unwrap_or(value)
        }
        _ => value,
    }
}

/// How JSON is written, as Python's `json.dumps` does it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub(super) indent: usize,
    pub(super) sort_keys: bool,
    pub(super) ascii: bool,
}

impl Writing {
    pub(super) fn write(self, mut value: Value) -> Result<String, Fault> {
        if self.sort_keys {
            value.sort_all_objects();
        }
        let mut text = String::new();
        self.put(&value, 0, &mut text);
        if self.ascii && !text.is_ascii() {
            let escape = |character: char| -> String {
                if character.is_ascii() {
                    return character.to_string();
                }
                let mut units = [0; 2];
                let units = character.encode_utf16(&mut units);
                units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
            };
            text = text.chars().map(escape).collect();
        }
        Ok(text)
    }

    fn put(self, value: &Value, depth: usize, text: &mut String) {
        let line = |text: &mut String, depth: usize| {
            if self.indent > 0 {
                text.push('\n');
                text.push_str(&" ".repeat(self.indent * depth));
            }
        };
        let comma = if self.indent > 0 { "," } else { ", " };
        match value {
            Value::Array(items) if !items.is_empty() => {
                text.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        text.push_str(comma);
                    }
                    line(text, depth + 1);
                    self.put(item, depth + 1, text);
                }
                line(text, depth);
                text.push(']');
            }
            Value::Object(map) if !map.is_empty() => {
                text.push('{');
                for (place, (key, item)) in map.iter().enumerate() {
                    if place > 0 {
                        text.push_str(comma);
                    }
                    line(text, depth + 1);
                    text.push_str(&Value::from(key.as_str()).to_string());
                    text.push_str(": ");
                    self.put(item, depth + 1, text);
                }
                line(text, depth);
                text.push('}');
            }
            other => text.push_str(&other.to_string()),
        }
    }
}

fn differences(call: &mut Call<'_>) -> Result<(), Fault> {
    let names = call.text("key_columns");
    let columns: Vec<&str> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let is_cased = call.flag("case_sensitive");
    let key = |row: &Value| -> String {
        let parts: Vec<String> = match columns.as_slice() {
            [] => vec![Value::to_string(row)],
            columns => columns
                .iter()
                .map(|column| {
                    let path = Path::parse(&format!("row.{column}"));
                    path.and_then(|path| path.follow(row).map(text))
                        .unwrap_or_default()
                })
                .collect(),
        };
        let key = parts.join("\u{1f}");
        if is_cased { key } else { key.to_lowercase() }
    };
    let (a, b) = (call.list("data_a"), call.list("data_b"));
    let keys_of_a: Vec<String> = a.iter().map(key).collect();
    let keys_of_b: Vec<String> = b.iter().map(key).collect();
    let compares = call.flag("compare_all_columns");
    let mut only_in_a = Vec::new();
    let mut matched = Vec::new();
    let mut changed = 0_usize;
    for (row, key) in a.iter().zip(&keys_of_a) {
        match keys_of_b
            .iter()
            .position(|other| other == key)
            .and_then(|place| b.get(place))
        {
            Some(other) => {
                changed += usize::from(compares && !crate::value::equal(row, other));
                matched.push(row.clone());
            }
            None => only_in_a.push(row.clone()),
        }
    }
    let only_in_b: Vec<Value> = b
        .iter()
        .zip(&keys_of_b)
        .filter(|(_, key)| !keys_of_a.contains(key))
        .map(|(row, _)| row.clone())
        .collect();
    call.give(
        "diff_summary",
        json!({
            "only_in_a": only_in_a.len(), "only_in_b": only_in_b.len(), "matched": matched.len(), "changed": changed,
        }),
    );
    call.give(
        "has_differences",
        !only_in_a.is_empty() || !only_in_b.is_empty() || changed > 0,
    );
    call.give("only_in_a", only_in_a);
    call.give("only_in_b", only_in_b);
    call.give("matched", matched);
    Ok(())
}
