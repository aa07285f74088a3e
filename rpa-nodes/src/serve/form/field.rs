//! A field of a form: how it looks, and what may be sent for it.

use jiff::civil::Date;
use serde_json::Value;

use super::is_nothing;
use crate::serve::page::escaped;
use crate::value::{read_integer, read_number, text};

/// What fields may be.
const KINDS: [&str; 12] = [
    "text", "textarea", "email", "number", "integer", "checkbox", "select", "date", "password",
    "tel", "url", "hidden",
];

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    kind: &'static str,
    label: String,
    placeholder: String,
    default: Value,
    required: bool,
    options: Vec<String>,
}

impl Field {
    /// Reads what a workflow file says of a field.
    pub(super) fn read(said: &Value) -> Result<Self, String> {
        let of = |property: &str| said.get(property).map(text).unwrap_or_default();
        let name = of("name");
        if name.is_empty() {
            return Err(format!("a field has no `name`: {said}"));
        }
        let kind = match of("type").to_lowercase().as_str() {
            "" | "string" => "text",
            "boolean" | "bool" => "checkbox",
            "float" => "number",
            "int" => "integer",
            "dropdown" => "select",
            other => KINDS
                .into_iter()
                .find(|kind| *kind == other)
                .ok_or_else(|| {
                    format!(
                        "`{name}` is a `{other}`, which is none of {}",
                        KINDS.join(", ")
                    )
                })?,
        };
        let options = said.get("options").and_then(Value::as_array);
        let options: Vec<String> = options.into_iter().flatten().map(text).collect();
        if kind == "select" && options.is_empty() {
            return Err(format!("`{name}` is a select without `options`"));
        }
        let label = match of("label") {
            label if label.is_empty() => name.clone(),
            label => label,
        };
        Ok(Self {
            kind,
            label,
            placeholder: of("placeholder"),
            default: said.get("default").cloned().unwrap_or_default(),
            required: said.get("required").is_some_and(crate::value::truth),
            options,
            name,
        })
    }

    /// The value that was sent, as what it is.
    pub(super) fn take(&self, sent: Option<&Value>) -> Result<Value, String> {
        let sent = sent.cloned().unwrap_or_default();
        if self.kind == "checkbox" {
            let is_set = sent == "on"
                || (!is_nothing(&sent) && crate::value::truth(&sent) && sent != "false");
            return match is_set || !self.required {
                true => Ok(is_set.into()),
                false => Err("this has to be ticked".to_owned()),
            };
        }
        if is_nothing(&sent) {
            return match (self.required, self.kind) {
                (true, _) => Err("this is needed".to_owned()),
                (false, "number" | "integer" | "date") => Ok(Value::Null),
                (false, _) => Ok("".into()),
            };
        }
        let wrong = |what: &str| Err(format!("this has to be {what}"));
        if sent.is_array() || sent.is_object() {
            return wrong("one value");
        }
        let said = text(&sent);
        match self.kind {
            "integer" => {
                read_integer(&sent).map_or_else(|| wrong("a whole number"), |it| Ok(it.into()))
            }
            "number" => match (said.trim().parse::<i64>(), read_number(&sent)) {
                (Ok(whole), _) => Ok(whole.into()),
                (_, Some(number)) if number.is_finite() => Ok(number.into()),
                _ => wrong("a number"),
            },
            "date" => match said.trim().parse::<Date>() {
                Ok(date) => Ok(date.to_string().into()),
                Err(_) => wrong("a date as 2026-01-31"),
            },
            "email" => {
                let is_address = said.trim().split_once('@').is_some_and(|(who, host)| {
                    !who.is_empty()
                        && !host.is_empty()
                        && !said.trim().contains(char::is_whitespace)
                });
                if is_address {
                    Ok(said.trim().into())
                } else {
                    wrong("an address of mail")
                }
            }
            "url" if !said.contains("://") => wrong("an address as https://example.org"),
            "select" if !self.options.contains(&said) => wrong("one of those that are offered"),
            _ => Ok(said.into()),
        }
    }

