use serde_json::{Value, json};

use super::*;
use crate::document;

/// What is said of a workflow: codes and pointers of errors and warnings.
fn said(nodes: Value, links: &[[&str; 4]]) -> Vec<String> {
    let mut document = json!({"metadata": {"name": "t"}, "nodes": {}, "connections": []});
    for (id, node) in nodes.as_object().unwrap() {
        document["nodes"][id] = json!({"node_id": id, "node_type": node[0], "config": node[1]});
    }
    for [source, out, target, into] in links {
        document["connections"].as_array_mut().unwrap().push(json!({
            "source_node": source, "source_port": out, "target_node": target, "target_port": into,
        }));
    }
    let loaded = document::load(&document.to_string()).unwrap();
    check(&loaded)
        .into_iter()
        .filter(|said| said.severity != crate::diagnostic::Severity::Info)
        .map(|said| format!("{} {}", said.code, said.pointer.as_str()))
        .collect()
}

#[test]
fn a_workflow_that_can_run_has_nothing_said_of_it() {
    let nodes = json!({
        "start": ["StartNode", {}],
        "loop": ["ForLoopStartNode", {"items": "{{start_items}}", "item_var": "row"}],
        "start_items": ["CreateListNode", {"item_1": 1}],
        "if": ["IfNode", {"expression": "{{row}} > 1 and '{{loop.index}}' != ''"}],
        "tell": ["LogNode", {"message": "{{row_index}} {{loop.item}} {{$currentDate}} 100%"}],
        "end": ["ForLoopEndNode", {}],
    });
    let links = [
        ["start", "exec_out", "start_items", "exec_in"],
        ["start_items", "exec_out", "loop", "exec_in"],
        ["loop", "body", "if", "exec_in"],
        ["if", "true", "tell", "exec_in"],
        ["tell", "exec_out", "end", "exec_in"],
        ["start_items", "list", "loop", "items"],
    ];
    assert_eq!(said(nodes, &links), Vec::<String>::new());
}

#[test]
fn values_of_the_wrong_type_and_ports_that_do_not_exist_are_told() {
    let nodes = json!({
        "start": ["StartNode", {}],
        "keys": ["DictKeysNode", {}],
        "make": ["CreateListNode", {"item_1": 1}],
        "math": ["MathOperationNode", {"operaton": "add"}],
    });
    let links = [
        ["start", "exec_out", "make", "exec_in"],
        ["make", "exec_out", "keys", "exec_in"],
        ["keys", "exec_out", "math", "exec_in"],
        ["make", "list", "keys", "dict"],
        ["keys", "numbers", "math", "a"],
        ["keys", "count", "math", "c"],
    ];
    assert_eq!(
        said(nodes, &links),
        [
            "UNKNOWN_PROPERTY /nodes/math/config/operaton",
            "TYPE_MISMATCH /connections/3",
            "UNKNOWN_PORT /connections/4/source_port",
            "UNKNOWN_PORT /connections/5/target_port",
        ]
    );
}

#[test]
fn a_node_that_is_switched_off_may_be_of_any_type_and_lack_anything() {
    let nodes = json!({
        "start": ["StartNode", {}],
        "click": ["ClickElementNode", {"_disabled": true}],
        "read": ["ReadFileNode", {"_disabled": true}],
    });
    let links = [
        ["start", "exec_out", "click", "exec_in"],
        ["click", "exec_out", "read", "exec_in"],
    ];
    assert_eq!(said(nodes, &links), Vec::<String>::new());
}

#[test]
fn secrets_and_unknown_names_are_told_before_the_run() {
    let nodes = json!({
        "start": ["StartNode", {}],
        "tell": ["LogNode", {"message": "{{$secret:x}} {{$user}} {{custmer}} {{rows|length}}"}],
        "set": ["SetVariableNode", {"variable_name": "customer", "value": 1}],
    });
    let links = [
        ["start", "exec_out", "set", "exec_in"],
        ["set", "exec_out", "tell", "exec_in"],
    ];
    assert_eq!(
        said(nodes, &links),
        [
            "UNKNOWN_REFERENCE /nodes/tell/config/message",
            "UNKNOWN_VARIABLE /nodes/tell/config/message",
            "UNKNOWN_VARIABLE /nodes/tell/config/message",
        ]
    );
}

#[test]
fn a_catch_without_a_link_is_not_unreachable_and_a_second_one_is_unpaired() {
    let nodes = json!({
        "start": ["StartNode", {}], "try": ["TryNode", {}], "work": ["LogNode", {}],
        "catch": ["CatchNode", {"paired_try_id": "try"}], "after": ["LogNode", {}],
        "other": ["CatchNode", {"paired_try_id": "nowhere"}],
    });
    let links = [
        ["start", "exec_out", "try", "exec_in"],
        ["try", "try_body", "work", "exec_in"],
        ["catch", "catch_body", "after", "exec_in"],
    ];
    assert_eq!(
        said(nodes, &links),
        ["UNREACHABLE_NODE /nodes/other", "UNPAIRED /nodes/other"]
    );
}

#[test]
fn a_body_without_an_end_comes_back_to_its_loop() {
    let nodes = json!({
        "start": ["StartNode", {}], "loop": ["WhileLoopStartNode", {"expression": "True"}],
        "early": ["LogNode", {"message": "{{late.value}}"}],
        "late": ["SetVariableNode", {"variable_name": "x", "value": 1}],
    });
    let links = [
        ["start", "exec_out", "loop", "exec_in"],
        ["loop", "body", "early", "exec_in"],
        ["early", "exec_out", "late", "exec_in"],
    ];
    assert_eq!(said(nodes, &links), Vec::<String>::new());
}
