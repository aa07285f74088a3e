//! Python's `str.format`, which messages and templates of some nodes are written in.

use serde_json::Value;

use crate::expression::group_digits;
use crate::value::{Object, float_text, kind, number, repr, text};

/// Puts values into a text: `{name}`, `{name.key[0]}`, `{}` and `{0}` for `positional`, `{name:>8.2f}`, `{{` and `}}`
/// for braces.
///
/// # Errors
/// A name is not known, a format cannot be applied to its value, or a brace is not closed.
pub(crate) fn format(
    template: &str,
    named: &Object,
    positional: &[Value],
) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = template;
    let mut next = 0;
    while let Some(place) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(place);
        result.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            result.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            result.push('}');
            rest = after;
        } else if let Some(inner) = from.strip_prefix('{') {
            let (field, after) = inner
                .split_once('}')
                .ok_or("a `{` is not closed; write `{{` for a brace")?;
            result.push_str(&put(field, named, positional, &mut next)?);
            rest = after;
        } else {
            return Err("a `}` closes nothing; write `}}` for a brace".to_owned());
        }
    }
    result.push_str(rest);
    Ok(result)
}

fn put(
    field: &str,
    named: &Object,
    positional: &[Value],
    next: &mut usize,
) -> Result<String, String> {
    let (name, spec) = field.split_once(':').unwrap_or((field, ""));
    let (name, as_repr) = match name.split_once('!') {
        Some((name, conversion)) => (name, conversion == "r"),
        None => (name, false),
    };
    let unknown = || format!("there is no value for `{{{field}}}`");
    let value = if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
        let place = name.parse().unwrap_or(*next);
        *next += usize::from(name.is_empty());
        positional.get(place).ok_or_else(unknown)?
    } else {
        let (root, steps) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
        let root = named.get(root).ok_or_else(unknown)?;
        follow(root, steps).ok_or_else(unknown)?
    };
    if as_repr {
        return Spec::read(spec)?.apply(&Value::String(repr(value)));
    }
    Spec::read(spec)?.apply(value)
}

/// What `.key`, `[key]` and `[0]` lead to. As in Python, a key in brackets has no quotes.
fn follow<'v>(mut value: &'v Value, mut steps: &str) -> Option<&'v Value> {
    while !steps.is_empty() {
        let key;
        if let Some(inside) = steps.strip_prefix('[') {
            (key, steps) = inside.split_once(']')?;
        } else {
            let named = steps.strip_prefix('.')?;
            (key, steps) = named.split_at(named.find(['.', '[']).unwrap_or(named.len()));
        }
        value = match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            Value::Object(map) => map.get(key.trim_matches(['\'', '"']))?,
            _ => return None,
        };
    }
    Some(value)
}

/// `[[fill]align][sign][0][width][,][.precision][type]`.
#[derive(Debug, Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    plus: bool,
    width: usize,
    grouped: bool,
    precision: Option<usize>,
    kind: Option<char>,
}

/// The widest field: nobody reads more, and none makes the program run out of memory.
const WIDEST: usize = 10_000;

