use serde_json::{Value, json};

use super::{check, entries};
use crate::document::{Loaded, load};

/// A workflow of nodes `id:Type` and connections `source.port>target.port`.
fn drawn(nodes: &[&str], connections: &[&str]) -> Loaded {
    let nodes: serde_json::Map<String, Value> = nodes
        .iter()
        .map(|node| {
            let (id, node_type) = node.split_once(':').unwrap();
            (id.to_owned(), json!({"node_type": node_type}))
        })
        .collect();
    let connections: Vec<Value> = connections
        .iter()
        .map(|connection| {
            let (source, target) = connection.split_once('>').unwrap();
            let (source_node, source_port) = source.split_once('.').unwrap_or((source, "exec_out"));
            let (target_node, target_port) = target.split_once('.').unwrap_or((target, "exec_in"));
            json!({
                "source_node": source_node,
                "source_port": source_port,
                "target_node": target_node,
                "target_port": target_port
            })
        })
        .collect();
    let file = json!({"metadata": {"name": "Drawn"}, "nodes": nodes, "connections": connections});
    load(&file.to_string()).unwrap()
}

fn said(loaded: &Loaded) -> Vec<(String, String)> {
    check(loaded)
        .into_iter()
        .map(|one| (one.code.to_string(), one.pointer.to_string()))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(code, pointer)| ((*code).to_owned(), (*pointer).to_owned()))
        .collect()
}

fn started(loaded: &Loaded) -> Vec<&str> {
    entries(&loaded.workflow)
        .into_iter()
        .map(|node| node.id.as_str())
        .collect()
}

#[test]
fn a_plain_chain_has_nothing_to_say() {
    let loaded = drawn(&["s:StartNode", "a:LogNode", "e:EndNode"], &["s>a", "a>e"]);
    assert_eq!(said(&loaded), []);
    assert_eq!(started(&loaded), ["s"]);
}

#[test]
fn connections_to_nodes_that_do_not_exist_are_errors() {
    let loaded = drawn(&["s:StartNode", "Log:LogNode"], &["s>log", "gone>Log"]);
    let found = check(&loaded);
    assert_eq!(
        said(&loaded),
        pairs(&[
            ("ORPHANED_CONNECTION", "/connections/0/target_node"),
            ("ORPHANED_CONNECTION", "/connections/1/source_node"),
            ("UNREACHABLE_NODE", "/nodes/Log"),
        ])
    );
    assert_eq!(
        found[0].fix,
        "write `Log`, if that is the node that is meant"
    );
    assert!(found[1].message.contains("`gone`"));
}

#[test]
fn pointers_lead_into_the_file_as_it_was_given() {
    let file = json!({
        "name": "Sent",
        "graph": {
            "nodes": [{"id": "s", "type": "StartNode"}, {"id": "x", "type": "LogNode"}],
            "connections": [{"out": ["s", "exec_out"], "in": ["y", "exec_in"]}]
        }
    });
    let loaded = load(&file.to_string()).unwrap();
    assert_eq!(
        said(&loaded),
        pairs(&[
            ("ORPHANED_CONNECTION", "/graph/connections/0/in/0"),
            ("UNREACHABLE_NODE", "/graph/nodes/1"),
        ])
    );
}

#[test]
fn a_node_connected_to_itself_is_an_error_and_a_cycle() {
    let loaded = drawn(&["s:StartNode", "a:LogNode"], &["s>a", "a>a"]);
    assert_eq!(
        said(&loaded),
        pairs(&[("SELF_CONNECTION", "/connections/1"), ("CYCLE", "/nodes/a")])
    );
}

#[test]
fn a_loop_of_one_node_may_have_an_empty_body() {
    let loaded = drawn(
        &["s:StartNode", "w:WhileNode"],
        &["s>w", "w.loop_body>w.loop_next"],
    );
    assert_eq!(said(&loaded), pairs(&[("CYCLE", "/nodes/w")]));
}

#[test]
fn the_same_connection_twice_is_a_warning() {
    let loaded = drawn(
        &["s:StartNode", "i:IfNode", "a:LogNode"],
        &["s>i", "i.true>a", "i.false>a", "i.true>a"],
    );
    assert_eq!(
        said(&loaded),
        pairs(&[("DUPLICATE_CONNECTION", "/connections/3")])
    );
}

#[test]
fn without_a_start_node_everything_that_nothing_leads_to_is_started() {
    let loaded = drawn(&["a:LogNode", "b:LogNode", "c:LogNode"], &["a>b"]);
    assert_eq!(said(&loaded), pairs(&[("NO_ENTRY_POINT", "/nodes")]));
    assert_eq!(started(&loaded), ["a", "c"]);
    assert!(check(&loaded)[0].message.ends_with("`a`, `c`"));
}

