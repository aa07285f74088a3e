//! What a node takes: from links, from its config, or by default, in this order.

use serde_json::Value;

use crate::catalogue::{Input, Kind, NodeType};
use crate::fault::Fault;
use crate::plan::PlanNode;
use crate::record::{Record, VisitStatus};
use crate::template;
use crate::value::Object;
use crate::walk::{Phase, Scope, Turn, Walk};

/// Puts the inputs of a node together. With a failure comes what there was before it.
pub(super) fn gather(
    walk: &Walk,
    turn: &Turn,
    scope: &Scope,
    node: &PlanNode,
    node_type: &NodeType,
    warnings: &mut Vec<String>,
) -> Result<Object, (Object, Fault)> {
    let mut inputs = Object::new();
    for input in &node_type.inputs {
        // What a loop goes over was settled when it began; to record it with each pass would fill the database.
        if matches!(turn.phase, Phase::Item { .. } | Phase::Leave) && input.name != "item_var" {
            continue;
        }
        let given = linked(walk, scope, node, input.name)
            .or_else(|| configured(scope, node, input, warnings))
            .or_else(|| (!input.default.is_null()).then(|| input.default.clone()));
        match given {
            Some(value) => match input.kind.coerce(value) {
                Ok(value) => {
                    inputs.insert(input.name.to_owned(), value);
                }
                Err(reason) => {
                    let fault = Fault::value(format!("`{}`: {reason}", input.name));
                    return Err((inputs, fault));
                }
            },
            None if input.required => {
                let message = format!(
                    "the required input `{0}` has no value; connect its port, or set `{0}` in the config",
                    input.name
                );
                return Err((inputs, Fault::value(message)));
            }
            None => {}
        }
    }
    if node_type.is_open {
        others(walk, scope, node, node_type, warnings, &mut inputs);
    }
    Ok(inputs)
}

/// What a node takes that the catalogue does not know: a subflow has what its file says.
fn others(
    walk: &Walk,
    scope: &Scope,
    node: &PlanNode,
    node_type: &NodeType,
    warnings: &mut Vec<String>,
    inputs: &mut Object,
) {
    let is_known = |name: &str| node_type.find_input(name).is_some();
    for (name, written) in node.config.iter().filter(|(name, _)| !is_known(name)) {
        let mut missing = Vec::new();
        let value = template::resolve(written, scope, &mut missing).into_owned();
        warnings.extend(missing.into_iter().map(|missing| unknown(name, &missing)));
        if !value.is_null() {
            inputs.insert(name.clone(), value);
        }
    }
    for feed in node.feeds.iter().filter(|feed| !is_known(&feed.input)) {
        if let Some(value) = linked(walk, scope, node, &feed.input) {
            inputs.insert(feed.input.clone(), value);
        }
    }
}

fn unknown(input: &str, name: &str) -> String {
    format!(
        "`{input}`: there is nothing that `{{{{{name}}}}}` could stand for; it stays as it is written"
    )
}

/// The value that the last link with a value brings.
fn linked(walk: &Walk, scope: &Scope, node: &PlanNode, input: &str) -> Option<Value> {
    let feeds = node.feeds.iter().rev().filter(|feed| feed.input == input);
    feeds
        .filter_map(|feed| {
            let source = walk.plan().node(feed.source)?;
            scope.output(&source.id, &feed.output)
        })
        .find(|value| !value.is_null())
        .cloned()
}

fn configured(
    scope: &Scope,
    node: &PlanNode,
    input: &Input,
    warnings: &mut Vec<String>,
) -> Option<Value> {
    let written = node.config.get(input.name)?;
    if is_empty(written, input.kind) {
        return None;
    }
    if input.kind == Kind::Expression {
        return Some(written.clone());
    }
    let mut missing = Vec::new();
    let parsed = as_json(written, input);
    let written = parsed.as_ref().unwrap_or(written);
    let value = template::resolve(written, scope, &mut missing).into_owned();
    for name in missing {
        warnings.push(unknown(input.name, &name));
    }
    (!is_empty(&value, input.kind)).then_some(value)
}

/// A list or a dict that a config writes as JSON. It is read before its placeholders are filled in, so that no value can
/// change how many there are, and values keep their types.
fn as_json(written: &Value, input: &Input) -> Option<Value> {
    let Value::String(text) = written else {
        return None;
    };
    // The parameters of a statement may also be one value, a text for instance.
    let is_list = |value: &Value| value.is_array();
    let is_dict = |value: &Value| value.is_object();
    let is_meant: fn(&Value) -> bool = match (input.kind, input.name) {
        (Kind::List, _) | (Kind::Any, "parameters") => is_list,
        (Kind::Dict, _) => is_dict,
        _ => return None,
    };
    serde_json::from_str(text).ok().filter(is_meant)
}

/// Whether nothing was filled in.
pub(crate) fn is_empty(value: &Value, kind: Kind) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty() && !kind.takes_empty(),
        _ => false,
    }
}

/// A node that is switched off: what comes in goes out by the port of the same name.
pub(super) fn pass_through(
    walk: &Walk,
    turn: &Turn,
    node: &PlanNode,
    node_type: &NodeType,
    record: &mut Record,
) {
    record.status = VisitStatus::Disabled;
    let scope = walk.scope(turn.strand);
    for input in node_type.inputs.iter().filter(|input| input.has_port) {
        let given = linked(walk, scope, node, input.name)
            .or_else(|| configured(scope, node, input, &mut record.warnings));
        let Some(value) = given else { continue };
        let out = input
            .name
            .strip_suffix("_in")
            .map(|name| format!("{name}_out"));
        for name in [Some(input.name.to_owned()), out].into_iter().flatten() {
            if node_type.find_output(&name).is_some() {
                record.outputs.insert(name, value.clone());
            }
        }
        record.inputs.insert(input.name.to_owned(), value);
    }
    let ways = ["exec_out", "completed", "try_body", "retry_body"];
    let mut exits = ways.into_iter().chain(node_type.exits.iter().copied());
    record.exit = exits
        .find(|exit| walk.plan().has_way(turn.place, exit))
        .map(str::to_owned);
}
