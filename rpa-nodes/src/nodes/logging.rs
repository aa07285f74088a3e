//! Nodes that tell and check something.

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::value::{self, Object, Path, text};
use crate::visit::Call;

const LEVELS: &[&str] = &["debug", "info", "warning", "error", "critical"];
const CHECKS: &[&str] = &[
    "not_empty",
    "is_string",
    "is_number",
    "is_integer",
    "is_boolean",
    "is_list",
    "is_dict",
    "min_length",
    "max_length",
    "min_value",
    "max_value",
    "in_list",
    "matches_regex",
    "is_email",
    "is_url",
];

pub(super) fn types() -> Vec<NodeType> {
    vec![
        NodeType::compute(
            "LogNode",
            "Logs a message, with `{name}` replaced by variables, and the data behind it. The line begins with the id of the \
             node in brackets, unless `include_node_id` is false. Times are in the history.",
            log,
        )
        .varies()
        .alias("LogMessageNode")
        .input("message", Kind::Text)
        .input("data", Kind::Any)
        .property("level", Kind::Choice(LEVELS), "critical")
        .property("include_timestamp", Kind::Boolean, true)
        .property("include_node_id", Kind::Boolean, true)
        .key("text", "message"),
        NodeType::compute("LogErrorNode", "Logs a failure, and gives what it logged.", log_error)
            .varies()
            .needs("error_message", Kind::Text)
            .needs("error_type", Kind::Text)
            .input("context", Kind::Any)
            .property("level", Kind::Choice(LEVELS), "error")
            .property("include_stack_trace", Kind::Boolean, false)
            .output("log_entry", Kind::Dict),
        NodeType::compute("ValidateNode", "Checks a value, and leaves by `valid` or `invalid`.", validate)
            .input("value", Kind::Any)
            .property("validation_type", Kind::Choice(CHECKS), "not_empty")
            .optional("validation_param", Kind::Any)
            .property("error_message", Kind::Text, "Validation failed")
            .output("is_valid", Kind::Boolean)
            .output("error_message", Kind::Text)
            .exits(&["valid", "invalid"]),
    ]
}

fn log(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut line = named_fields(&call.text("message"), call);
    if let Some(data) = call.get("data").filter(|data| !data.is_null()) {
        let data = text(data);
        line = if line.is_empty() {
            data
        } else {
            format!("{line}: {data}")
        };
    }
    if call.flag("include_node_id") {
        line = format!("[{}] {line}", call.node_id());
    }
    let level = call.text("level");
    call.log(&level, line);
    Ok(())
}

/// Replaces `{name}` by variables. Braces around anything else are braces: messages show JSON.
fn named_fields(message: &str, call: &Call<'_>) -> String {
    let mut result = String::new();
    let mut rest = message;
    while let Some((before, from)) = rest.split_once('{') {
        result.push_str(before);
        let value = from.split_once('}').and_then(|(name, after)| {
            let path = Path::parse(name)?;
            let value = path.follow(call.variable(&path.root)?)?;
            Some((text(value), after))
        });
        match value {
            Some((value, after)) => {
                result.push_str(&value);
                rest = after;
            }
            None => {
                result.push('{');
                rest = from;
            }
        }
    }
    result + rest
}

fn log_error(call: &mut Call<'_>) -> Result<(), Fault> {
    let (kind, message) = (call.text("error_type"), call.text("error_message"));
    let mut entry = Object::new();
    entry.insert("error_type".to_owned(), kind.clone().into());
    entry.insert("error_message".to_owned(), message.clone().into());
    entry.insert("context".to_owned(), call.value("context"));
    entry.insert("level".to_owned(), call.text("level").into());
    let level = call.text("level");
    call.log(&level, format!("[{}] {kind}: {message}", call.node_id()));
    call.give("log_entry", Value::Object(entry));
    Ok(())
}

fn validate(call: &mut Call<'_>) -> Result<(), Fault> {
    let value = call.value("value");
    let parameter = call.value("validation_param");
    let length = || match &value {
        Value::Array(items) => items.len() as f64,
        Value::Object(map) => map.len() as f64,
        other => text(other).chars().count() as f64,
    };
    let limit = || {
        value::read_number(&parameter)
            .ok_or_else(|| Fault::value("`validation_param` has to be a number for this check"))
    };
    let number = || value::read_number(&value);
    let matches = |pattern: &str| super::patterns::is_match(pattern, &text(&value));
    let is_valid = match call.text("validation_type").as_str() {
        "is_string" => value.is_string(),
        "is_number" => value.is_number(),
        "is_integer" => value.is_i64(),
        "is_boolean" => value.is_boolean(),
        "is_list" => value.is_array(),
        "is_dict" => value.is_object(),
        "min_length" => length() >= limit()?,
        "max_length" => length() <= limit()?,
        "min_value" => {
            let limit = limit()?;
            number().is_some_and(|number| number >= limit)
        }
        "max_value" => {
            let limit = limit()?;
            number().is_some_and(|number| number <= limit)
        }
        "in_list" => match Kind::List.coerce(parameter.clone()) {
            Ok(Value::Array(items)) => items.iter().any(|item| value::equal(item, &value)),
            _ => text(&parameter)
                .split(',')
                .any(|item| item.trim() == text(&value)),
        },
        "matches_regex" => matches(&text(&parameter))?,
        "is_email" => matches(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")?,
        "is_url" => matches(r"^https?://[^\s/$.?#][^\s]*$")?,
        _ => value::truth(&value) || value.is_number() || value.is_boolean(),
    };
    call.give("is_valid", is_valid);
    let message = if is_valid {
        json!("")
    } else {
        call.value("error_message")
    };
    call.give("error_message", message);
    call.leave_by(if is_valid { "valid" } else { "invalid" });
    Ok(())
}
