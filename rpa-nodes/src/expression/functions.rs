use std::cmp::Ordering;

use serde_json::Value;

use super::ExpressionError;
use super::evaluate::integer;
use crate::host;
use crate::value::{self, text, truth};

pub(super) const NAMES: [&str; 17] = [
    "len", "bool", "abs", "min", "max", "sum", "round", "sorted", "list", "tuple", "range", "any",
    "all", "int", "float", "str", "rand",
];
/// Beside the seventeen that messages name.
const RANDINT: &str = "randint";
/// The longest range.
const LONGEST: i64 = 1_000_000;

pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name) || name == RANDINT
}

pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, ExpressionError> {
    let wrong = |wanted: &str| ExpressionError::new(format!("`{name}` takes {wanted}"));
    match (name, arguments) {
        ("len", [of]) => length(of)
            .map(Value::from)
            .ok_or_else(|| ExpressionError::new(format!("{} has no length", value::kind(of)))),
        ("bool", [of]) => Ok(Value::Bool(truth(of))),
        ("str", [of]) => Ok(Value::String(text(of))),
        ("int", [of]) => match of {
            Value::Number(number) if number.is_f64() => {
                value::whole(number.as_f64().unwrap_or_default().trunc()).map(Value::from)
            }
            Value::String(text) => text.trim().parse::<i64>().ok().map(Value::from),
            other => integer(other).ok().map(Value::from),
        }
        .ok_or_else(|| ExpressionError::new(format!("{} is no integer", value::repr(of)))),
        ("float", [of]) => value::read_number(of)
            .map(Value::from)
            .ok_or_else(|| ExpressionError::new(format!("{} is no number", value::repr(of)))),
        ("abs", [of]) => match (integer(of), value::number(of)) {
            (Ok(integer), _) => Ok(Value::from(integer.saturating_abs())),
            (_, Some(number)) => Ok(Value::from(number.abs())),
            _ => Err(wrong("a number")),
        },
        ("round", [of]) => {
            let number = value::number(of).ok_or_else(|| wrong("a number"))?;
            value::whole(round_half_even(number))
                .map(Value::from)
                .ok_or_else(|| wrong("a number that an integer can be"))
        }
        ("round", [of, digits]) => {
            let number = value::number(of).ok_or_else(|| wrong("a number"))?;
            Ok(Value::from(round_to(number, integer(digits)?)))
        }
        ("min" | "max", [Value::Array(items)]) => extreme(name, items),
        ("min" | "max", items) if items.len() > 1 => extreme(name, items),
        ("sum", [Value::Array(items)]) => sum(items),
        ("sorted", [of]) => {
            let mut items = elements(of).ok_or_else(|| wrong("a list"))?;
            sort(&mut items)?;
            Ok(Value::Array(items))
        }
        ("list" | "tuple", []) => Ok(Value::Array(Vec::new())),
        ("list" | "tuple", [of]) => elements(of)
            .map(Value::Array)
            .ok_or_else(|| wrong("a list, a text or a dict")),
        ("range", [end]) => range(0, integer(end)?, 1),
        ("range", [start, end]) => range(integer(start)?, integer(end)?, 1),
        ("range", [start, end, step]) => range(integer(start)?, integer(end)?, integer(step)?),
        ("any", [Value::Array(items)]) => Ok(Value::Bool(items.iter().any(truth))),
        ("all", [Value::Array(items)]) => Ok(Value::Bool(items.iter().all(truth))),
        ("rand", []) => Ok(Value::from(host::random_fraction())),
        (RANDINT, [below]) => {
            let below = integer(below)?;
            if below <= 0 {
                return Err(wrong("an integer above 0"));
            }
            Ok(Value::from(host::random_integer(0, below - 1)))
        }
        _ => Err(ExpressionError::new(format!(
            "`{name}` cannot be called with {} of these arguments",
            arguments.len()
        ))),
    }
}

pub(super) fn length(of: &Value) -> Option<usize> {
    match of {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(map) => Some(map.len()),
        _ => None,
    }
}

