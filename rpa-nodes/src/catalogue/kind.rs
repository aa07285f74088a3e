use serde_json::Value;

use crate::expression::Expression;
use crate::template::Names;
use crate::value::{self, kind, means_yes, read_integer, read_number, repr, text};

/// What values a port or a property has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// A truth value.
    Boolean,
    /// One of some texts.
    Choice(&'static [&'static str]),
    /// A list.
    List,
    /// A dict.
    Dict,
    /// Any value.
    Any,
    /// A text that is an expression. Templates in it are bound when it is evaluated.
    Expression,
}

impl Kind {
    /// What documentation calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Float => "number",
            Self::Boolean => "boolean",
            Self::Choice(_) => "choice",
            Self::List => "list",
            Self::Dict => "dict",
            Self::Any => "any",
            Self::Expression => "expression",
        }
    }

    /// Whether an empty text is a value of it. For all others it means that nothing was filled in.
    pub fn takes_empty(self) -> bool {
        matches!(self, Self::Text | Self::Any)
    }

    /// Whether a value of this kind can come through a port of the other.
    pub fn fits(self, other: Self) -> bool {
        match (self, other) {
            (left, right) if left == right => true,
            (Self::Any | Self::Expression, _) | (_, Self::Any | Self::Expression) => true,
            // All values have a text; not all texts are something else, but that shows only when it runs.
            (Self::Integer | Self::Float | Self::Boolean, Self::Text | Self::Choice(_)) => true,
            (Self::Text | Self::Choice(_), Self::Text | Self::Choice(_)) => true,
            (Self::Text, Self::Integer | Self::Float | Self::Boolean) => true,
            (Self::Integer | Self::Boolean, Self::Float)
            | (Self::Float, Self::Integer)
            | (_, Self::Boolean) => true,
            _ => false,
        }
    }

    /// Makes a value of this kind of another value, where that can be done without guessing.
    ///
    /// # Errors
    /// It cannot; the text says what was expected and what was found.
    pub fn coerce(self, given: Value) -> Result<Value, String> {
        let wanted = |what: &str| Err(format!("{what} is expected, not {}", shown(&given)));
        match self {
            Self::Any | Self::Expression => Ok(given),
            Self::Text => match given {
                Value::String(_) => Ok(given),
                other => Ok(Value::String(text(&other))),
            },
            Self::Integer => match read_integer(&given) {
                Some(integer) => Ok(integer.into()),
                None => wanted("an integer"),
            },
            Self::Float => match read_number(&given) {
                Some(number) if given.is_string() || given.is_boolean() => read_integer(&given)
                    .map_or_else(|| value::float(number), |integer| Ok(integer.into())),
                Some(_) => Ok(given),
                None => wanted("a number"),
            },
            Self::Boolean => Ok(Value::Bool(means_yes(&given))),
            Self::Choice(choices) => {
                let said = text(&given);
                match choose(choices, &said) {
                    Some(choice) => Ok(choice.into()),
                    None => wanted(&format!("one of {}", choices.join(", "))),
                }
            }
            Self::List => match given {
                Value::Array(_) => Ok(given),
                Value::String(ref said) => match written(said) {
                    Some(list @ Value::Array(_)) => Ok(list),
                    _ => wanted("a list"),
                },
                _ => wanted("a list"),
            },
            Self::Dict => match given {
                Value::Object(_) => Ok(given),
                Value::String(ref said) => match written(said) {
                    Some(dict @ Value::Object(_)) => Ok(dict),
                    _ => wanted("a dict"),
                },
                _ => wanted("a dict"),
            },
        }
    }
}

/// The choice that a text means: itself whatever its case, or else the first that begins with it.
fn choose(choices: &[&'static str], said: &str) -> Option<&'static str> {
    let plain = |text: &str| text.trim().to_lowercase().replace([' ', '-'], "_");
    let said = plain(said);
    let mut same = choices.iter().filter(|choice| plain(choice) == said);
    let mut longer = choices
        .iter()
        .filter(|choice| plain(choice).starts_with(&said));
    same.next().or_else(|| longer.next()).copied()
}

/// The value that a text is when it is read as JSON, or as Python writes values.
pub(crate) fn written(said: &str) -> Option<Value> {
    let said = said.trim();
    if let Ok(value) = serde_json::from_str(said) {
        return Some(value);
    }
    // Names stand for nothing here, so that only constants can be meant.
    Expression::parse(said)
        .ok()?
        .evaluate(&Names::default())
        .ok()
}

/// A value in a message: short ones as they are.
fn shown(value: &Value) -> String {
    let text = repr(value);
    if text.chars().count() > 60 {
        return kind(value).to_owned();
    }
    text
}
