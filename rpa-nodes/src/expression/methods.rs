//! The methods of texts, lists and dicts that conditions use.

use serde_json::Value;

use super::ExpressionError;
use crate::value::{self, text};

const NAMES: [&str; 19] = [
    "upper",
    "lower",
    "strip",
    "lstrip",
    "rstrip",
    "title",
    "startswith",
    "endswith",
    "split",
    "join",
    "replace",
    "find",
    "count",
    "isdigit",
    "get",
    "keys",
    "values",
    "items",
    "index",
];

pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

pub(super) fn call(of: &Value, name: &str, arguments: &[Value]) -> Result<Value, ExpressionError> {
    let found = match of {
        Value::String(of) => of_text(of, name, arguments),
        Value::Array(items) => of_list(items, name, arguments),
        Value::Object(map) => match (name, arguments) {
            ("get", [key]) => Some(map.get(&text(key)).cloned().unwrap_or_default()),
            ("get", [key, otherwise]) => Some(map.get(&text(key)).unwrap_or(otherwise).clone()),
            ("keys", []) => Some(map.keys().cloned().map(Value::String).collect()),
            ("values", []) => Some(map.values().cloned().collect()),
            ("items", []) => Some(
                map.iter()
                    .map(|(key, value)| Value::Array(vec![key.clone().into(), value.clone()]))
                    .collect(),
            ),
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| {
        ExpressionError::new(format!(
            "{} has no `{name}` with {} arguments of this kind",
            value::kind(of),
            arguments.len()
        ))
    })
}

fn of_text(of: &str, name: &str, arguments: &[Value]) -> Option<Value> {
    Some(match (name, arguments) {
        ("upper", []) => of.to_uppercase().into(),
        ("lower", []) => of.to_lowercase().into(),
        ("title", []) => crate::nodes::title_case(of).into(),
        ("strip", []) => of.trim().into(),
        ("lstrip", []) => of.trim_start().into(),
        ("rstrip", []) => of.trim_end().into(),
        ("isdigit", []) => {
            (!of.is_empty() && of.chars().all(|character| character.is_numeric())).into()
        }
        ("startswith", [Value::String(with)]) => of.starts_with(with.as_str()).into(),
        ("endswith", [Value::String(with)]) => of.ends_with(with.as_str()).into(),
        ("split", []) => of.split_whitespace().map(Value::from).collect(),
        ("split", [Value::String(separator)]) if !separator.is_empty() => {
            of.split(separator.as_str()).map(Value::from).collect()
        }
        ("join", [Value::Array(items)]) => {
            let items: Vec<String> = items.iter().map(text).collect();
            items.join(of).into()
        }
        ("replace", [Value::String(old), Value::String(new)]) => {
            of.replace(old.as_str(), new).into()
        }
        ("find", [Value::String(part)]) => match of.find(part.as_str()) {
            Some(place) => of.get(..place)?.chars().count().into(),
            None => (-1).into(),
        },
        ("count", [Value::String(part)]) if !part.is_empty() => {
            of.matches(part.as_str()).count().into()
        }
        _ => return None,
    })
}

fn of_list(items: &[Value], name: &str, arguments: &[Value]) -> Option<Value> {
    let [wanted] = arguments else { return None };
    let mut places = items
        .iter()
        .enumerate()
        .filter(|(_, item)| value::equal(item, wanted))
        .map(|(place, _)| place);
    match name {
        "index" => places.next().map(Value::from),
        "count" => Some(places.count().into()),
        _ => None,
    }
}
