use serde_json::{Value, json};

use super::aliases::unknown_targets;
use super::*;
use crate::document;
use crate::host::Host;
use crate::run::{Request, run_ephemeral};

fn loaded(nodes: Value, links: &[[&str; 4]]) -> Loaded {
    let mut document = json!({"metadata": {"name": "t"}, "nodes": {}, "connections": []});
    for (id, node) in nodes.as_object().unwrap() {
        document["nodes"][id] = json!({"node_id": id, "node_type": node[0], "config": node[1]});
    }
    for [source, out, target, into] in links {
        document["connections"].as_array_mut().unwrap().push(json!({
            "source_node": source, "source_port": out, "target_node": target, "target_port": into,
        }));
    }
    document::load(&document.to_string()).unwrap()
}

fn told(said: &[Diagnostic]) -> Vec<String> {
    let said = said.iter().filter(|said| said.severity != Severity::Info);
    said.map(|said| {
        format!(
            "{} {} {}: {}",
            said.severity.as_str(),
            said.code,
            said.pointer.as_str(),
            said.fix
        )
    })
    .collect()
}

fn run(loaded: &Loaded, said: &[Diagnostic]) -> crate::run::Result {
    let request = Request::new(
        &loaded.workflow,
        &Default::default(),
        std::path::Path::new("/"),
    );
    let request = request.unwrap().lenient(repairs(said));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap()
}

#[test]
fn every_alias_stands_for_a_node_type_of_casarerpa() {
    assert_eq!(unknown_targets(), Vec::<&str>::new());
}

#[test]
fn a_workflow_without_errors_is_left_as_it_is() {
    let mut loaded = loaded(
        json!({"start": ["StartNode", {}], "tell": ["LogNode", {"message": "x"}]}),
        &[["start", "exec_out", "tell", "exec_in"]],
    );
    let before = loaded.clone();
    assert_eq!(told(&mend(&mut loaded)), Vec::<String>::new());
    assert_eq!(loaded, before);
}

#[test]
fn names_that_nobody_has_are_read_as_those_that_are_meant() {
    let mut loaded = loaded(
        json!({
            "start": ["StartNode", {}],
            "count": ["PrintNode", {"message": "first"}],
            "typo": ["LogMesageNode", {"message": "second"}],
            "pick": ["ListSortNode", {"items": [3, 1]}],
            "tell": ["LogNode", {"message": "{{pick.sorted}} and {{pick.sorted[0]}}"}],
        }),
        &[
            ["start", "exec_out", "count", "exec_in"],
            ["count", "success", "typo", "exec_in"],
            ["Typo", "exec_out", "pick", "exec_in"],
            ["pick", "exec_out", "tell", "exec_in"],
        ],
    );

    let said = mend(&mut loaded);

    assert_eq!(
        told(&said),
        [
            "warning UNKNOWN_NODE_TYPE /nodes/count/node_type: it was read as `LogNode`",
            "warning UNKNOWN_NODE_TYPE /nodes/typo/node_type: it was read as `LogNode`",
            "warning UNKNOWN_PORT /connections/1/source_port: it was read as `exec_out`",
            "warning ORPHANED_CONNECTION /connections/2/source_node: it was read as `typo`",
            "warning UNKNOWN_REFERENCE /nodes/tell/config/message: it was read as `pick.result`",
            "warning UNKNOWN_REFERENCE /nodes/tell/config/message: it was read as `pick.result[0]`",
        ]
    );
    let result = run(&loaded, &said);
    assert!(result.success, "{:?}", result.error);
    assert_eq!(
        result.logs,
        ["[count] first", "[typo] second", "[tell] [1, 3] and 1"]
    );
    assert!(
        result.warnings[0].contains("UNKNOWN_NODE_TYPE at /nodes/count/node_type"),
        "{:?}",
        result.warnings
    );
}

