//! Nodes that work with lists. None changes the list it takes: each gives a new one.

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType};
use crate::expression::{bounds, sort, sum};
use crate::fault::Fault;
use crate::value::{self, equal, follow, segments, text};
use crate::visit::Call;

const CONDITIONS: &[&str] = &[
    "is_not_none",
    "equals",
    "not_equals",
    "contains",
    "starts_with",
    "ends_with",
    "greater_than",
    "less_than",
    "is_none",
    "is_truthy",
    "is_falsy",
];
const TRANSFORMS: &[&str] = &[
    "to_string",
    "get_property",
    "to_int",
    "to_float",
    "to_upper",
    "to_lower",
    "trim",
    "length",
];
const REDUCTIONS: &[&str] = &[
    "sum", "product", "min", "max", "avg", "count", "first", "last", "join",
];
/// The slots of a new list.
const SLOTS: [&str; 10] = [
    "item_1", "item_2", "item_3", "item_4", "item_5", "item_6", "item_7", "item_8", "item_9",
    "item_10",
];

pub(super) fn types() -> Vec<NodeType> {
    let compute = NodeType::compute;
    let list = |node_type: NodeType| node_type.needs("list", Kind::List).key("items", "list");
    let mut create = compute(
        "CreateListNode",
        "Makes a list of what its slots have; empty slots are left out.",
        |call| {
            let items: Vec<Value> = SLOTS
                .iter()
                .filter_map(|slot| call.get(slot).cloned())
                .collect();
            call.give("list", items);
            Ok(())
        },
    )
    .output("list", Kind::List);
    for slot in SLOTS {
        create = create.input(slot, Kind::Any);
    }
    vec![
        create,
        list(compute(
            "ListGetItemNode",
            "Takes an item by its place, from 0, or from the end if it is negative.",
            get,
        ))
        .input_or("index", Kind::Integer, 0)
        .output("item", Kind::Any),
        list(compute(
            "ListLengthNode",
            "How many items a list has.",
            |call| {
                call.give("length", call.list("list").len());
                Ok(())
            },
        ))
        .output("length", Kind::Integer),
        list(compute(
            "ListAppendNode",
            "Puts an item at the end of a list.",
            |call| {
                let mut items = call.list("list");
                items.push(call.value("item"));
                call.give("result", items);
                Ok(())
            },
        ))
        .input("item", Kind::Any)
        .output("result", Kind::List)
        .port("list", "result"),
        list(compute(
            "ListContainsNode",
            "Looks for an item in a list.",
            |call| {
                let wanted = call.value("item");
                let place = call
                    .list("list")
                    .iter()
                    .position(|item| equal(item, &wanted));
                call.give("contains", place.is_some());
                call.give("index", place.map_or(json!(-1), |place| json!(place)));
                Ok(())
            },
        ))
        .input("item", Kind::Any)
        .output("contains", Kind::Boolean)
        .output("index", Kind::Integer),
        list(compute(
            "ListSliceNode",
            "Takes a part of a list. Places count from 0, or from the end if they are negative.",
            |call| {
                let items = call.list("list");
                let (start, count) =
                    bounds(items.len(), call.integer("start"), call.integer("end"));
                let part: Vec<Value> = items.into_iter().skip(start).take(count).collect();
                call.give("result", part);
                Ok(())
            },
        ))
        .input("start", Kind::Integer)
        .input("end", Kind::Integer)
        .output("result", Kind::List),
        list(compute(
            "ListJoinNode",
            "Joins the items of a list to a text.",
            |call| {
                let items: Vec<String> = call.list("list").iter().map(text).collect();
                call.give("result", items.join(&call.text("separator")));
                Ok(())
            },
        ))
        .input_or("separator", Kind::Text, ", ")
        .output("result", Kind::Text),
        list(compute(
            "ListSortNode",
            "Sorts a list, by the items or by a part of them.",
            sorted,
        ))
        .input_or("reverse", Kind::Boolean, false)
        .input("key_path", Kind::Text)
        .output("result", Kind::List)
        .port("sorted_list", "result"),
        list(compute("ListReverseNode", "Turns a list around.", |call| {
            let mut items = call.list("list");
            items.reverse();
            call.give("result", items);
            Ok(())
        }))
        .output("result", Kind::List),
        list(compute(
            "ListUniqueNode",
            "Leaves out items that were there before.",
            |call| {
                let mut kept: Vec<Value> = Vec::new();
                for item in call.list("list") {
                    if !kept.iter().any(|known| equal(known, &item)) {
                        kept.push(item);
                    }
                }
                call.give("result", kept);
                Ok(())
            },
        ))
        .output("result", Kind::List)
        .port("unique_list", "result"),
        list(compute(
            "ListFilterNode",
            "Keeps the items for which a condition holds.",
            filter,
        ))
        .input("value", Kind::Any)
        .input("key_path", Kind::Text)
        .input_or("condition", Kind::Choice(CONDITIONS), "is_not_none")
        .output("result", Kind::List)
        .output("removed", Kind::List),
        list(compute(
            "ListMapNode",
            "Makes something else of each item.",
            map,
        ))
        .input_or("transform", Kind::Choice(TRANSFORMS), "to_string")
        .input("key_path", Kind::Text)
        .output("result", Kind::List),
        list(compute(
            "ListReduceNode",
            "Makes one value of a list.",
            reduce,
        ))
        .input_or("operation", Kind::Choice(REDUCTIONS), "sum")
        .input("key_path", Kind::Text)
        .input("initial", Kind::Any)
        .output("result", Kind::Any),
        list(compute(
            "ListFlattenNode",
            "Takes lists in a list apart, so many levels deep.",
            |call| {
                let depth = call.integer("depth").unwrap_or(1);
                let items = flatten(call.list("list"), depth);
                call.give("result", items);
                Ok(())
            },
        ))
        .input_or("depth", Kind::Integer, 1)
        .output("result", Kind::List),
    ]
}