#[test]
fn a_loop_that_comes_back_to_itself_is_still_started() {
    let loaded = drawn(
        &["w:WhileNode", "a:LogNode"],
        &["w.loop_body>a", "a>w.loop_next"],
    );
    assert_eq!(started(&loaded), ["w"]);
}

#[test]
fn several_start_nodes_are_told_and_the_first_one_counts() {
    let loaded = drawn(
        &["s:StartNode", "t:StartNode", "a:LogNode", "b:LogNode"],
        &["s>a", "t>b"],
    );
    assert_eq!(
        said(&loaded),
        pairs(&[
            ("MULTIPLE_ENTRY_POINTS", "/nodes/t"),
            ("UNREACHABLE_NODE", "/nodes/b"),
        ])
    );
    assert_eq!(started(&loaded), ["s"]);
}

#[test]
fn values_do_not_carry_control() {
    let loaded = drawn(
        &["s:StartNode", "a:LogNode", "b:ConcatenateNode"],
        &["s>a", "b.result>a.message"],
    );
    assert_eq!(said(&loaded), pairs(&[("UNREACHABLE_NODE", "/nodes/b")]));
}

#[test]
fn nodes_that_control_never_enters_are_not_missed() {
    let loaded = drawn(
        &[
            "s:StartNode",
            "c:CommentNode",
            "w:WebhookTriggerNode",
            "o:SubflowOutputNode",
        ],
        &[],
    );
    assert_eq!(said(&loaded), []);
}

#[test]
fn a_workflow_in_which_nothing_starts_is_an_error() {
    let loaded = drawn(&["a:LogNode", "b:LogNode"], &["a>b", "b>a"]);
    assert_eq!(
        said(&loaded),
        pairs(&[("NOTHING_STARTS", "/nodes"), ("CYCLE", "/nodes/a")])
    );
}

#[test]
fn a_workflow_without_nodes_is_an_error() {
    assert_eq!(said(&drawn(&[], &[])), pairs(&[("EMPTY_WORKFLOW", "")]));
}

#[test]
fn each_knot_of_cycles_is_listed_once_by_its_shortest_cycle() {
    let loaded = drawn(
        &["s:StartNode", "a:X", "b:X", "c:X", "d:X", "e:X", "f:X"],
        &[
            "s>a", "a>b", "b>c", "c>a", "b>a", "c>d", "d>e", "e>f", "f>d",
        ],
    );
    let cycles: Vec<String> = check(&loaded).into_iter().map(|one| one.message).collect();
    assert_eq!(
        cycles,
        [
            "control can come back: `a` → `b` → `a`",
            "control can come back: `d` → `e` → `f` → `d`",
        ]
    );
}

#[test]
fn a_diamond_is_no_cycle() {
    let loaded = drawn(
        &["s:StartNode", "i:IfNode", "a:X", "b:X", "m:MergeNode"],
        &["s>i", "i.true>a", "i.false>b", "a>m", "b>m"],
    );
    assert_eq!(said(&loaded), []);
}

#[test]
fn a_very_long_chain_that_comes_back_needs_no_deep_stack() {
    const LENGTH: usize = 20_000;
    let nodes: Vec<String> = (0..LENGTH).map(|place| format!("{place}:X")).collect();
    let connections: Vec<String> = (0..LENGTH)
        .map(|place| format!("{place}>{}", (place + 1) % LENGTH))
        .collect();
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let connections: Vec<&str> = connections.iter().map(String::as_str).collect();
    let found = check(&drawn(&nodes, &connections));
    assert_eq!(found.len(), 2);
    assert!(
        found[1].message.ends_with("`11` → … → `0`"),
        "{}",
        found[1].message
    );
}

#[test]
fn a_snippet_is_entered_where_it_says_and_refers_to_its_own_nodes() {
    let file = json!({
        "snippet_id": "s",
        "name": "Part",
        "nodes": {"a": {"node_type": "X"}, "b": {"node_type": "X"}},
        "connections": [],
        "entry_node_ids": ["a"],
        "exit_node_ids": ["c"]
    });
    let loaded = load(&file.to_string()).unwrap();
    assert_eq!(started(&loaded), ["a"]);
    assert_eq!(
        said(&loaded),
        pairs(&[
            ("ORPHANED_REFERENCE", "/exit_node_ids/0"),
            ("UNREACHABLE_NODE", "/nodes/b"),
        ])
    );
}

#[test]
fn ports_of_a_subflow_must_exist_inside() {
    let file = json!({
        "$schema_version": "1.0.0",
        "name": "Part",
        "inputs": [{"name": "in", "internal_node_id": "a", "internal_port_name": "value"}],
        "outputs": [{"name": "out", "internal_node_id": "z", "internal_port_name": "value"}],
        "nodes": {"a": {"node_type": "X"}},
        "connections": []
    });
    let loaded = load(&file.to_string()).unwrap();
    assert_eq!(
        said(&loaded),
        pairs(&[("ORPHANED_REFERENCE", "/outputs/0")])
    );
}