#[test]
fn what_cannot_be_had_is_switched_off_or_left_out() {
    let mut loaded = loaded(
        json!({
            "start": ["StartNode", {}],
            "window": ["MaximizeWindowNode", {}],
            "magic": ["SummonDragonNode", {}],
            "pad": ["TextPadNode", {"text": "a", "length": "wide"}],
            "stop": ["BreakNode", {}],
            "tell": ["LogNode", {"message": "done"}],
        }),
        &[
            ["start", "exec_out", "window", "exec_in"],
            ["window", "exec_out", "magic", "exec_in"],
            ["magic", "exec_out", "nowhere", "exec_in"],
            ["magic", "exec_out", "pad", "exec_in"],
            ["pad", "exec_out", "stop", "exec_in"],
            ["pad", "widened_text_of_all", "tell", "nonsense_input"],
            ["stop", "exec_out", "tell", "exec_in"],
            ["tell", "exec_out", "tell", "exec_in"],
        ],
    );

    let said = mend(&mut loaded);

    let places: Vec<String> = told(&said)
        .iter()
        .map(|said| said.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "warning NODE_NOT_RUNNABLE /nodes/window/node_type",
            "warning UNKNOWN_NODE_TYPE /nodes/magic/node_type",
            "warning ORPHANED_CONNECTION /connections/2/target_node",
            "warning UNKNOWN_PORT /connections/5/source_port",
            "warning UNKNOWN_PORT /connections/5/target_port",
            "warning SELF_CONNECTION /connections/7",
            "warning INVALID_VALUE /nodes/pad/config/length",
            "warning UNPAIRED /nodes/stop",
        ]
    );
    assert_eq!(loaded.workflow.connections.len(), 5);
    let result = run(&loaded, &said);
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.logs, ["[tell] done"]);
    assert_eq!(result.unreached, Vec::<String>::new());
}

#[test]
fn places_behind_a_removed_connection_are_still_those_of_the_file() {
    let mut loaded = document::load(
        &json!({
            "name": "Graph",
            "graph": {
                "nodes": [{"id": "a", "type": "StartNode"}, {"id": "b", "type": "LogNode", "custom": {"message": "x"}}],
                "connections": [
                    {"out": ["a", "exec_out"], "in": ["gone", "exec_in"]},
                    {"out": ["a", "exec_oot"], "in": ["b", "exec_in"]},
                    {"out": ["a", "colour"], "in": ["b", "data"]},
                ],
            },
        })
        .to_string(),
    )
    .unwrap();
    let before = crate::check::check(&loaded);
    let said = mend(&mut loaded);
    for said in said.iter().filter(|said| said.code == Code::UnknownPort) {
        assert!(
            before
                .iter()
                .any(|before| before.pointer == said.pointer && before.code == said.code),
            "{said}"
        );
    }
    assert_eq!(loaded.workflow.connections.len(), 1);
    let now = loaded
        .origins
        .locate(&Pointer::root().child("connections").child(0));
    assert!(now.as_str().ends_with("/1"), "{now}");
}

#[test]
fn an_error_that_nothing_can_be_made_of_stays_one() {
    let mut loaded = loaded(
        json!({
            "start": ["StartNode", {}],
            "if": ["IfNode", {"expression": "{{n}} = 3"}],
            "one": ["LogNode", {"message": "x"}],
            "two": ["LogNode", {"message": "x"}],
        }),
        &[
            ["start", "exec_out", "if", "exec_in"],
            ["if", "true", "one", "exec_in"],
            ["one", "exec_out", "two", "exec_in"],
            ["two", "exec_out", "one", "exec_in"],
        ],
    );
    let said = mend(&mut loaded);
    let errors: Vec<Code> = said
        .iter()
        .filter(|said| said.is_error())
        .map(|said| said.code)
        .collect();
    assert_eq!(errors, [Code::InvalidExpression, Code::CycleWithoutLoop]);
}

#[test]
fn workflows_that_a_lenient_one_runs_are_repaired_too() {
    let folder = tempfile::tempdir().unwrap();
    let inner = json!({
        "metadata": {"name": "Inner"}, "connections": [],
        "nodes": {"say": {"node_id": "say", "node_type": "PrintNode", "config": {"message": "inside"}}},
    });
    std::fs::write(folder.path().join("inner.json"), inner.to_string()).unwrap();
    let mut loaded = loaded(
        json!({"call": ["ExecuteWorkflowNode", {"workflow_path": "inner.json"}]}),
        &[],
    );
    let said = mend(&mut loaded);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let strict = Request::new(&loaded.workflow, &Default::default(), folder.path()).unwrap();
    let lenient = strict.clone().lenient(repairs(&said));
    let run = |request| {
        runtime
            .block_on(run_ephemeral(&request, &Host::default()))
            .unwrap()
    };
    let refused = run(strict);
    assert!(
        refused.error.unwrap().contains("has errors, the first at"),
        "a strict run refuses them"
    );
    let result = run(lenient);
    assert!(result.success, "{:?}", result.error);
    assert!(
        result
            .warnings
            .iter()
            .any(|said| said.starts_with("call: warning UNKNOWN_NODE_TYPE at /nodes/say")),
        "{:?}",
        result.warnings
    );
}
