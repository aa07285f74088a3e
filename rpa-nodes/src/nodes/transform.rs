//! The node that converts anything.

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType, written};
use crate::expression::Expression;
use crate::fault::Fault;
use crate::value::{self, follow, means_yes, segments, text};
use crate::visit::Call;

const TRANSFORMS: &[&str] = &[
    "to_string",
    "to_integer",
    "to_float",
    "to_boolean",
    "to_list",
    "to_json",
    "from_json",
    "uppercase",
    "lowercase",
    "trim",
    "split",
    "join",
    "replace",
    "regex_extract",
    "get_key",
    "get_index",
];

pub(super) fn types() -> Vec<NodeType> {
    vec![
        NodeType::compute(
            "TransformNode",
            "Makes something else of a value, and sets `variable_name` to it. What cannot be converted is told by `success` and \
             `error`. `replace` takes `old,new`.",
            transform,
        )
        .needs("value", Kind::Any)
        .input("param", Kind::Any)
        .property("transform_type", Kind::Choice(TRANSFORMS), "to_string")
        .optional("transform_param", Kind::Any)
        .property("variable_name", Kind::Text, "transformed")
        .output("result", Kind::Any)
        .output("success", Kind::Boolean)
        .output("error", Kind::Text),
        NodeType::compute(
            "EvalExpressionNode",
            "Gives the value of an expression over variables. One without a value is told by `success` and `error`.",
            evaluate,
        )
        .alias("EvaluateExpressionNode")
        .needs("expression", Kind::Expression)
        .output("result", Kind::Any)
        .output("type", Kind::Text)
        .output("success", Kind::Boolean)
        .output("error", Kind::Text),
    ]
}

fn transform(call: &mut Call<'_>) -> Result<(), Fault> {
    let given = call.value("value");
    let parameter = call
        .get("param")
        .or_else(|| call.get("transform_param"))
        .cloned();
    let (result, error) = match convert(&call.text("transform_type"), &given, parameter.as_ref()) {
        Ok(result) => (result, None),
        Err(error) => (Value::Null, Some(error.message)),
    };
    let name = call.text("variable_name");
    if error.is_none() && !name.trim().is_empty() {
        call.set(&name, result.clone())?;
    }
    call.give("result", result);
    call.give("success", error.is_none());
    call.give("error", error.unwrap_or_default());
    Ok(())
}

fn evaluate(call: &mut Call<'_>) -> Result<(), Fault> {
    let (result, error) = match Expression::parse(&call.text("expression"))
        .and_then(|it| it.evaluate(call.scope()))
    {
        Ok(result) => (result, None),
        Err(error) => (Value::Null, Some(error.message)),
    };
    let kind = match &result {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    };
    call.give("type", kind);
    call.give("result", result);
    call.give("success", error.is_none());
    call.give("error", error.unwrap_or_default());
    Ok(())
}

fn convert(how: &str, given: &Value, parameter: Option<&Value>) -> Result<Value, Fault> {
    let said = text(given);
    let parameter_text = parameter.map(text).unwrap_or_default();
    let wrong = |what: &str| Fault::value(format!("{} is no {what}", value::kind(given)));
    Ok(match how {
        "to_integer" => value::read_number(given)
            .and_then(|number| value::whole(number.trunc()))
            .ok_or_else(|| wrong("integer"))?
            .into(),
        "to_float" => value::read_number(given)
            .ok_or_else(|| wrong("number"))?
            .into(),
        "to_boolean" => means_yes(given).into(),
        "to_list" => match given {
            Value::Array(_) => given.clone(),
            Value::Object(map) => map.values().cloned().collect(),
            Value::String(said) => match written(said) {
                Some(list @ Value::Array(_)) => list,
                _ => json!([said]),
            },
            other => json!([other]),
        },
        "to_json" => super::dicts::Writing {
            indent: 0,
            sort_keys: false,
            ascii: false,
        }
        .write(given.clone())?
        .into(),
        "from_json" => serde_json::from_str(&said)
            .map_err(|error| Fault::value(format!("the text is not JSON: {error}")))?,
        "uppercase" => said.to_uppercase().into(),
        "lowercase" => said.to_lowercase().into(),
        "trim" => said.trim().into(),
        "split" if parameter_text.is_empty() => said.split_whitespace().map(Value::from).collect(),
        "split" => said
            .split(parameter_text.as_str())
            .map(Value::from)
            .collect(),
        "join" => match given {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(text).collect();
                items.join(&parameter_text).into()
            }
            _ => return Err(wrong("list")),
        },
        "replace" => match parameter_text.split_once(',') {
            Some((old, new)) if !old.is_empty() => said.replace(old, new).into(),
            _ => return Err(Fault::value("`replace` takes `old,new` as its parameter")),
        },
        "regex_extract" => super::patterns::first(&parameter_text, &said)?,
        "get_key" => {
            let steps = segments(parameter_text.trim())
                .ok_or_else(|| Fault::value(format!("`{parameter_text}` is no path")))?;
            follow(given, &steps).cloned().unwrap_or_default()
        }
        "get_index" => {
            let place = parameter
                .and_then(value::read_integer)
                .ok_or_else(|| Fault::value("`get_index` takes a place as its parameter"))?;
            super::lists::item(given.as_array().ok_or_else(|| wrong("list"))?, place)?
        }
        _ => said.into(),
    })
}
