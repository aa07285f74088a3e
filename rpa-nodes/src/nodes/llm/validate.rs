use fancy_regex::Regex;
use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, kind, read_number, text};
use crate::visit::Call;

pub(super) fn node_type() -> NodeType {
    NodeType::compute(
        "ValidateExtractionNode",
        "Tells whether extracted data is what it has to be. A rule of a field is a dict of `type`, `pattern`, `min`, `max`, \
         `min_length`, `max_length` and `allowed`. `confidence` is that of `extraction`, or else the share of fields that are right.",
        validate,
    )
    .needs("extraction", Kind::Dict)
    .needs("required_fields", Kind::List)
    .input_or("confidence_threshold", Kind::Float, json!(0.8))
    .input("validation_rules", Kind::Dict)
    .output("is_valid", Kind::Boolean)
    .output("needs_review", Kind::Boolean)
    .output("confidence_score", Kind::Float)
    .output("validation_errors", Kind::List)
    .output("field_status", Kind::Dict)
    .output("success", Kind::Boolean)
    .output("error", Kind::Text)
}

fn validate(call: &mut Call<'_>) -> Result<(), Fault> {
    let extraction = call.dict("extraction");
    let required: Vec<String> = call.list("required_fields").iter().map(text).collect();
    let rules = call.dict("validation_rules");
    let names = required.iter().chain(rules.keys());
    let (mut errors, mut status) = (Vec::new(), Object::new());
    for name in names {
        if status.contains_key(name) {
            continue;
        }
        let value = extraction
            .get(name)
            .filter(|value| !value.is_null() && !text(value).trim().is_empty());
        let wrong = match value {
            None if required.contains(name) => vec!["is missing".to_owned()],
            None => Vec::new(),
            Some(value) => rules
                .get(name)
                .map_or(Ok(Vec::new()), |rule| broken(name, rule, value))?,
        };
        let found = match (wrong.is_empty(), value) {
            (false, None) => "missing",
            (false, Some(_)) => "invalid",
            (true, None) => "absent",
            (true, Some(_)) => "valid",
        };
        status.insert(name.clone(), found.into());
        errors.extend(wrong.into_iter().map(|why| format!("`{name}` {why}")));
    }
    let right = status
        .values()
        .filter(|one| **one == "valid" || **one == "absent");
    #[expect(clippy::cast_precision_loss, reason = "nobody extracts so many fields")]
    let share = match status.len() {
        0 => 1.0,
        all => right.count() as f64 / all as f64,
    };
    let confidence = extraction
        .get("confidence")
        .and_then(read_number)
        .unwrap_or(share);
    let threshold = call.number("confidence_threshold").unwrap_or(0.8);
    call.give("is_valid", errors.is_empty());
    call.give("needs_review", !errors.is_empty() || confidence < threshold);
    call.give("confidence_score", confidence);
    call.give("validation_errors", errors);
    call.give("field_status", status);
    call.give("success", true);
    call.give("error", "");
    Ok(())
}

/// What is wrong with a value.
fn broken(name: &str, rule: &Value, value: &Value) -> Result<Vec<String>, Fault> {
    let Value::Object(rule) = rule else {
        return Err(Fault::value(format!(
            "the rule of `{name}` has to be a dict, as {{\"type\": \"number\", \"min\": 0}}"
        )));
    };
    let mut wrong = Vec::new();
    let said = text(value);
    let length = said.chars().count();
    let number = read_number(value);
    for (kind_of_rule, limit) in rule {
        let bound = || {
            read_number(limit).ok_or_else(|| {
                Fault::value(format!(
                    "`{kind_of_rule}` in the rule of `{name}` has to be a number"
                ))
            })
        };
        #[expect(clippy::cast_precision_loss, reason = "no text is so long")]
        let long = length as f64;
        let problem = match kind_of_rule.as_str() {
            "type" => {
                let is_it = match text(limit).as_str() {
                    "number" | "float" => number.is_some(),
                    "integer" | "int" => number.is_some_and(|number| number.fract() == 0.0),
                    "string" | "text" => value.is_string(),
                    "boolean" | "bool" => value.is_boolean(),
                    "list" | "array" => value.is_array(),
                    "dict" | "object" => value.is_object(),
                    "date" => said.parse::<jiff::civil::Date>().is_ok(),
                    other => {
                        return Err(Fault::value(format!(
                            "the rule of `{name}` has the type `{other}`, which there is not"
                        )));
                    }
                };
                (!is_it).then(|| format!("is {}, not a {}", kind(value), text(limit)))
            }
            "pattern" => {
                let pattern = Regex::new(&text(limit)).map_err(|error| {
                    Fault::value(format!("the pattern of `{name}` cannot be read: {error}"))
                })?;
                let fits = pattern.is_match(&said).map_err(|error| {
                    Fault::value(format!("the pattern of `{name}` takes too long: {error}"))
                })?;
                (!fits).then(|| format!("does not fit the pattern {}", text(limit)))
            }
            "min" => {
                let bound = bound()?;
                number
                    .is_none_or(|number| number < bound)
                    .then(|| format!("is less than {bound}"))
            }
            "max" => {
                let bound = bound()?;
                number
                    .is_none_or(|number| number > bound)
                    .then(|| format!("is more than {bound}"))
            }
            "min_length" => (long < bound()?).then(|| format!("is shorter than {}", text(limit))),
            "max_length" => (long > bound()?).then(|| format!("is longer than {}", text(limit))),
            "allowed" | "enum" => {
                let allowed = limit.as_array().is_some_and(|all| all.contains(value));
                (!allowed).then(|| format!("is none of {}", text(limit)))
            }
            // Told by `required_fields`.
            "required" => None,
            other => {
                return Err(Fault::value(format!(
                    "the rule of `{name}` has `{other}`, which there is not"
                )));
            }
        };
        wrong.extend(problem);
    }
    Ok(wrong)
}
