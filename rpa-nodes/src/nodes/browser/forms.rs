//! Forms that are filled in at once.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::act::{Manner, flag, limit, milliseconds, note, on_page, wanted};
use super::touch::settle;
use crate::browser::Wanted;
use crate::catalogue::Kind;
use crate::fault::Fault;
use crate::value::text;
use crate::visit::Work;

/// A field and what it is to have.
#[derive(Debug, Clone)]
struct Field {
    name: String,
    value: Value,
    /// `text`, `select`, `checkbox`, `radio`; empty if the field itself tells.
    kind: String,
    clear: bool,
}

pub(super) fn fill(work: &mut Work) -> Result<(), Fault> {
    if fields(work)?.is_empty() {
        return Err(Fault::value(
            "there is nothing to fill in; set `field_mapping`, or connect `fields_in`",
        ));
    }
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let form = page.find(&wanted(work, "form_selector", "attached", "fill in"))?;
        note(work, &form);
        let mut filled = Map::new();
        let pause = milliseconds(work, "wait_between_fields", 0);
        for (place, field) in fields(work)?.into_iter().enumerate() {
            if place > 0 {
                std::thread::sleep(pause);
            }
            let limit = limit(work);
            let found = page.find(&Wanted {
                selectors: within(&form.selector, &field.name),
                state: if work.flag("fast_mode") {
                    "attached"
                } else {
                    "visible"
                },
                strict: false,
                what: "fill in",
                end: Instant::now() + limit,
                limit,
            })?;
            let how = json!({"value": field.value, "text": text(&field.value), "kind": field.kind, "clear": field.clear});
            let answer = page.of("enter", &found, &how)?;
            if let Some(reason) = answer.get("refused").and_then(Value::as_str) {
                return Err(Fault::value(format!(
                    "the field `{}` does not take its value: {reason}",
                    field.name
                )));
            }
            filled.insert(field.name, field.value);
        }
        work.give("fields_filled", filled.len());
        work.give("form_data", filled);
        if work.flag("auto_submit") {
            page.of("submit", &form, &Value::Null)?;
            settle(work, page, Instant::now() + limit(work))?;
        }
        Ok(())
    })
}

pub(super) fn detect(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Reads, |work, _, page| {
        work.give("page", page.handle());
        let found = page.find(&wanted(work, "container", "attached", "look into"))?;
        let mut answer = page.of(
            "forms",
            &found,
            &json!({"hidden": work.flag("include_hidden")}),
        )?;
        let mut take = |name: &str| match answer.get_mut(name).map(Value::take) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let (forms, fields) = (take("forms"), take("fields"));
        let variable = work.text("output_variable");
        if !variable.trim().is_empty() {
            work.set(variable.trim(), forms.clone().into());
        }
        work.give("form_count", forms.len());
        work.give("field_count", fields.len());
        work.give("forms", forms);
        work.give("fields", fields);
        Ok(())
    })
}

/// The selectors that a field may be meant by: a name, an id, or a selector.
fn within(form: &str, name: &str) -> Vec<String> {
    let is_name = !name.is_empty()
        && name.chars().all(|letter| {
            letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '[' | ']')
        })
        && !name.starts_with(['.', '[']);
    match is_name {
        true => vec![format!(
            "{form} >> :is([name={0}], [id={0}])",
            Value::from(name)
        )],
        false => vec![format!("{form} >> {name}"), name.to_owned()],
    }
}

/// The fields of the mapping, then those that other nodes collected.
fn fields(work: &Work) -> Result<Vec<Field>, Fault> {
    let usual = work.flag("clear_first");
    let mut fields = Vec::new();
    let mapping = match work.get("field_mapping") {
        Some(Value::String(written)) if written.trim().is_empty() => Value::Null,
        Some(written @ Value::String(_)) => Kind::Dict
            .coerce(written.clone())
            .or_else(|_| Kind::List.coerce(written.clone()))?,
        Some(mapping) => mapping.clone(),
        None => Value::Null,
    };
    let mut list = match mapping {
        Value::Object(mapping) => {
            for (name, value) in mapping {
                match value {
                    Value::Object(more) => fields.push(field(&more, Some(name), usual)?),
                    value => fields.push(Field {
                        name,
                        value,
                        kind: String::new(),
                        clear: usual,
                    }),
                }
            }
            Vec::new()
        }
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    list.extend(work.list("fields_in"));
    for item in list {
        match item {
            Value::Object(item) => fields.push(field(&item, None, usual)?),
            other => {
                return Err(Fault::value(format!(
                    "{} is no field; write a dict with `selector` and `value`",
                    text(&other)
                )));
            }
        }
    }
    Ok(fields)
}

fn field(map: &Map<String, Value>, name: Option<String>, clear: bool) -> Result<Field, Fault> {
    let said = |names: [&str; 2]| names.iter().find_map(|name| map.get(*name)).map(text);
    let name = said(["selector", "name"])
        .or(name)
        .filter(|name| !name.trim().is_empty());
    Ok(Field {
        name: name
            .ok_or_else(|| Fault::value("a field has no `selector`"))?
            .trim()
            .to_owned(),
        value: map.get("value").cloned().unwrap_or_default(),
        kind: said(["field_type", "type"]).unwrap_or_default(),
        clear: flag(map, "clear_first").unwrap_or(clear),
    })
}
