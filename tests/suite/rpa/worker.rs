//! Runs that are put on a queue, and the processes that do them.

use durable_tests::rpa::Robot;
use serde_json::{Value as Json, json};

/// A chain of nodes between two of which time passes.
fn chain(steps: usize) -> Json {
    let mut nodes = json!({"start": {"node_id": "start", "node_type": "StartNode", "config": {}}});
    let mut links = Vec::new();
    let mut before = "start".to_owned();
    for step in 0..steps {
        let append = format!("append{step}");
        let rest = format!("rest{step}");
        nodes[&append] = json!({"node_id": append, "node_type": "AppendFileNode", "config": {"file_path": "out/{{run}}.txt", "content": format!("{step}\n")}});
        nodes[&rest] =
            json!({"node_id": rest, "node_type": "WaitNode", "config": {"duration": 0.05}});
        for (from, to) in [(&before, &append), (&append, &rest)] {
            links.push(json!({"source_node": from, "source_port": "exec_out", "target_node": to, "target_port": "exec_in"}));
        }
        before = rest;
    }
    json!({
        "metadata": {"name": "Chain"}, "nodes": nodes, "connections": links,
        "variables": {"run": {"type": "String", "default_value": "none"}},
    })
}

fn write(robot: &Robot<'_>, name: &str, workflow: &Json) {
    std::fs::write(robot.file(name), workflow.to_string()).unwrap();
}

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    async fn workers_do_what_is_on_the_queue_and_one_goes_on_with_what_another_left(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "chain.json", &chain(6));
        for run in ["a", "b", "c", "d"] {
            let variable = format!("run={run}");
            let printed = robot.call(&["run", "chain.json", "--enqueue", "--id", run, "--var", &variable]);
            assert_eq!((printed.code, &printed.json["status"]), (0, &json!("ENQUEUED")), "{}", printed.stderr);
        }
        let again = robot.call(&["run", "chain.json", "--enqueue", "--id", "a", "--var", "run=a"]);
        assert_eq!(again.code, 0, "{}", again.stderr);
        let other = robot.call(&["run", "chain.json", "--enqueue", "--id", "a", "--var", "run=z"]);
        assert_eq!(other.code, 1);
        assert!(other.stderr.contains("another workflow or other variables"), "{}", other.stderr);
        // A run of one's own leaves the queue to workers.
        let own = robot.call(&["run", "chain.json", "--id", "own", "--var", "run=own"]);
        assert_eq!(own.code, 0, "{}", own.stderr);
        assert_eq!(store.status("a", "status").await, "ENQUEUED");

        let first = robot.serve(&["worker", "--at-once", "2"]);
        store.becomes(STATUS, &["a"], "PENDING").await;
        first.kill();
        let second = robot.serve(&["worker"]);

        for run in ["a", "b", "c", "d"] {
            store.becomes(STATUS, &[run], "SUCCESS").await;
            assert_eq!(robot.files("out")[&format!("{run}.txt")], "0\n1\n2\n3\n4\n5\n");
        }
        let (code, said) = second.interrupt();
        assert_eq!(code, 0, "{said}");
        assert!(said.is_empty(), "{said}");
    }

    async fn an_item_is_tried_again_unless_it_is_wrong_itself(store: Store) {
        let robot = Robot::new(&store);
        let throw = |class: &str| json!({"node_id": "throw", "node_type": "ThrowErrorNode", "config": {"error_type": class, "error_message": "no {{number}}"}});
        let workflow = json!({
            "metadata": {"name": "Invoice"},
            "nodes": {
                "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
                "note": {"node_id": "note", "node_type": "AppendFileNode", "config": {"file_path": "out/tries.txt", "content": "{{number}}\n"}},
                "choose": {"node_id": "choose", "node_type": "SwitchNode", "config": {"value": "{{kind}}", "cases": ["bad", "broken"]}},
                "throw": throw("BusinessError"),
                "break": throw("ConnectionError"),
            },
            "connections": [
                {"source_node": "start", "source_port": "exec_out", "target_node": "note", "target_port": "exec_in"},
                {"source_node": "note", "source_port": "exec_out", "target_node": "choose", "target_port": "exec_in"},
                {"source_node": "choose", "source_port": "case_bad", "target_node": "throw", "target_port": "exec_in"},
                {"source_node": "choose", "source_port": "case_broken", "target_node": "break", "target_port": "exec_in"},
            ],
        });
        write(&robot, "invoice.json", &workflow);
        let lines = [json!({"number": 1, "kind": "good"}), json!({"number": 2, "kind": "bad"}), json!({"number": 3, "kind": "broken"})];
        let lines: Vec<String> = lines.iter().map(Json::to_string).collect();
        std::fs::write(robot.file("items.jsonl"), lines.join("\n")).unwrap();
        let add = ["items", "add", "invoice.json", "--items", "items.jsonl", "--key", "number", "--attempts", "3", "--rest", "0.01"];

        let added = robot.call(&add);
        let again = robot.call(&add);

        assert_eq!(added.json["added"], json!(["item:invoice:1", "item:invoice:2", "item:invoice:3"]), "{}", added.stderr);
        assert_eq!((&again.json["added"], &again.json["known"]), (&json!([]), &json!(3)));
        let _worker = robot.serve(&["worker"]);
        for (id, status) in [("item:invoice:1", "SUCCESS"), ("item:invoice:2", "ERROR"), ("item:invoice:3", "ERROR")] {
            store.becomes(STATUS, &[id], status).await;
        }
        let listed = robot.call(&["items", "list"]);
        let states: Vec<(&str, &str)> = listed.json.as_array().unwrap().iter()
            .map(|line| (line["state"].as_str().unwrap(), line["error"].as_str().unwrap_or_default()))
            .collect();
        assert_eq!(states, [("done", ""), ("business", "BusinessError: no 2"), ("dead", "ConnectionError: no 3")]);
        let mut tries: Vec<String> = robot.files("out")["tries.txt"].lines().map(str::to_owned).collect();
        tries.sort();
        assert_eq!(tries, ["1", "2", "3", "3", "3"]);
        let dead = robot.call(&["items", "list", "--dead"]);
        assert_eq!(dead.json[0]["id"], "item:invoice:3");

        let retried = robot.call(&["items", "retry", "item:invoice:3"]);

        assert_eq!(retried.json["id"], "item:invoice:3~2", "{}", retried.stderr);
        store.becomes(STATUS, &["item:invoice:3~2"], "ERROR").await;
        let tries = robot.files("out")["tries.txt"].lines().filter(|line| *line == "3").count();
        assert_eq!(tries, 6);
        assert!(robot.call(&["items", "retry", "item:invoice:1"]).stderr.contains("did not fail"));
    }
}