impl Spec {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a format");
        let mut spec = Self::default();
        let mut rest = text;
        let is_align = |character: char| matches!(character, '<' | '>' | '^' | '=');
        let mut start = rest.chars();
        match (start.next(), start.next()) {
            (Some(fill), Some(align)) if is_align(align) => {
                (spec.fill, spec.align) = (Some(fill), Some(align));
                rest = start.as_str();
            }
            (Some(align), _) if is_align(align) => {
                spec.align = Some(align);
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => {}
        }
        if let Some(after) = rest.strip_prefix('+') {
            spec.plus = true;
            rest = after;
        }
        if spec.align.is_none() && rest.starts_with('0') {
            (spec.fill, spec.align) = (Some('0'), Some('='));
        }
        let digits = |text: &str| {
            let end = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            let (digits, rest) = text.split_at(end);
            (digits.parse::<usize>().ok(), rest.to_owned())
        };
        let (width, after) = digits(rest);
        spec.width = width.unwrap_or(0);
        let mut rest = after;
        if let Some(after) = rest.strip_prefix([',', '_']) {
            spec.grouped = true;
            rest = after.to_owned();
        }
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = digits(after);
            spec.precision = Some(precision.ok_or_else(wrong)?);
            rest = after;
        }
        let mut end = rest.chars();
        spec.kind = end.next();
        if end.next().is_some() || spec.width > WIDEST || spec.precision > Some(WIDEST) {
            return Err(wrong());
        }
        Ok(spec)
    }

    fn apply(&self, value: &Value) -> Result<String, String> {
        let refused = |what: char| format!("{} cannot be written as `{what}`", kind(value));
        let mut body = match self.kind {
            None | Some('s' | 'g') => match (value, self.precision) {
                (Value::String(text), Some(longest)) => text.chars().take(longest).collect(),
                (value, None) => text(value),
                (value, Some(digits)) => {
                    let float = number(value).ok_or_else(|| refused('g'))?;
                    float_text(significant(float, digits))
                        .trim_end_matches(".0")
                        .to_owned()
                }
            },
            Some(what @ 'd') => match value {
                Value::Number(number) if !number.is_f64() => number.to_string(),
                Value::Bool(truth) => u8::from(*truth).to_string(),
                _ => return Err(refused(what)),
            },
            Some(what @ ('f' | 'F' | 'e' | '%')) => {
                let float = number(value).ok_or_else(|| refused(what))?;
                let digits = self.precision.unwrap_or(6);
                match what {
                    '%' => format!("{:.digits$}%", float * 100.0),
                    'e' => format!("{float:.digits$e}"),
                    _ => format!("{float:.digits$}"),
                }
            }
            Some(what @ ('x' | 'X' | 'b' | 'o')) => {
                let integer = value.as_i64().ok_or_else(|| refused(what))?;
                match what {
                    'x' => format!("{integer:x}"),
                    'X' => format!("{integer:X}"),
                    'b' => format!("{integer:b}"),
                    _ => format!("{integer:o}"),
                }
            }
            Some(other) => return Err(format!("there is no format `{other}`")),
        };
        if self.grouped {
            body = group_digits(&body);
        }
        if self.plus && number(value).is_some_and(|number| number >= 0.0) {
            body.insert(0, '+');
        }
        Ok(self.pad(&body, number(value).is_some()))
    }

    fn pad(&self, body: &str, is_number: bool) -> String {
        let missing = self.width.saturating_sub(body.chars().count());
        let fill = self.fill.unwrap_or(' ');
        let filled = |count: usize| String::from(fill).repeat(count);
        match self.align.unwrap_or(if is_number { '>' } else { '<' }) {
            '>' => filled(missing) + body,
            '^' => filled(missing / 2) + body + &filled(missing - missing / 2),
            '=' => match body.strip_prefix(['-', '+']) {
                Some(digits) => {
                    let sign = body.get(..1).unwrap_or_default();
                    format!("{sign}{}{digits}", filled(missing))
                }
                None => filled(missing) + body,
            },
            _ => body.to_owned() + &filled(missing),
        }
    }
}

fn significant(float: f64, digits: usize) -> f64 {
    format!("{float:.*e}", digits.saturating_sub(1))
        .parse()
        .unwrap_or(float)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn formatted(template: &str) -> Result<String, String> {
        let named = json!({"name": "Ada", "n": 1234567, "x": 2.71999, "d": {"k": [9]}});
        let named = named.as_object().cloned().unwrap_or_default();
        format(template, &named, &[json!("first"), json!(2)])
    }

    #[test]
    fn fields_are_put_in_as_python_does() {
        for (template, expected) in [
            ("{name} is {n}", "Ada is 1234567"),
            ("{x:.2f}|{x:8.3f}|{x:<6.1f}|", "2.72|   2.720|2.7   |"),
            ("{n:,} {n:+d} {n:010d}", "1,234,567 +1234567 0001234567"),
            ("{name:>5}|{name:^7}|{name:*<5}", "  Ada|  Ada  |Ada**"),
            ("{{{name}}} {d.k[0]} {} {1}", "{Ada} 9 first 2"),
            ("{x:.1%} {name!r}", "272.0% 'Ada'"),
        ] {
            assert_eq!(formatted(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_cannot_be_put_in_is_an_error() {
        for (template, part) in [
            ("{missing}", "no value for `{missing}`"),
            ("{name:d}", "a text cannot be written as `d`"),
            ("{name", "not closed"),
            ("name}", "closes nothing"),
            ("{n:999999999}", "not a format"),
        ] {
            let error = formatted(template).unwrap_err();
            assert!(error.contains(part), "{template}: {error}");
        }
    }
}