    /// How it looks, with what was sent or what it begins with.
    pub(super) fn html(&self, sent: Option<&Value>) -> String {
        let value = sent
            .filter(|sent| !is_nothing(sent))
            .unwrap_or(&self.default);
        let value = if value.is_null() {
            String::new()
        } else {
            text(value)
        };
        let name = escaped(&self.name);
        let label = escaped(&self.label);
        let required = if self.required { " required" } else { "" };
        let mark = if self.required { " *" } else { "" };
        let common = format!(
            "name=\"{name}\" placeholder=\"{}\"{required}",
            escaped(&self.placeholder)
        );
        let input = match self.kind {
            "hidden" => {
                return format!(
                    "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
                    escaped(&value)
                );
            }
            "checkbox" => {
                let is_set = matches!(value.to_lowercase().as_str(), "on" | "true" | "1");
                let checked = if is_set { " checked" } else { "" };
                return format!(
                    "<label><input type=\"checkbox\" name=\"{name}\"{required}{checked}> {label}{mark}</label>"
                );
            }
            "textarea" => format!(
                "<textarea {common} rows=\"5\">\n{}</textarea>",
                escaped(&value)
            ),
            "select" => {
                let options = self.options.iter().map(|option| {
                    let selected = if *option == value { " selected" } else { "" };
                    format!("<option{selected}>{}</option>", escaped(option))
                });
                format!(
                    "<select name=\"{name}\"{required}><option value=\"\"></option>{}</select>",
                    options.collect::<String>()
                )
            }
            "integer" => format!(
                "<input type=\"number\" step=\"1\" {common} value=\"{}\">",
                escaped(&value)
            ),
            "number" => format!(
                "<input type=\"number\" step=\"any\" {common} value=\"{}\">",
                escaped(&value)
            ),
            // What is secret is not sent back.
            "password" => format!("<input type=\"password\" {common}>"),
            kind => format!(
                "<input type=\"{kind}\" {common} value=\"{}\">",
                escaped(&value)
            ),
        };
        format!("<label>{label}{mark}{input}</label>")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_sent_is_what_its_field_says_or_is_refused() {
        let field = |said: Value| Field::read(&said).unwrap();
        let cases = [
            (
                json!({"name": "a", "type": "number"}),
                json!("1.5"),
                Some(json!(1.5)),
            ),
            (
                json!({"name": "a", "type": "number"}),
                json!("7"),
                Some(json!(7)),
            ),
            (json!({"name": "a", "type": "number"}), json!("x"), None),
            (
                json!({"name": "a", "type": "number"}),
                json!(""),
                Some(Value::Null),
            ),
            (json!({"name": "a", "type": "integer"}), json!("x"), None),
            (json!({"name": "a", "required": true}), json!(""), None),
            (json!({"name": "a"}), json!(["1", "2"]), None),
            (json!({"name": "a", "type": "email"}), json!("a b@c"), None),
            (
                json!({"name": "a", "type": "email"}),
                json!(" a@c.org "),
                Some(json!("a@c.org")),
            ),
            (
                json!({"name": "a", "type": "date"}),
                json!("2026-02-30"),
                None,
            ),
            (
                json!({"name": "a", "type": "date"}),
                json!("2026-02-28"),
                Some(json!("2026-02-28")),
            ),
            (
                json!({"name": "a", "type": "select", "options": [1, 2]}),
                json!("3"),
                None,
            ),
            (
                json!({"name": "a", "type": "select", "options": [1, 2]}),
                json!("2"),
                Some(json!("2")),
            ),
            (
                json!({"name": "a", "type": "checkbox"}),
                json!("on"),
                Some(json!(true)),
            ),
            (
                json!({"name": "a", "type": "checkbox"}),
                Value::Null,
                Some(json!(false)),
            ),
            (
                json!({"name": "a", "type": "checkbox", "required": true}),
                Value::Null,
                None,
            ),
        ];
        for (said, sent, expected) in cases {
            assert_eq!(
                field(said.clone()).take(Some(&sent)).ok(),
                expected,
                "{said} {sent}"
            );
        }
        for wrong in [
            json!({}),
            json!({"name": "a", "type": "file"}),
            json!({"name": "a", "type": "select"}),
        ] {
            assert!(Field::read(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_a_file_or_a_sender_says_becomes_a_part_of_the_page() {
        let evil = "\"><script>alert('x')</script>";
        for kind in KINDS {
            let said = json!({"name": evil, "type": kind, "label": evil, "placeholder": evil, "default": evil, "options": [evil]});
            let html = Field::read(&said).unwrap().html(Some(&json!(evil)));
            assert!(!html.contains("<script") && !html.contains("'x'"), "{html}");
        }
    }
}