/// What a loop over a value comes by.
fn elements(of: &Value) -> Option<Vec<Value>> {
    match of {
        Value::Array(items) => Some(items.clone()),
        Value::String(text) => Some(
            text.chars()
                .map(|character| Value::String(character.to_string()))
                .collect(),
        ),
        Value::Object(map) => Some(map.keys().cloned().map(Value::String).collect()),
        _ => None,
    }
}

/// Sorts values that have an order.
///
/// # Errors
/// Two of them have none.
pub(crate) fn sort(items: &mut [Value]) -> Result<(), ExpressionError> {
    let mut incomparable = None;
    items.sort_by(|left, right| {
        value::compare(left, right).unwrap_or_else(|error| {
            incomparable.get_or_insert(error);
            Ordering::Equal
        })
    });
    incomparable.map_or(Ok(()), |error| Err(ExpressionError::new(error)))
}

fn extreme(name: &str, items: &[Value]) -> Result<Value, ExpressionError> {
    let wanted = if name == "min" {
        Ordering::Less
    } else {
        Ordering::Greater
    };
    let mut items = items.iter();
    let mut best = items
        .next()
        .ok_or_else(|| ExpressionError::new(format!("`{name}` of nothing")))?;
    for item in items {
        if value::compare(item, best).map_err(ExpressionError::new)? == wanted {
            best = item;
        }
    }
    Ok(best.clone())
}

pub(crate) fn sum(items: &[Value]) -> Result<Value, ExpressionError> {
    if let Ok(integers) = items.iter().map(integer).collect::<Result<Vec<i64>, _>>() {
        return integers
            .into_iter()
            .try_fold(0_i64, i64::checked_add)
            .map(Value::from)
            .ok_or_else(|| ExpressionError::new("the sum is too large for an integer"));
    }
    let mut sum = 0.0;
    for item in items {
        sum += value::number(item).ok_or_else(|| {
            ExpressionError::new(format!("{} cannot be added up", value::kind(item)))
        })?;
    }
    value::float(sum).map_err(ExpressionError::new)
}

fn range(start: i64, end: i64, step: i64) -> Result<Value, ExpressionError> {
    if step == 0 {
        return Err(ExpressionError::new("the step of a range cannot be 0"));
    }
    let mut items = Vec::new();
    let mut item = start;
    while (step > 0 && item < end) || (step < 0 && item > end) {
        if items.len() as i64 >= LONGEST {
            return Err(ExpressionError::new(format!(
                "the range would have more than {LONGEST} elements"
            )));
        }
        items.push(Value::from(item));
        item = item.saturating_add(step);
    }
    Ok(Value::Array(items))
}

/// Halves go to the even neighbour, as in Python.
pub(crate) fn round_half_even(number: f64) -> f64 {
    let rounded = number.round();
    if (number - number.trunc()).abs() == 0.5 && rounded % 2.0 != 0.0 {
        return rounded - number.signum();
    }
    rounded
}

/// Rounds to so many digits behind the point.
pub(crate) fn round_to(number: f64, digits: i64) -> f64 {
    match usize::try_from(digits) {
        // The decimal text decides, as in Python: 2.675 is a little less than it looks.
        Ok(digits) if digits < 300 => format!("{number:.digits$}").parse().unwrap_or(number),
        Ok(_) => number,
        Err(_) => {
            let unit = 10_f64.powi(i32::try_from(digits.unsigned_abs()).unwrap_or(i32::MAX));
            round_half_even(number / unit) * unit
        }
    }
}

/// Puts a comma between each three digits before the point.
pub(crate) fn group_digits(number: &str) -> String {
    let (whole, fraction) = match number.find('.') {
        Some(point) => number.split_at(point),
        None => (number, ""),
    };
    let digits = whole.chars().filter(char::is_ascii_digit).count();
    let mut grouped = String::new();
    let mut seen = 0;
    for character in whole.chars() {
        if character.is_ascii_digit() {
            if seen > 0 && (digits - seen) % 3 == 0 {
                grouped.push(',');
            }
            seen += 1;
        }
        grouped.push(character);
    }
    grouped + fraction
}
