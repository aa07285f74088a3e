//! Nodes that let chance decide. What it decided is recorded: a run that goes on after a crash keeps it.

use serde_json::Value;
use uuid::{Builder, Uuid};

use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::host::{now, random_fraction, random_integer};
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
        varies(
            "RandomUUIDNode",
            "A UUID: of chance (version 4), or of the moment and chance (1 or 7).",
            |call| {
                let id = identifier(call.integer("version").unwrap_or(4))?;
                let id = match call.text("format").as_str() {
                    "hex" => id.simple().to_string(),
                    "urn" => id.urn().to_string(),
                    _ => id.to_string(),
                };
                call.give("result", id);
                Ok(())
            },
        )
        .property("version", Kind::Integer, 4)
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

/// The 100 ns between the epoch of UUIDs of version 1 (1582) and that of Unix.
const SINCE_1582: u64 = 0x01b2_1dd2_1381_4000;

fn identifier(version: i64) -> Result<Uuid, Fault> {
    let chance = Uuid::new_v4();
    let moment = now().timestamp();
    let [a, b, c, d, e, f, g, h, i, j, ..] = *chance.as_bytes();
    let id = match version {
        4 => return Ok(chance),
        1 => {
            let ticks = u64::try_from(moment.as_nanosecond() / 100).unwrap_or_default();
            // The lowest bit of its first byte says that a node is no network card.
            Builder::from_gregorian_timestamp(
                ticks + SINCE_1582,
                u16::from_be_bytes([a, b]),
                &[c | 1, d, e, f, i, j],
            )
        }
        7 => {
            let millis = u64::try_from(moment.as_millisecond()).unwrap_or_default();
            Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j])
        }
        other => {
            return Err(Fault::value(format!(
                "a UUID of version {other} cannot be made; there are 1, 4 and 7"
            )));
        }
    };
    Ok(id.into_uuid())
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
