//! Nodes that set and read variables.

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType, written};
use crate::fault::Fault;
use crate::value::{self, means_yes, read_integer, read_number, text};
use crate::visit::Call;

const TYPES: &[&str] = &[
    "String",
    "Boolean",
    "Int32",
    "Integer",
    "Float",
    "Object",
    "Dict",
    "Array",
    "List",
    "FilePath",
    "DataTable",
    "Any",
];

pub(super) fn types() -> Vec<NodeType> {
    vec![
        NodeType::compute(
            "SetVariableNode",
            "Sets a variable. A value that cannot be converted to `variable_type` is kept as it is, with a warning.",
            set,
        )
        .alias("AssignNode")
        .needs("variable_name", Kind::Text)
        .input("value", Kind::Any)
        .optional("default_value", Kind::Any)
        .property("variable_type", Kind::Choice(TYPES), "String")
        .key("name", "variable_name")
        .output("value", Kind::Any),
        NodeType::compute("GetVariableNode", "Gives the value of a variable.", get)
            .needs("variable_name", Kind::Text)
            .optional("default_value", Kind::Any)
            .output("value", Kind::Any),
        NodeType::compute(
            "IncrementVariableNode",
            "Adds to a variable; one that is not there counts as 0. The result is a float.",
            increment,
        )
        .alias("IncrementNode")
        .needs("variable_name", Kind::Text)
        .input_or("increment", Kind::Float, json!(1.0))
        .key("amount", "increment")
        .output("value", Kind::Float),
    ]
}

fn set(call: &mut Call<'_>) -> Result<(), Fault> {
    let given = call.get("value").filter(|value| !value.is_null());
    let value = match given {
        Some(value) => value.clone(),
        None => call.value("default_value"),
    };
    let wanted = call.text("variable_type");
    let value = match convert(&value, &wanted) {
        Some(converted) => converted,
        None => {
            call.warn(format!(
                "{} is no {wanted}; the variable has it as it is",
                value::kind(&value)
            ));
            value
        }
    };
    call.set(&call.text("variable_name"), value.clone())?;
    call.give("value", value);
    Ok(())
}

fn convert(value: &Value, wanted: &str) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    match wanted {
        "Boolean" => Some(means_yes(value).into()),
        "Int32" | "Integer" => match read_integer(value) {
            Some(integer) => Some(integer.into()),
            None => value::whole(read_number(value)?.trunc()).map(Value::from),
        },
        "Float" => Some(read_number(value)?.into()),
        "Object" | "Dict" => Kind::Dict.coerce(value.clone()).ok(),
        "Array" | "List" | "DataTable" => match value {
            Value::Array(_) => Some(value.clone()),
            Value::String(said) => match written(said) {
                Some(list @ Value::Array(_)) => Some(list),
                _ if wanted == "DataTable" => None,
                _ if said.trim().is_empty() => Some(json!([])),
                _ => Some(
                    said.split(',')
                        .map(|part| Value::from(part.trim()))
                        .collect(),
                ),
            },
            _ => None,
        },
        "FilePath" => Some(text(value).into()),
        _ => Some(value.clone()),
    }
}

fn get(call: &mut Call<'_>) -> Result<(), Fault> {
    let name = call.text("variable_name");
    let value = call.variable(name.trim()).filter(|value| !value.is_null());
    let value = match value {
        Some(value) => value.clone(),
        None => call.value("default_value"),
    };
    call.give("value", value);
    Ok(())
}

fn increment(call: &mut Call<'_>) -> Result<(), Fault> {
    let name = call.text("variable_name");
    let before = match call.variable(name.trim()) {
        None | Some(Value::Null) => 0.0,
        Some(value) => read_number(value).ok_or_else(|| {
            Fault::value(format!(
                "the variable `{name}` is {}, no number",
                value::kind(value)
            ))
        })?,
    };
    let value = value::float(before + call.number("increment").unwrap_or(1.0))?;
    call.set(&name, value.clone())?;
    call.give("value", value);
    Ok(())
}