fn get(call: &mut Call<'_>) -> Result<(), Fault> {
    let item = item(&call.list("list"), call.integer("index").unwrap_or(0))?;
    call.give("item", item);
    Ok(())
}

/// The item at a place, which counts from the end if it is negative.
pub(super) fn item(items: &[Value], index: i64) -> Result<Value, Fault> {
    let place = match usize::try_from(index) {
        Ok(place) => Some(place),
        Err(_) => usize::try_from(index.unsigned_abs())
            .ok()
            .and_then(|back| items.len().checked_sub(back)),
    };
    let found = place.and_then(|place| items.get(place));
    found.cloned().ok_or_else(|| {
        Fault::of(
            "IndexError",
            format!("there is no item {index} in a list of {}", items.len()),
        )
    })
}

/// The part of an item that a path leads to; the item itself without one.
fn part(item: &Value, path: &str) -> Option<Value> {
    if path.trim().is_empty() {
        return Some(item.clone());
    }
    follow(item, &segments(path.trim())?).cloned()
}

fn sorted(call: &mut Call<'_>) -> Result<(), Fault> {
    let path = call.text("key_path");
    let mut items = call.list("list");
    // Turned around before and after, so that items of equal keys stay in their order.
    if call.flag("reverse") {
        items.reverse();
    }
    let mut keyed: Vec<Value> = items
        .into_iter()
        .enumerate()
        // The place keeps the order of equal keys, and ends the comparison before the items themselves.
        .map(|(place, item)| json!([part(&item, &path), place, item]))
        .collect();
    sort(&mut keyed).map_err(|error| Fault::of("TypeError", error.message))?;
    let mut items: Vec<Value> = keyed
        .into_iter()
        .filter_map(|keyed| keyed.get(2).cloned())
        .collect();
    if call.flag("reverse") {
        items.reverse();
    }
    call.give("result", items);
    Ok(())
}

fn filter(call: &mut Call<'_>) -> Result<(), Fault> {
    let (condition, path, wanted) = (
        call.text("condition"),
        call.text("key_path"),
        call.value("value"),
    );
    let said = text(&wanted);
    let mut kept = Vec::new();
    let mut removed = Vec::new();
    for item in call.list("list") {
        let value = part(&item, &path).unwrap_or_default();
        let more_than = |left: &Value, right: &Value| match (
            value::read_number(left),
            value::read_number(right),
        ) {
            (Some(left), Some(right)) => Ok(left > right),
            _ => value::compare(left, right)
                .map(std::cmp::Ordering::is_gt)
                .map_err(|reason| Fault::of("TypeError", reason)),
        };
        let holds = match condition.as_str() {
            // A value in a config is a text whatever it means.
            "equals" => equal(&value, &wanted) || text(&value) == said,
            "not_equals" => !equal(&value, &wanted) && text(&value) != said,
            "contains" => match &value {
                Value::Array(items) => items.iter().any(|item| equal(item, &wanted)),
                Value::Object(map) => map.contains_key(&said),
                other => text(other).contains(&said),
            },
            "starts_with" => text(&value).starts_with(&said),
            "ends_with" => text(&value).ends_with(&said),
            "greater_than" => more_than(&value, &wanted)?,
            "less_than" => more_than(&wanted, &value)?,
            "is_none" => value.is_null(),
            "is_truthy" => value::truth(&value),
            "is_falsy" => !value::truth(&value),
            _ => !value.is_null(),
        };
        if holds {
            kept.push(item)
        } else {
            removed.push(item)
        }
    }
    call.give("result", kept);
    call.give("removed", removed);
    Ok(())
}

