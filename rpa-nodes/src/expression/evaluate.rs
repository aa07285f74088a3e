use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Arithmetic, Comparison, ExpressionError, Node, functions, methods};
use crate::template::{self, Scope};
use crate::value::{self, text};

/// The longest text or list that an expression may make: what `'a' * 1000000000` would need is refused.
const LONGEST: usize = 1_000_000;

pub(super) fn evaluate(node: &Node, scope: &dyn Scope) -> Result<Value, ExpressionError> {
    let of = |node: &Node| evaluate(node, scope);
    Ok(match node {
        Node::Constant(value) => value.clone(),
        Node::Name(name) => match scope.lookup(name) {
            Some(value) => value.clone(),
            None => {
                return Err(ExpressionError::new(format!(
                    "there is no variable `{name}`"
                )));
            }
        },
        Node::Placeholder(text, path) => match template::bind(text, path.as_ref(), scope) {
            Some(value) => value,
            None => {
                return Err(ExpressionError::new(format!(
                    "there is nothing that `{{{{{text}}}}}` could stand for"
                )));
            }
        },
        Node::Text(text) => Value::String(template::interpolate(text, scope).text),
        Node::List(items) => Value::Array(items.iter().map(of).collect::<Result<_, _>>()?),
        Node::Dict(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                map.insert(text(&of(key)?), of(value)?);
            }
            Value::Object(map)
        }
        Node::Not(inner) => Value::Bool(!value::truth(&of(inner)?)),
        Node::Negative(inner) => {
            let zero = Value::from(0);
            arithmetic(Arithmetic::Subtract, &zero, &of(inner)?)?
        }
        Node::Positive(inner) => arithmetic(Arithmetic::Add, &Value::from(0), &of(inner)?)?,
        // As in Python, the value that decided, not a truth value.
        Node::And(left, right) => {
            let left = of(left)?;
            if value::truth(&left) {
                of(right)?
            } else {
                left
            }
        }
        Node::Or(left, right) => {
            let left = of(left)?;
            if value::truth(&left) {
                left
            } else {
                of(right)?
            }
        }
        Node::Compare(first, others) => {
            let mut left = of(first)?;
            for (comparison, right) in others {
                let right = of(right)?;
                if !compare(*comparison, &left, &right)? {
                    return Ok(Value::Bool(false));
                }
                left = right;
            }
            Value::Bool(true)
        }
        Node::Arithmetic(operator, left, right) => arithmetic(*operator, &of(left)?, &of(right)?)?,
        Node::Choice {
            condition,
            then,
            otherwise,
        } => match value::truth(&of(condition)?) {
            true => of(then)?,
            false => of(otherwise)?,
        },
        Node::Attribute(inner, name) => attribute(&of(inner)?, name)?,
        Node::Index(inner, index) => element(&of(inner)?, &of(index)?)?,
        Node::Slice(inner, [start, end, step]) => {
            let bound = |node: &Option<Box<Node>>| match node {
                Some(node) => match of(node)? {
                    Value::Null => Ok(None),
                    value => integer(&value).map(Some),
                },
                None => Ok(None),
            };
            slice(&of(inner)?, bound(start)?, bound(end)?, bound(step)?)?
        }
        Node::Call(name, arguments) => {
            let arguments: Vec<Value> = arguments.iter().map(of).collect::<Result<_, _>>()?;
            functions::call(name, &arguments)?
        }
        Node::Method(inner, name, arguments) => {
            let arguments: Vec<Value> = arguments.iter().map(of).collect::<Result<_, _>>()?;
            methods::call(&of(inner)?, name, &arguments)?
        }
    })
}

pub(super) fn integer(value: &Value) -> Result<i64, ExpressionError> {
    match value {
        Value::Bool(truth) => Ok(i64::from(*truth)),
        Value::Number(number) => number
            .as_i64()
            .ok_or_else(|| ExpressionError::new(format!("{number} is no integer"))),
        other => Err(ExpressionError::new(format!(
            "an integer is wanted, not {}",
            value::kind(other)
        ))),
    }
}

