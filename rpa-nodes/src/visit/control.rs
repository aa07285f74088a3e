//! The nodes that decide which way control takes. What they decide is recorded; the walk only follows.

use serde_json::Value;

use crate::catalogue::Control;
use crate::expression::Expression;
use crate::fault::Fault;
use crate::plan::PlanNode;
use crate::record::{Items, Next, Record};
use crate::value::{Object, read_integer, read_number, text, truth};
use crate::walk::{Phase, Scope, Turn, Walk};

/// The longest wait, in seconds: ten years.
const LONGEST_WAIT: f64 = 315_360_000.0;

pub(super) fn decide(
    control: Control,
    walk: &Walk,
    turn: &Turn,
    scope: &Scope,
    node: &PlanNode,
    record: &mut Record,
) -> Result<(), Fault> {
    match control {
        Control::If => {
            let holds = condition(&record.inputs, scope)?;
            leave(record, if holds { "true" } else { "false" });
        }
        Control::Switch => switch(walk, turn, scope, record)?,
        Control::ForStart => for_start(turn, node, scope, record)?,
        Control::WhileStart => while_start(turn, scope, record)?,
        Control::Try => leave(record, "try_body"),
        Control::Catch => catch(turn, record)?,
        Control::Finally => {
            let had_error = matches!(turn.phase, Phase::Finally { had_error: true });
            give(record, "had_error", had_error);
            leave(record, "finally_body");
        }
        Control::Retry => retry(turn, record),
        Control::RetryFail => {
            let message = record.inputs.get("error_message").map(text);
            return Err(Fault::of("RetryFail", message.unwrap_or_default()));
        }
        Control::Fork => {
            let fail_fast = record.inputs.get("fail_fast").is_some_and(truth);
            record.next = Some(Next::FailFast(fail_fast));
        }
        Control::Join => join(turn, record),
        Control::Each => each(turn, record),
        Control::Wait => {
            let seconds = record.inputs.get("duration").and_then(read_number);
            record.next = Some(Next::Sleep(milliseconds(seconds.unwrap_or(0.0))?));
        }
        Control::Pass => {
            for (name, value) in record.inputs.clone() {
                if node
                    .node_type
                    .is_some_and(|it| it.find_output("out").is_some())
                    && name == "in"
                {
                    give(record, "out", value);
                }
            }
        }
        Control::Start
        | Control::End
        | Control::ForEnd
        | Control::WhileEnd
        | Control::Break
        | Control::Continue
        | Control::RetrySuccess => {}
    }
    Ok(())
}

fn leave(record: &mut Record, exit: &str) {
    record.exit = Some(exit.to_owned());
}

fn give(record: &mut Record, name: &str, value: impl Into<Value>) {
    record.outputs.insert(name.to_owned(), value.into());
}

fn milliseconds(seconds: f64) -> Result<u64, Fault> {
    if !(0.0..=LONGEST_WAIT).contains(&seconds) {
        return Err(Fault::value(format!(
            "{seconds} s is no time to wait; give 0 to {LONGEST_WAIT}"
        )));
    }
    Ok((seconds * 1000.0).round() as u64)
}

/// Whether a condition holds: what its port brings, or what its config says.
fn condition(inputs: &Object, scope: &Scope) -> Result<bool, Fault> {
    let given = inputs.get("condition").or_else(|| inputs.get("expression"));
    holds(given, scope)
}

/// Whether a condition is true: a value, the name of a truth value, or an expression.
pub(crate) fn holds(condition: Option<&Value>, scope: &Scope) -> Result<bool, Fault> {
    match condition {
        // What a link brings is a value; a text is one that a person wrote.
        Some(Value::String(written)) if says(written).is_none() => {
            let value = Expression::parse(written)?.evaluate(scope)?;
            Ok(match &value {
                Value::String(text) => says(text).unwrap_or(true),
                other => truth(other),
            })
        }
        Some(Value::String(written)) => Ok(says(written).unwrap_or(true)),
        Some(value) => Ok(truth(value)),
        None => Err(Fault::value(
            "there is no condition; connect the port `condition`, or set `expression` in the config",
        )),
    }
}

/// The truth value that a text is the name of.
fn says(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "" | "false" | "no" | "off" | "0" | "none" | "null" => Some(false),
        _ => None,
    }
}

