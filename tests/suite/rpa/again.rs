//! Runs that begin where another one was.

use durable_tests::rpa::Robot;
use serde_json::{Value as Json, json};

/// A chain of three nodes that append to a file; the second fails unless `broken` is empty.
fn chain(broken: &str, last: &str) -> Json {
    let append = |id: &str, content: &str| json!({"node_id": id, "node_type": "AppendFileNode", "config": {"file_path": "out/chain.txt", "content": content}});
    let link = |from: &str, to: &str| json!({"source_node": from, "source_port": "exec_out", "target_node": to, "target_port": "exec_in"});
    json!({
        "metadata": {"name": "Chain"},
        "variables": {"who": {"type": "String", "default_value": "nobody"}},
        "nodes": {
            "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
            "one": append("one", "one {{who}}\n"),
            "check": {"node_id": "check", "node_type": "AssertNode", "config": {"condition": broken, "message": "not yet"}},
            "pick": {"node_id": "pick", "node_type": "RandomUUIDNode", "config": {}},
            "two": append("two", last),
        },
        "connections": [link("start", "one"), link("one", "check"), link("check", "pick"), link("pick", "two")],
    })
}

fn write(robot: &Robot<'_>, name: &str, workflow: &Json) {
    std::fs::write(robot.file(name), workflow.to_string()).unwrap();
}

on_both_stores! {
    async fn a_run_is_retried_from_the_node_that_failed_with_the_file_as_it_is_now(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "chain.json", &chain("false", "two\n"));
        let failed = robot.call(&["run", "chain.json", "--id", "first", "--var", "who=Ada"]);
        assert_eq!(failed.code, 2, "{}", failed.stderr);
        write(&robot, "chain.json", &chain("true", "two {{who}}\n"));

        let retried = robot.call(&["retry", "first", "chain.json", "--id", "second"]);

        assert_eq!(retried.code, 0, "{}", retried.stderr);
        assert_eq!(retried.json["workflow_id"], "second");
        assert_eq!(robot.files("out")["chain.txt"], "one Ada\ntwo Ada\n");
        assert_eq!(robot.call(&["status", "first"]).json["status"], "ERROR", "what was stays");
        assert_eq!(store.status("second", "forked_from").await, "first");
        let again = robot.call(&["retry", "second"]);
        assert_eq!(again.code, 1);
        assert!(again.stderr.contains("nothing failed"), "{}", again.stderr);
    }

    async fn a_retry_and_a_fork_live_with_the_errors_of_a_file_that_they_are_told_to_live_with(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "chain.json", &chain("false", "two\n"));
        assert_eq!(robot.call(&["run", "chain.json", "--id", "first"]).code, 2);
        let mut mistaken = chain("true", "two\n");
        mistaken["nodes"]["pick"]["node_type"] = json!("MaximizeWindowNode");
        write(&robot, "chain.json", &mistaken);

        assert_eq!(robot.call(&["retry", "first", "chain.json"]).code, 3);
        let retried = robot.call(&["retry", "first", "chain.json", "--lenient", "--id", "second"]);
        let forked = robot.call(&["fork", "second", "--from", "two", "--file", "chain.json", "--lenient"]);

        for run in [&retried, &forked] {
            assert_eq!(run.code, 0, "{}", run.stderr);
            let warning = run.json["warnings"][0].as_str().unwrap();
            assert!(warning.starts_with("warning NODE_NOT_RUNNABLE at /nodes/pick"), "{warning}");
        }
        assert_eq!(robot.files("out")["chain.txt"], "one nobody\ntwo\ntwo\n");
        let pointless = robot.call(&["fork", "second", "--from", "two", "--lenient"]);
        assert!(pointless.stderr.contains("--file"), "{}", pointless.stderr);
    }

    async fn a_run_is_forked_from_any_visit(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "chain.json", &chain("true", "{{pick.result}}\n"));
        let first = robot.call(&["run", "chain.json", "--id", "first"]);
        assert_eq!(first.code, 0, "{}", first.stderr);
        let picked = first.json["outputs"]["pick"]["result"].clone();

        let behind = robot.call(&["fork", "first", "--from", "two", "--id", "behind"]);
        let before = robot.call(&["fork", "first", "--from", "pick#1", "--id", "before"]);
        let set = robot.call(&["fork", "first", "--from", "pick", "--set", "result=mine", "--id", "set"]);

        for forked in [&behind, &before, &set] {
            assert_eq!(forked.code, 0, "{}", forked.stderr);
        }
        assert_eq!(behind.json["outputs"]["pick"]["result"], picked, "what was recorded counts");
        assert_ne!(before.json["outputs"]["pick"]["result"], picked, "it is done anew");
        assert_eq!(set.json["outputs"]["pick"]["result"], "mine");
        let nothing = robot.call(&["fork", "first", "--from", "pick", "--set", "resuld=mine"]);
        assert_eq!(nothing.code, 1, "what no node gives cannot be set");
        assert!(nothing.stderr.contains("gives no `resuld`; it gives result"), "{}", nothing.stderr);
        let text = robot.files("out")["chain.txt"].clone();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "one line of the first node, and four of the last: {text}");
        assert_eq!(lines[4], "mine");
    }

    async fn a_fork_is_refused_where_the_new_file_went_another_way(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "chain.json", &chain("true", "two\n"));
        robot.call(&["run", "chain.json", "--id", "first"]);
        let mut other = chain("true", "two\n");
        other["connections"][0]["target_node"] = json!("check");
        write(&robot, "other.json", &other);

        let refused = robot.call(&["fork", "first", "--from", "two", "--file", "other.json"]);

        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("the run went to one#1 there, the workflow as it is now goes to check#1"), "{}", refused.stderr);
        let nowhere = robot.call(&["fork", "first", "--from", "two#7"]);
        assert!(nowhere.stderr.contains("no visit two#7"), "{}", nowhere.stderr);
        let taken = robot.call(&["fork", "first", "--from", "two", "--id", "first"]);
        assert!(taken.stderr.contains("is in use"), "{}", taken.stderr);
    }

    async fn an_interrupted_run_is_resumed_without_its_file(store: Store) {
        let robot = Robot::new(&store);
        let mut life = robot.start("nested_loops.json", "loops");
        life.visits(20);
        life.kill();

        let resumed = robot.call(&["resume", "loops"]);

        assert_eq!(resumed.code, 0, "{}", resumed.stderr);
        assert_eq!(resumed.json["executed_nodes"], 46);
        assert_eq!(resumed.json["recovered"], true);
        assert_eq!(robot.call(&["resume", "nobody"]).code, 1);
    }
}
