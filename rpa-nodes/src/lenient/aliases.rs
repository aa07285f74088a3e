//! Names in real files that no node type ever had, and what is meant by them.

use crate::catalogue::{NodeType, catalogue, edits, nearest};

/// Node types: as templates, other branches and language models call them.
const TYPES: [(&str, &str); 19] = [
    ("AssignNode", "SetVariableNode"),
    ("ClickNode", "ClickElementNode"),
    ("CreateFolderNode", "CreateDirectoryNode"),
    ("DatabaseDisconnectNode", "CloseDatabaseNode"),
    ("DatabaseQueryNode", "ExecuteQueryNode"),
    ("DatabaseUpsertNode", "ExecuteNonQueryNode"),
    ("EmailFetchNode", "ReadEmailsNode"),
    ("EmailMarkReadNode", "MarkEmailNode"),
    ("EvaluateExpressionNode", "EvalExpressionNode"),
    ("ForEachNode", "ForLoopStartNode"),
    ("HTTPSuperNode", "HttpSuperNode"),
    ("IncrementNode", "IncrementVariableNode"),
    ("LogMessageNode", "LogNode"),
    ("NavigateNode", "GoToURLNode"),
    ("ParseJSONNode", "JsonParseNode"),
    ("PrintNode", "LogNode"),
    ("TypeNode", "TypeTextNode"),
    ("VisualRerouteNode", "RerouteNode"),
    ("WhileNode", "WhileLoopStartNode"),
];

/// So many letters of a name may be wrong, and it is still clear what is meant.
const SLIPS: usize = 2;

/// The node type that is meant by a name that none has.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    let known = |name: &str| catalogue().get(name).map(|node_type| node_type.name);
    let alias = |name: &str| TYPES.iter().find(|(other, _)| *other == name);
    if let Some((_, meant)) = alias(name) {
        return known(meant);
    }
    let others = catalogue().iter().map(|node_type| node_type.name);
    let others = others.chain(TYPES.iter().map(|(other, _)| *other));
    let close = nearest(name, others).filter(|close| edits(name, close) <= SLIPS)?;
    known(alias(close).map_or(close, |(_, meant)| meant))
}

/// The output of a node that is meant by a name that none has: one that is spelled almost so, or `result`, or the only
/// one that says more than whether it went well.
pub(super) fn output(node_type: &NodeType, name: &str) -> Option<&'static str> {
    let names = || node_type.outputs.iter().map(|output| output.name);
    let telling: Vec<&'static str> = names()
        .filter(|name| !matches!(*name, "success" | "error"))
        .collect();
    let close = nearest(name, names()).filter(|close| edits(name, close) <= SLIPS);
    match (close, telling.as_slice()) {
        (Some(close), _) => Some(close),
        (None, names) if names.contains(&"result") => Some("result"),
        (None, [only]) => Some(only),
        _ => None,
    }
}

/// The input of a node that is meant by a name that none has.
pub(super) fn input(node_type: &NodeType, name: &str) -> Option<&'static str> {
    let names = node_type.inputs.iter().map(|input| input.name);
    nearest(name, names).filter(|close| edits(name, close) <= SLIPS)
}

/// The way out of a node that is meant by a name that none has.
pub(super) fn exit(node_type: &NodeType, name: &str) -> Option<&'static str> {
    let exits = || node_type.exits.iter().copied();
    let close = nearest(name, exits()).filter(|close| edits(name, close) <= SLIPS);
    match (close, node_type.exits.as_slice()) {
        (Some(close), _) => Some(close),
        (None, [only]) => Some(only),
        _ => None,
    }
}

/// Every name here stands for a node type that there is, or for one of CasareRPA's that there may be one day.
#[cfg(test)]
pub(super) fn unknown_targets() -> Vec<&'static str> {
    let targets = TYPES.iter().map(|(_, meant)| *meant);
    targets
        .filter(|name| catalogue().get(name).is_none() && crate::catalogue::foreign(name).is_none())
        .collect()
}
