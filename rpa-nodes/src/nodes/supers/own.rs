//! What some actions can do that the single nodes cannot.

use serde_json::{Value, json};

use crate::catalogue::Kind;
use crate::expression::stepped;
use crate::fault::Fault;
use crate::nodes::dicts::meant;
use crate::nodes::lists;
use crate::value::{Object, text};
use crate::visit::Call;

fn list(call: &Call<'_>) -> Result<Vec<Value>, Fault> {
    match Kind::List.coerce(call.value("list")) {
        Ok(Value::Array(items)) => Ok(items),
        Ok(_) => Ok(Vec::new()),
        Err(reason) => Err(Fault::value(format!("`list`: {reason}"))),
    }
}

/// The first of these inputs that has a value, as a dict; without one an empty dict.
fn dict(call: &Call<'_>, names: &[&str]) -> Result<Object, Fault> {
    for name in names {
        let Some(given) = call.get(name).filter(|given| !given.is_null()) else {
            continue;
        };
        return match Kind::Dict.coerce(given.clone()) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) => Ok(Object::new()),
            Err(reason) => Err(Fault::value(format!("`{name}`: {reason}"))),
        };
    }
    Ok(Object::new())
}

/// `default_value` where there is no item.
pub(super) fn get_item(call: &mut Call<'_>) -> Result<(), Fault> {
    let items = list(call)?;
    let index = call.integer("index").unwrap_or(0);
    let found = match index < 0 && !call.flag("negative_index") {
        true => None,
        false => lists::item(&items, index).ok(),
    };
    call.give("found", found.is_some());
    let item = found.unwrap_or_else(|| call.value("default_value"));
    call.give("item", item);
    Ok(())
}

/// `position` is where, `extend` puts in the items of a list one by one.
pub(super) fn append(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut items = list(call)?;
    let item = call.value("item");
    let added = match (call.flag("extend"), meant(item.clone())) {
        (true, Value::Array(added)) => added,
        _ => vec![item],
    };
    let place = match call.text("position").as_str() {
        "start" => 0,
        "index" => {
            let index = call.integer("insert_index").unwrap_or(0);
            crate::expression::bounds(items.len(), Some(index), None).0
        }
        _ => items.len(),
    };
    items.splice(place..place, added);
    call.give("list", items);
    Ok(())
}

/// `step` takes each second, third …, backwards if it is negative.
pub(super) fn slice(call: &mut Call<'_>) -> Result<(), Fault> {
    let items = list(call)?;
    let step = call.integer("step").unwrap_or(1);
    if step == 0 {
        return Err(Fault::value("a slice has no `step` of 0"));
    }
    let part = stepped(&items, call.integer("start"), call.integer("end"), step);
    let part: Vec<Value> = part.cloned().collect();
    call.give("slice", part);
    Ok(())
}

/// The way to a value: the key alone if there is no separator in it.
fn way(call: &Call<'_>) -> Vec<String> {
    let (key, separator) = (call.text("key"), call.text("separator"));
    match separator.is_empty() {
        true => vec![key],
        false => key.split(&separator).map(str::to_owned).collect(),
    }
}

/// A key may be a path, whose dicts are made unless `create_path` is off.
pub(super) fn set(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut map = dict(call, &["dict"])?;
    let (creates, overwrites) = (call.flag("create_path"), call.flag("overwrite"));
    let mut way = way(call);
    let last = way.pop().unwrap_or_default();
    // A key that is there as it is written is meant, whatever is in it.
    let whole = call.text("key");
    let mut inside = &mut map;
    let key = match inside.contains_key(&whole) {
        true => whole,
        false => {
            for step in way {
                let next = match inside.contains_key(&step) || creates {
                    true => inside.entry(step.clone()).or_insert_with(|| json!({})),
                    false => {
                        return Err(Fault::of(
                            "KeyError",
                            format!(
                                "there is no `{step}` on the way to `{whole}`; `create_path` makes it"
                            ),
                        ));
                    }
                };
                inside = next.as_object_mut().ok_or_else(|| {
                    Fault::of(
                        "TypeError",
                        format!("`{step}` on the way to `{whole}` is no dict"),
                    )
                })?;
            }
            last
        }
    };
    let previous = inside.get(&key).cloned();
    if previous.is_none() || overwrites {
        inside.insert(key, call.value("value"));
    }
    call.give("was_update", previous.is_some());
    call.give("previous", previous.unwrap_or_default());
    call.give("dict", Value::Object(map));
    Ok(())
}

/// Without `ignore_missing` the key has to be there.
pub(super) fn remove(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut map = dict(call, &["dict"])?;
    let key = call.text("key");
    let removed = map.shift_remove(&key);
    if removed.is_none() && !call.flag("ignore_missing") {
        return Err(Fault::of(
            "KeyError",
            format!("there is no `{key}` in the dict; `ignore_missing` lets that pass"),
        ));
    }
    call.give("removed_value", removed.unwrap_or_default());
    call.give("dict", Value::Object(map));
    Ok(())
}

/// Where both have a key, the second counts, or the first with `overwrite` off; with `deep_merge` dicts become one.
pub(super) fn merge(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut map = dict(call, &["dict1", "dict"])?;
    let other = dict(call, &["dict2", "other"])?;
    put_in(
        &mut map,
        other,
        call.flag("deep_merge"),
        call.flag("overwrite"),
    );
    call.give("merged", Value::Object(map));
    Ok(())
}

fn put_in(map: &mut Object, other: Object, is_deep: bool, overwrites: bool) {
    for (key, value) in other {
        match (map.get_mut(&key), value) {
            (Some(Value::Object(inside)), Value::Object(more)) if is_deep => {
                put_in(inside, more, is_deep, overwrites);
            }
            (Some(known), value) if overwrites => *known = value,
            (Some(_), _) => {}
            (None, value) => drop(map.insert(key, value)),
        }
    }
}

/// The part of a dict that a path leads to.
pub(super) fn property(call: &mut Call<'_>) -> Result<(), Fault> {
    let path = match call.text("path") {
        path if path.is_empty() => call.text("key"),
        path => path,
    };
    let steps = crate::value::segments(path.trim())
        .ok_or_else(|| Fault::value(format!("`{path}` is no path; write it as `a.b[0].c`")))?;
    let found = crate::value::follow(&meant(call.value("dict")), &steps).cloned();
    call.give("found", found.is_some());
    let value = found.unwrap_or_else(|| call.value("default_value"));
    call.give("value", value);
    Ok(())
}

/// A list of texts is joined, one of lists becomes one list.
pub(super) fn concat(call: &mut Call<'_>) -> Result<(), Fault> {
    let items = list(call)?;
    let is_deep = !items.is_empty() && items.iter().all(Value::is_array);
    let result: Value = match is_deep {
        true => items
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .cloned()
            .collect(),
        false => items.iter().map(text).collect::<String>().into(),
    };
    call.give("result", result);
    Ok(())
}