fn attribute(of: &Value, name: &str) -> Result<Value, ExpressionError> {
    let segment = value::Segment::Key(name.to_owned());
    value::follow(of, &[segment])
        .cloned()
        .ok_or_else(|| ExpressionError::new(format!("{} has no `{name}`", value::kind(of))))
}

fn element(of: &Value, index: &Value) -> Result<Value, ExpressionError> {
    let found = match of {
        Value::Object(map) => map.get(&text(index)).cloned(),
        Value::Array(items) => place(integer(index)?, items.len())
            .and_then(|place| items.get(place))
            .cloned(),
        Value::String(characters) => place(integer(index)?, characters.chars().count())
            .and_then(|place| characters.chars().nth(place))
            .map(|character| Value::String(character.to_string())),
        other => {
            return Err(ExpressionError::new(format!(
                "{} has no elements",
                value::kind(other)
            )));
        }
    };
    found.ok_or_else(|| {
        ExpressionError::new(format!(
            "{} has no element {}",
            value::kind(of),
            value::repr(index)
        ))
    })
}

/// The place of an index that may count from the end.
fn place(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(place) => Some(place),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn slice(
    of: &Value,
    start: Option<i64>,
    end: Option<i64>,
    step: Option<i64>,
) -> Result<Value, ExpressionError> {
    let cut = |length: usize| bounds(length, start, end);
    if let Some(step) = step.filter(|step| *step != 1) {
        if step == 0 {
            return Err(ExpressionError::new("a slice has no step of 0"));
        }
        return match of {
            Value::Array(items) => Ok(stepped(items, start, end, step).cloned().collect()),
            Value::String(text) => {
                let characters: Vec<char> = text.chars().collect();
                let part: String = stepped(&characters, start, end, step).collect();
                Ok(Value::String(part))
            }
            other => Err(ExpressionError::new(format!(
                "{} has no parts",
                value::kind(other)
            ))),
        };
    }
    match of {
        Value::Array(items) => {
            let (start, count) = cut(items.len());
            Ok(items.iter().skip(start).take(count).cloned().collect())
        }
        Value::String(characters) => {
            let (start, count) = cut(characters.chars().count());
            let part: String = characters.chars().skip(start).take(count).collect();
            Ok(Value::String(part))
        }
        other => Err(ExpressionError::new(format!(
            "{} has no parts",
            value::kind(other)
        ))),
    }
}

/// Each item that is `step` behind the last, backwards if that is negative, for bounds as Python has them.
pub(crate) fn stepped<T>(
    items: &[T],
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
) -> impl Iterator<Item = &T> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let (lowest, highest) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let clamp = |bound: i64| match bound < 0 {
        true => bound.saturating_add(length).max(lowest),
        false => bound.min(highest),
    };
    let (first, last) = if step > 0 {
        (lowest, highest)
    } else {
        (highest, lowest)
    };
    let (start, end) = (start.map_or(first, clamp), end.map_or(last, clamp));
    let within = move |place: &i64| if step > 0 { *place < end } else { *place > end };
    std::iter::successors(Some(start), move |place| place.checked_add(step))
        .take_while(within)
        .filter_map(|place| items.get(usize::try_from(place).ok()?))
}

/// Where a part begins and how long it is, for bounds as Python has them.
pub(crate) fn bounds(length: usize, start: Option<i64>, end: Option<i64>) -> (usize, usize) {
    let clamp = |bound: i64| match usize::try_from(bound) {
        Ok(bound) => bound.min(length),
        Err(_) => length.saturating_sub(usize::try_from(bound.unsigned_abs()).unwrap_or(length)),
    };
    let start = start.map_or(0, clamp);
    let end = end.map_or(length, clamp);
    (start, end.saturating_sub(start))
}

fn compare(how: Comparison, left: &Value, right: &Value) -> Result<bool, ExpressionError> {
    let order = || value::compare(left, right).map_err(ExpressionError::new);
    Ok(match how {
        Comparison::Equal => value::equal(left, right),
        Comparison::NotEqual => !value::equal(left, right),
        Comparison::Less => order()? == Ordering::Less,
        Comparison::LessOrEqual => order()? != Ordering::Greater,
        Comparison::Greater => order()? == Ordering::Greater,
        Comparison::GreaterOrEqual => order()? != Ordering::Less,
        Comparison::In => contains(right, left)?,
        Comparison::NotIn => !contains(right, left)?,
    })
}