fn switch(walk: &Walk, turn: &Turn, scope: &Scope, record: &mut Record) -> Result<(), Fault> {
    let value = match (record.inputs.get("value"), record.inputs.get("expression")) {
        (Some(value), _) => value.clone(),
        (None, Some(Value::String(expression))) => {
            Expression::parse(expression)?.evaluate(scope)?
        }
        (None, Some(value)) => value.clone(),
        (None, None) => {
            return Err(Fault::value(
                "there is no value to switch on; connect the port `value`, or set `expression` in the config",
            ));
        }
    };
    let cases = match record.inputs.get("cases") {
        Some(Value::Array(cases)) => cases.clone(),
        Some(Value::String(written)) => match crate::catalogue::written(written) {
            Some(Value::Array(cases)) => cases,
            _ => written.split(',').map(|case| case.trim().into()).collect(),
        },
        _ => Vec::new(),
    };
    let wanted = text(&value);
    let found = cases.iter().position(|case| text(case) == wanted);
    let ports = [
        Some(format!("case_{wanted}")),
        found.map(|place| format!("case_{place}")),
    ];
    let has_way = |port: &String| walk.plan().has_way(turn.place, port);
    let port = ports.into_iter().flatten().find(has_way);
    give(record, "value", value);
    match (port, found) {
        (Some(port), _) => record.exit = Some(port),
        // A case without a way ends the branch; it is no reason to take the default.
        (None, Some(_)) => record.exit = Some(format!("case_{wanted}")),
        (None, None) => leave(record, "default"),
    }
    Ok(())
}

fn for_start(
    turn: &Turn,
    node: &PlanNode,
    scope: &Scope,
    record: &mut Record,
) -> Result<(), Fault> {
    let (found, index) = match &turn.phase {
        Phase::Leave => (None, 0),
        Phase::Item { items, index } => (items.get(*index), *index),
        _ => {
            let items = items(node, scope, record)?;
            let first = items.get(0);
            record.next = Some(Next::Over(items));
            (first, 0)
        }
    };
    let Some((item, key)) = found else {
        leave(record, "completed");
        return Ok(());
    };
    let name = record.inputs.get("item_var").map(text).unwrap_or_default();
    let name = if name.trim().is_empty() {
        "item"
    } else {
        name.trim()
    };
    record.set.insert(name.to_owned(), item.clone());
    record.set.insert(format!("{name}_index"), index.into());
    if !key.is_null() {
        record.set.insert(format!("{name}_key"), key.clone());
    }
    give(record, "current_item", item);
    give(record, "current_index", index);
    give(record, "current_key", key);
    leave(record, "body");
    Ok(())
}

/// What a for loop goes over.
fn items(node: &PlanNode, scope: &Scope, record: &mut Record) -> Result<Items, Fault> {
    let inputs = &record.inputs;
    let is_range = inputs.get("mode").is_some_and(|mode| mode == "range");
    if !is_range {
        if let Some(items) = inputs.get("items") {
            // A placeholder that stands for nothing stays as it is written; to go over its characters is not meant.
            return match (items, node.config.get("items")) {
                (Value::String(text), Some(Value::String(written)))
                    if text == written && text.contains("{{") =>
                {
                    Err(Fault::value(format!(
                        "`items`: there is nothing that `{text}` could stand for; set it before, or correct the name"
                    )))
                }
                _ => Ok(collection(items)),
            };
        }
        if let Some(name) = inputs.get("list_var") {
            return match name {
                Value::String(name) => match crate::template::bind(
                    name,
                    crate::value::Path::parse(name).as_ref(),
                    scope,
                ) {
                    Some(items) => Ok(collection(&items)),
                    None => Err(Fault::value(format!(
                        "there is no variable `{name}` to go over"
                    ))),
                },
                items => Ok(collection(items)),
            };
        }
        let says_end = node.config.get("end").is_some_and(|end| !end.is_null())
            || node.feeds.iter().any(|feed| feed.input == "end");
        if !says_end {
            return Err(Fault::value(
                "there is nothing to go over; connect the port `items`, name a variable in `list_var`, or set `mode` \
                 to range",
            ));
        }
        record.warnings.push(
            "`mode` is items, but there are only `start` and `end`: they were taken as a range"
                .to_owned(),
        );
    }
    let inputs = &record.inputs;
    let number =
        |name: &str, otherwise: i64| inputs.get(name).and_then(read_integer).unwrap_or(otherwise);
    let (start, end, step) = (number("start", 0), number("end", 10), number("step", 1));
    let way = i128::from(end) - i128::from(start);
    let count = match i128::from(step) {
        0 => return Err(Fault::value("the step of a range cannot be 0")),
        step if (way > 0) == (step > 0) && way != 0 => (way.abs() + step.abs() - 1) / step.abs(),
        _ => 0,
    };
    Ok(Items::Range {
        start,
        step,
        count: u64::try_from(count).unwrap_or(0),
    })
}

fn collection(of: &Value) -> Items {
    let values = |values| Items::Values { values, keys: None };
    match of {
        Value::Array(items) => values(items.clone()),
        Value::Object(map) => Items::Values {
            values: map.values().cloned().collect(),
            keys: Some(map.keys().cloned().collect()),
        },
        Value::String(text) => match crate::catalogue::written(text) {
            Some(of @ (Value::Array(_) | Value::Object(_))) => collection(&of),
            _ => values(
                text.chars()
                    .map(|character| character.to_string().into())
                    .collect(),
            ),
        },
        Value::Null => values(Vec::new()),
        other => values(vec![other.clone()]),
    }
}