fn map(call: &mut Call<'_>) -> Result<(), Fault> {
    let (transform, path) = (call.text("transform"), call.text("key_path"));
    let mut result = Vec::new();
    for item in call.list("list") {
        let item = part(&item, &path).unwrap_or_default();
        let said = || text(&item);
        let cannot = |what: &str| Fault::value(format!("{} is no {what}", value::repr(&item)));
        result.push(match transform.as_str() {
            "get_property" => item,
            "to_int" => {
                match value::read_number(&item).and_then(|number| value::whole(number.trunc())) {
                    Some(integer) => integer.into(),
                    None => return Err(cannot("integer")),
                }
            }
            "to_float" => match value::read_number(&item) {
                Some(number) => number.into(),
                None => return Err(cannot("number")),
            },
            "to_upper" => said().to_uppercase().into(),
            "to_lower" => said().to_lowercase().into(),
            "trim" => said().trim().into(),
            "length" => match &item {
                Value::Array(items) => items.len().into(),
                Value::Object(map) => map.len().into(),
                _ => said().chars().count().into(),
            },
            _ => said().into(),
        });
    }
    call.give("result", result);
    Ok(())
}

fn reduce(call: &mut Call<'_>) -> Result<(), Fault> {
    let path = call.text("key_path");
    let items: Vec<Value> = call
        .list("list")
        .iter()
        .map(|item| part(item, &path).unwrap_or_default())
        .collect();
    let operation = call.text("operation");
    let initial = call.get("initial").cloned();
    let numbers = || -> Result<Vec<f64>, Fault> {
        let number = |item: &Value| {
            value::read_number(item)
                .ok_or_else(|| Fault::value(format!("{} is no number", value::repr(item))))
        };
        items.iter().map(number).collect()
    };
    let extreme = |wanted: std::cmp::Ordering| -> Result<Value, Fault> {
        let mut best: Option<&Value> = None;
        for item in &items {
            let better = match best {
                Some(best) => {
                    value::compare(item, best).map_err(|reason| Fault::of("TypeError", reason))?
                        == wanted
                }
                None => true,
            };
            if better {
                best = Some(item);
            }
        }
        Ok(best
            .cloned()
            .or_else(|| initial.clone())
            .unwrap_or_default())
    };
    let result = match operation.as_str() {
        "product" => {
            let start = initial.as_ref().and_then(value::read_number).unwrap_or(1.0);
            value::float(
                numbers()?
                    .into_iter()
                    .fold(start, |product, number| product * number),
            )?
        }
        "min" => extreme(std::cmp::Ordering::Less)?,
        "max" => extreme(std::cmp::Ordering::Greater)?,
        "avg" => {
            let numbers = numbers()?;
            match numbers.len() {
                0 => initial.unwrap_or_else(|| json!(0)),
                count => value::float(numbers.iter().sum::<f64>() / count as f64)?,
            }
        }
        "count" => items.len().into(),
        "first" => items.first().cloned().or(initial).unwrap_or_default(),
        "last" => items.last().cloned().or(initial).unwrap_or_default(),
        "join" => {
            let texts: Vec<String> = items.iter().map(text).collect();
            texts
                .join(&initial.as_ref().map(text).unwrap_or_default())
                .into()
        }
        _ => {
            let mut summed = Vec::new();
            for item in initial.iter().chain(&items) {
                summed.push(match item {
                    Value::String(_) => {
                        value::read_number(item).map(Value::from).ok_or_else(|| {
                            Fault::value(format!("{} is no number", value::repr(item)))
                        })?
                    }
                    other => other.clone(),
                });
            }
            sum(&summed).map_err(|error| Fault::value(error.message))?
        }
    };
    call.give("result", result);
    Ok(())
}

fn flatten(items: Vec<Value>, depth: i64) -> Vec<Value> {
    let mut flat = Vec::new();
    for item in items {
        match item {
            Value::Array(inner) if depth != 0 => flat.extend(flatten(inner, depth - 1)),
            other => flat.push(other),
        }
    }
    flat
}
