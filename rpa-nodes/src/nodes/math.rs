//! Nodes that calculate and compare.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType};
use crate::expression::{round_half_even, round_to};
use crate::fault::Fault;
use crate::value::{self, compare, equal};
use crate::visit::Call;

const OPERATIONS: &[&str] = &[
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "power",
    "modulo",
    "min",
    "max",
    "abs",
    "sqrt",
    "floor",
    "ceil",
    "round",
    "sin",
    "cos",
    "tan",
    "log",
    "log10",
    "exp",
    "negate",
];
const COMPARISONS: &[&str] = &[
    "==",
    "equals (==)",
    "!=",
    "not equals (!=)",
    ">",
    "greater than (>)",
    "<",
    "less than (<)",
    ">=",
    "greater than or equal (>=)",
    "<=",
    "less than or equal (<=)",
];

pub(super) fn types() -> Vec<NodeType> {
    vec![
        NodeType::compute(
            "MathOperationNode",
            "Calculates with one or two numbers. The result is a float.",
            calculate,
        )
        .input_or("a", Kind::Float, json!(0.0))
        .input_or("b", Kind::Float, json!(0.0))
        .property("operation", Kind::Choice(OPERATIONS), "add")
        .optional("round_digits", Kind::Integer)
        .optional("output_var", Kind::Text)
        .output("result", Kind::Float),
        NodeType::compute(
            "ComparisonNode",
            "Compares two values. A text and a number are never equal, and have no order.",
            comparison,
        )
        .input("a", Kind::Any)
        .input("b", Kind::Any)
        .property("operator", Kind::Choice(COMPARISONS), "==")
        .output("result", Kind::Boolean),
    ]
}

fn calculate(call: &mut Call<'_>) -> Result<(), Fault> {
    let a = call.number("a").unwrap_or(0.0);
    let b = call.number("b").unwrap_or(0.0);
    let operation = call.text("operation");
    if b == 0.0 && matches!(operation.as_str(), "divide" | "floor_divide" | "modulo") {
        return Err(Fault::of("ZeroDivisionError", "division by zero"));
    }
    let domain = |allowed: bool| match allowed {
        true => Ok(()),
        false => Err(Fault::value(format!("{operation} of {a} is no number"))),
    };
    let result = match operation.as_str() {
        "subtract" => a - b,
        "multiply" => a * b,
        "divide" => a / b,
        "floor_divide" => (a / b).floor(),
        "power" => a.powf(b),
        "modulo" => a - b * (a / b).floor(),
        "min" => a.min(b),
        "max" => a.max(b),
        "abs" => a.abs(),
        "sqrt" => {
            domain(a >= 0.0)?;
            a.sqrt()
        }
        "floor" => a.floor(),
        "ceil" => a.ceil(),
        "round" => round_half_even(a),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tan" => a.tan(),
        "log" => {
            domain(a > 0.0)?;
            a.ln()
        }
        "log10" => {
            domain(a > 0.0)?;
            a.log10()
        }
        "exp" => a.exp(),
        "negate" => -a,
        _ => a + b,
    };
    let result = match call.integer("round_digits") {
        Some(digits) => round_to(result, digits),
        None => result,
    };
    let result = value::float(result).map_err(|reason| Fault::of("OverflowError", reason))?;
    let name = call.text("output_var");
    if !name.trim().is_empty() {
        call.set(&name, result.clone())?;
    }
    call.give("result", result);
    Ok(())
}

fn comparison(call: &mut Call<'_>) -> Result<(), Fault> {
    let (a, b) = (call.value("a"), call.value("b"));
    let operator = call.text("operator");
    let sign = operator
        .rsplit_once('(')
        .map_or(operator.as_str(), |(_, sign)| sign.trim_end_matches(')'));
    let order = || compare(&a, &b).map_err(|reason| Fault::of("TypeError", reason));
    let result = match sign {
        "!=" => !equal(&a, &b),
        ">" => order()? == Ordering::Greater,
        "<" => order()? == Ordering::Less,
        ">=" => order()? != Ordering::Less,
        "<=" => order()? != Ordering::Greater,
        _ => equal(&a, &b),
    };
    call.give("result", Value::Bool(result));
    Ok(())
}