fn while_start(turn: &Turn, scope: &Scope, record: &mut Record) -> Result<(), Fault> {
    let round = match turn.phase {
        Phase::Leave => {
            leave(record, "completed");
            return Ok(());
        }
        Phase::Round { index } => index,
        _ => 0,
    };
    let limit = record.inputs.get("max_iterations").and_then(read_integer);
    let limit = limit
        .and_then(|limit| u64::try_from(limit).ok())
        .unwrap_or(u64::MAX);
    if round >= limit {
        record.warnings.push(format!(
            "the loop ended after {limit} passes although its condition may still hold; raise `max_iterations` if that is \
             too early"
        ));
        leave(record, "completed");
        return Ok(());
    }
    if !condition(&record.inputs, scope)? {
        leave(record, "completed");
        return Ok(());
    }
    give(record, "current_iteration", round);
    leave(record, "body");
    Ok(())
}

fn catch(turn: &Turn, record: &mut Record) -> Result<(), Fault> {
    let Phase::Caught(fault) = &turn.phase else {
        return Ok(());
    };
    let filter = record
        .inputs
        .get("error_types")
        .map(text)
        .unwrap_or_default();
    let mut wanted = filter
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .peekable();
    let takes_all = wanted.peek().is_none();
    if !takes_all
        && !wanted.any(|name| matches!(name, "Exception" | "*") || name == fault.error_type)
    {
        return Err(fault.clone());
    }
    give(record, "error_message", fault.message.clone());
    give(record, "error_type", fault.error_type.clone());
    give(
        record,
        "stack_trace",
        format!("{fault} (node {})", fault.node),
    );
    leave(record, "catch_body");
    Ok(())
}

fn retry(turn: &Turn, record: &mut Record) {
    let attempts = record.inputs.get("max_attempts").and_then(read_integer);
    let attempts = u32::try_from(attempts.unwrap_or(3)).unwrap_or(1).max(1);
    match &turn.phase {
        Phase::Succeeded { attempt } => {
            give(record, "attempt", *attempt);
            give(record, "last_error", "");
            leave(record, "success");
        }
        Phase::Attempt { number, last } if *number > attempts => {
            give(record, "attempt", number - 1);
            give(record, "last_error", last.message.clone());
            leave(record, "failed");
        }
        Phase::Attempt { number, last } => {
            let delay = record
                .inputs
                .get("initial_delay")
                .and_then(read_number)
                .unwrap_or(1.0);
            let factor = record
                .inputs
                .get("backoff_multiplier")
                .and_then(read_number)
                .unwrap_or(2.0);
            let exponent = i32::try_from(number.saturating_sub(2)).unwrap_or(i32::MAX);
            let seconds = (delay * factor.powi(exponent)).clamp(0.0, LONGEST_WAIT);
            record.next = Some(Next::Sleep((seconds * 1000.0).round() as u64));
            give(record, "attempt", *number);
            give(record, "last_error", last.message.clone());
            leave(record, "retry_body");
        }
        _ => {
            give(record, "attempt", 1);
            give(record, "last_error", "");
            leave(record, "retry_body");
        }
    }
}

fn each(turn: &Turn, record: &mut Record) {
    if let Phase::Joined { results } = &turn.phase {
        let results = results.get("results").cloned().unwrap_or_default();
        give(record, "results", results);
        leave(record, "completed");
        return;
    }
    let items = match record.inputs.get("items") {
        Some(Value::Array(items)) => items.clone(),
        _ => Vec::new(),
    };
    if items.is_empty() {
        give(record, "results", Value::Array(items));
        leave(record, "completed");
        return;
    }
    let size = record.inputs.get("batch_size").and_then(read_integer);
    record.next = Some(Next::Branches {
        items,
        size: usize::try_from(size.unwrap_or(5)).unwrap_or(1).max(1),
        fail_fast: record.inputs.get("fail_fast").is_some_and(truth),
    });
    leave(record, "body");
}

fn join(turn: &Turn, record: &mut Record) {
    let Phase::Joined { results } = &turn.phase else {
        return;
    };
    let strategy = record.inputs.get("merge_strategy").map(text);
    let mut kept = results.clone();
    let chosen = match strategy.as_deref() {
        Some("first") => results.keys().next(),
        Some("last") => results.keys().next_back(),
        _ => None,
    };
    if let Some(chosen) = chosen {
        kept.retain(|branch, _| branch == chosen);
    }
    give(record, "branch_count", results.len());
    give(record, "results", Value::Object(kept));
}
