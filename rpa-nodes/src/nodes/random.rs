//! Nodes that let chance decide. What it decided is recorded: a run that goes on after a crash keeps it.

use serde_json::Value;

use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::host::{random_fraction, random_integer};
use crate::value::whole;
use crate::visit::Call;

/// The longest random text.
const LONGEST: i64 = 1_000_000;

pub(super) fn types() -> Vec<NodeType> {
    let varies = |name, summary, body| NodeType::compute(name, summary, body).varies();
    vec![
        varies("RandomNumberNode", "A random number between two.", number)
            .input_or("min_value", Kind::Float, 0)
            .input_or("max_value", Kind::Float, 100)
            .property("integer_only", Kind::Boolean, false)
            .key("min", "min_value")
            .key("max", "max_value")
            .output("result", Kind::Float),
        varies(
            "RandomChoiceNode",
            "One or some of the items of a list.",
            choice,
        )
        .needs("items", Kind::List)
        .property("count", Kind::Integer, 1)
        .property("allow_duplicates", Kind::Boolean, false)
        .key("list", "items")
        .output("result", Kind::Any)
        .output("index", Kind::Integer),
        varies("RandomStringNode", "A random text.", text)
            .input_or("length", Kind::Integer, 8)
            .property("include_uppercase", Kind::Boolean, true)
            .property("include_lowercase", Kind::Boolean, true)
            .property("include_digits", Kind::Boolean, true)
            .property("include_special", Kind::Boolean, false)
            .optional("custom_chars", Kind::Text)
            .output("result", Kind::Text),
        varies("RandomUUIDNode", "A random UUID (version 4).", |call| {
            let id = uuid::Uuid::new_v4();
            let id = match call.text("format").as_str() {
                "hex" => id.simple().to_string(),
                "urn" => id.urn().to_string(),
                _ => id.to_string(),
            };
            call.give("result", id);
            Ok(())
        })
        .property(
            "format",
            Kind::Choice(&["standard", "hex", "urn"]),
            "standard",
        )
        .output("result", Kind::Text)
        .port("uuid", "result"),
        varies(
            "ShuffleListNode",
            "The items of a list in a random order.",
            |call| {
                let mut items = call.list("items");
                shuffle(&mut items);
                call.give("result", items);
                Ok(())
            },
        )
        .needs("items", Kind::List)
        .key("list", "items")
        .output("result", Kind::List),
    ]
}

fn number(call: &mut Call<'_>) -> Result<(), Fault> {
    let lowest = call.number("min_value").unwrap_or(0.0);
    let highest = call.number("max_value").unwrap_or(100.0);
    if lowest > highest {
        return Err(Fault::value(format!(
            "`min_value` ({lowest}) is above `max_value` ({highest})"
        )));
    }
    if call.flag("integer_only") {
        match (whole(lowest.ceil()), whole(highest.floor())) {
            (Some(lowest), Some(highest)) if lowest <= highest => {
                call.give("result", random_integer(lowest, highest));
            }
            _ => return Err(Fault::value("there is no integer between the two")),
        }
    } else {
        call.give("result", lowest + random_fraction() * (highest - lowest));
    }
    Ok(())
}

fn below(count: usize) -> usize {
    let highest = i64::try_from(count).unwrap_or(i64::MAX) - 1;
    usize::try_from(random_integer(0, highest.max(0))).unwrap_or(0)
}

fn shuffle<T>(items: &mut [T]) {
    for place in (1..items.len()).rev() {
        items.swap(place, below(place + 1));
    }
}

fn choice(call: &mut Call<'_>) -> Result<(), Fault> {
    let items = call.list("items");
    if items.is_empty() {
        return Err(Fault::value(
            "the list is empty: there is nothing to choose",
        ));
    }
    let count = usize::try_from(call.integer("count").unwrap_or(1)).unwrap_or(0);
    if count == 1 {
        let place = below(items.len());
        call.give("index", place);
        call.give("result", items.get(place).cloned().unwrap_or_default());
        return Ok(());
    }
    let mut places: Vec<usize> = (0..items.len()).collect();
    if call.flag("allow_duplicates") {
        places = (0..count).map(|_| below(items.len())).collect();
    } else if count > items.len() {
        return Err(Fault::value(format!(
            "{count} different items cannot be chosen of {}",
            items.len()
        )));
    } else {
        shuffle(&mut places);
        places.truncate(count);
    }
    let chosen: Vec<Value> = places
        .iter()
        .filter_map(|place| items.get(*place).cloned())
        .collect();
    call.give("index", places.first().copied().unwrap_or_default());
    call.give("result", chosen);
    Ok(())
}

fn text(call: &mut Call<'_>) -> Result<(), Fault> {
    let length = call.integer("length").unwrap_or(8);
    if !(0..=LONGEST).contains(&length) {
        return Err(Fault::value(format!(
            "a length of {length} is not possible; give 0 to {LONGEST}"
        )));
    }
    let mut characters: Vec<char> = call.text("custom_chars").chars().collect();
    if characters.is_empty() {
        for (name, some) in [
            ("include_uppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ("include_lowercase", "abcdefghijklmnopqrstuvwxyz"),
            ("include_digits", "0123456789"),
            ("include_special", "!@#$%^&*()-_=+[]{};:,.?"),
        ] {
            if call.flag(name) {
                characters.extend(some.chars());
            }
        }
    }
    if characters.is_empty() {
        return Err(Fault::value("no characters are allowed; include some"));
    }
    let result: String = (0..length)
        .filter_map(|_| characters.get(below(characters.len())))
        .collect();
    call.give("result", result);
    Ok(())
}
