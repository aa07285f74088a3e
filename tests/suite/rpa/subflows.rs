//! Workflows that run other workflows.

use durable_tests::rpa::Robot;
use serde_json::{Value as Json, json};

fn link(from: &str, out: &str, to: &str, into: &str) -> Json {
    json!({"source_node": from, "source_port": out, "target_node": to, "target_port": into})
}

/// A subflow that appends a line to a file, and gives it back in capitals.
fn subflow() -> Json {
    json!({
        "$schema_version": "1.0.0", "id": "shout", "name": "Shout",
        "inputs": [{"name": "word", "type": "STRING", "required": true}],
        "outputs": [{"name": "loud", "type": "STRING", "internal_node_id": "case", "internal_port_name": "result"}],
        "parameters": [{"name": "mark", "internal_node_id": "append", "internal_property_name": "content", "default_value": "{{word}}\n"}],
        "nodes": {
            "case": {"node_id": "case", "type": "TextCaseNode", "properties": {"text": "{{word}}", "case": "upper"}},
            "append": {"node_id": "append", "type": "AppendFileNode", "properties": {"file_path": "out/words.txt"}},
        },
        "connections": [link("case", "exec_out", "append", "exec_in")],
    })
}

fn parent(sub: &Json) -> Json {
    json!({
        "metadata": {"name": "Parent"},
        "nodes": {
            "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
            "words": {"node_id": "words", "node_type": "ForLoopStartNode", "config": {"items": ["a", "b", "c"], "item_var": "it"}},
            "sub": sub,
            "tell": {"node_id": "tell", "node_type": "LogNode", "config": {"message": "{{sub.loud}}", "include_node_id": false}},
            "words_end": {"node_id": "words_end", "node_type": "ForLoopEndNode", "config": {"paired_start_id": "words"}},
        },
        "connections": [
            link("start", "exec_out", "words", "exec_in"), link("words", "body", "sub", "exec_in"),
            link("sub", "exec_out", "tell", "exec_in"), link("tell", "exec_out", "words_end", "exec_in"),
            link("words", "current_item", "sub", "word"),
        ],
    })
}

fn write(robot: &Robot<'_>, name: &str, workflow: &Json) {
    std::fs::write(robot.file(name), workflow.to_string()).unwrap();
}

on_both_stores! {
    async fn a_subflow_is_a_child_that_survives_kills(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "shout.json", &subflow());
        write(&robot, "parent.json", &parent(&json!({"node_id": "sub", "node_type": "SubflowNode", "config": {"subflow_path": "shout.json"}})));
        for visits in 1..9 {
            let file = robot.file("parent.json");
            let mut life = robot.start_with(file.to_str().unwrap(), "parent", &[]);
            life.visits(visits % 4 + 1);
            life.kill();
        }

        let printed = robot.call(&["run", "parent.json", "--id", "parent"]);

        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert_eq!(printed.json["logs"], json!(["A", "B", "C"]));
        assert_eq!(robot.files("out")["words.txt"], "a\nb\nc\n");
        let children = "SELECT workflow_uuid FROM workflow_status WHERE parent_workflow_id = 'parent' ORDER BY 1";
        let children = store.rows(children, &[]).await;
        assert_eq!(children, [json!(["parent/sub#1"]), json!(["parent/sub#2"]), json!(["parent/sub#3"])]);
    }

    async fn a_subflow_that_fails_leaves_by_error_or_fails_its_node(store: Store) {
        let robot = Robot::new(&store);
        let mut broken = subflow();
        broken["nodes"]["append"] = json!({"node_id": "append", "type": "ThrowErrorNode", "properties": {"error_message": "no"}});
        broken["parameters"] = json!([]);
        write(&robot, "shout.json", &broken);
        let sub = json!({"node_id": "sub", "node_type": "SubflowNode", "config": {"subflow_id": "shout"}});
        write(&robot, "fails.json", &parent(&sub));
        let mut handled = parent(&sub);
        handled["connections"].as_array_mut().unwrap().push(link("sub", "error", "tell", "exec_in"));
        write(&robot, "handled.json", &handled);

        let failed = robot.call(&["run", "fails.json", "--id", "fails"]);
        let handled = robot.call(&["run", "handled.json", "--id", "handled"]);

        assert_eq!(failed.code, 2, "{}", failed.stderr);
        assert_eq!(failed.json["failed_node_id"], "sub");
        assert_eq!(failed.json["error"], "SubworkflowError: Shout: CustomError: no");
        assert_eq!(handled.code, 0, "{}", handled.stderr);
    }

    async fn a_workflow_that_runs_itself_ends(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "again.json", &json!({
            "metadata": {"name": "Again"},
            "nodes": {"call": {"node_id": "call", "node_type": "ExecuteWorkflowNode", "config": {"workflow_path": "again.json"}}},
            "connections": [],
        }));

        let printed = robot.call(&["run", "again.json", "--id", "again"]);

        assert_eq!(printed.code, 2, "{}", printed.stderr);
        assert!(printed.json["error"].as_str().unwrap().contains("10 deep"), "{}", printed.json["error"]);
    }
}