fn contains(whole: &Value, part: &Value) -> Result<bool, ExpressionError> {
    match (whole, part) {
        (Value::Array(items), part) => Ok(items.iter().any(|item| value::equal(item, part))),
        (Value::Object(map), part) => Ok(map.contains_key(&text(part))),
        (Value::String(whole), Value::String(part)) => Ok(whole.contains(part.as_str())),
        (whole, part) => Err(ExpressionError::new(format!(
            "{} cannot be in {}",
            value::kind(part),
            value::kind(whole)
        ))),
    }
}

fn arithmetic(operator: Arithmetic, left: &Value, right: &Value) -> Result<Value, ExpressionError> {
    match (operator, left, right) {
        (Arithmetic::Add, Value::String(left), Value::String(right)) => {
            room(left.len() + right.len())?;
            return Ok(Value::String(format!("{left}{right}")));
        }
        (Arithmetic::Add, Value::Array(left), Value::Array(right)) => {
            room(left.len() + right.len())?;
            return Ok(left.iter().chain(right).cloned().collect());
        }
        (Arithmetic::Multiply, Value::String(text), Value::Number(times))
        | (Arithmetic::Multiply, Value::Number(times), Value::String(text)) => {
            let times = usize::try_from(times.as_i64().unwrap_or(0)).unwrap_or(0);
            room(text.len().saturating_mul(times))?;
            return Ok(Value::String(text.repeat(times)));
        }
        _ => {}
    }
    if let (Ok(left), Ok(right)) = (integer(left), integer(right))
        && operator != Arithmetic::Divide
        && !(operator == Arithmetic::Power && right < 0)
    {
        return integers(operator, left, right).map(Value::from);
    }
    match (value::number(left), value::number(right)) {
        (Some(left), Some(right)) => floats(operator, left, right),
        _ => Err(ExpressionError::new(format!(
            "{} and {} cannot be calculated with; convert them first",
            value::kind(left),
            value::kind(right)
        ))),
    }
}

fn room(length: usize) -> Result<(), ExpressionError> {
    if length <= LONGEST {
        return Ok(());
    }
    Err(ExpressionError::new(format!(
        "the result would be longer than {LONGEST}"
    )))
}

fn integers(operator: Arithmetic, left: i64, right: i64) -> Result<i64, ExpressionError> {
    if right == 0 && matches!(operator, Arithmetic::FloorDivide | Arithmetic::Modulo) {
        return Err(ExpressionError::new("division by zero"));
    }
    let result = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Power => u32::try_from(right)
            .ok()
            .and_then(|right| left.checked_pow(right)),
        // Rounded downwards, as in Python, not towards zero.
        Arithmetic::FloorDivide | Arithmetic::Divide => {
            left.checked_div(right).and_then(|quotient| {
                let is_rounded_up = left % right != 0 && (left < 0) != (right < 0);
                quotient.checked_sub(i64::from(is_rounded_up))
            })
        }
        Arithmetic::Modulo => left.checked_rem(right).map(|rest| {
            if rest != 0 && (rest < 0) != (right < 0) {
                rest + right
            } else {
                rest
            }
        }),
    };
    result.ok_or_else(|| ExpressionError::new("the result is too large for an integer"))
}

fn floats(operator: Arithmetic, left: f64, right: f64) -> Result<Value, ExpressionError> {
    let divides = matches!(
        operator,
        Arithmetic::Divide | Arithmetic::FloorDivide | Arithmetic::Modulo
    );
    if right == 0.0 && divides {
        return Err(ExpressionError::new("division by zero"));
    }
    let result = match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::FloorDivide => (left / right).floor(),
        Arithmetic::Modulo => left - right * (left / right).floor(),
        Arithmetic::Power => left.powf(right),
    };
    value::float(result).map_err(ExpressionError::new)
}
