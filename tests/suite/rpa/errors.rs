//! Workflows that are started by the errors of others.

use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

use super::serve::{DONE, RUNS, log, served, write};

/// Whether it is recorded since when errors count.
const SINCE: &str =
    "SELECT count(*) FROM workflow_status WHERE name = 'watched_since' AND status = 'SUCCESS'";
const FAILED: &str = "SELECT count(*) FROM workflow_status WHERE name = 'run_document' AND status = 'ERROR' AND workflow_uuid LIKE $1";

/// A workflow that fails.
fn broken(name: &str, class: &str, message: &str) -> Json {
    json!({
        "metadata": {"name": name},
        "nodes": {
            "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
            "throw": {"node_id": "throw", "node_type": "ThrowErrorNode", "config": {"error_type": class, "error_message": message}},
        },
        "connections": [
            {"source_node": "start", "source_port": "exec_out", "target_node": "throw", "target_port": "exec_in"},
        ],
    })
}

fn fail(robot: &Robot<'_>, file: &str, id: &str) {
    assert_eq!(robot.call(&["run", file, "--id", id]).code, 2);
}

on_both_stores! {
    async fn each_run_that_fails_starts_one_run_also_when_nobody_served_meanwhile(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "bills.json", &broken("Bills", "ValueError", "no: amount"));
        write(&robot, "orders.json", &broken("Orders", "KeyError", "amount"));
        write(&robot, "quiet.json", &broken("Quiet", "ValueError", "amount"));
        let config = json!({"workflow_filter": "Bil*", "error_types": "ValueError", "error_pattern": "^no|^amount", "severity": "error"});
        let line = "{{workflow_id}} {{node_id}} {{error_type}} {{error_message}} {{on.error.workflow_name}}\n";
        write(&robot, "alarm.json", &served("ErrorTriggerNode", config, line));
        fail(&robot, "bills.json", "before");
        let servers = [robot.serve(&["serve", "alarm.json"]), robot.serve(&["serve", "alarm.json"])];
        store.becomes(SINCE, &[], 1).await;

        fail(&robot, "bills.json", "b 1");
        store.becomes(DONE, &["alarm:on:%"], 1).await;
        for server in servers {
            server.kill();
        }
        fail(&robot, "orders.json", "o1");
        fail(&robot, "quiet.json", "q1");
        fail(&robot, "bills.json", "b2");
        let _server = robot.serve(&["serve", "alarm.json"]);
        store.becomes(DONE, &["alarm:on:%"], 2).await;

        assert_eq!(store.value(RUNS, &["alarm:on:%"]).await, 2);
        assert_eq!(log(&robot), ["b 1 throw ValueError no: amount Bills", "b2 throw ValueError no: amount Bills"]);
    }

    async fn errors_of_what_errors_started_start_nothing(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "bills.json", &broken("Bills", "ValueError", "no"));
        let mut workflow = served("ErrorTriggerNode", json!({}), "x");
        workflow["nodes"]["write"] = json!({"node_id": "write", "node_type": "ThrowErrorNode", "config": {"error_message": "neither"}});
        write(&robot, "one.json", &workflow);
        write(&robot, "two.json", &workflow);
        let _server = robot.serve(&["serve", "one.json", "two.json"]);
        store.becomes(SINCE, &[], 2).await;

        fail(&robot, "bills.json", "b1");
        store.becomes(FAILED, &["%:on:b1"], 2).await;
        // Errors are looked at in their order: who tells of this one did not tell of those before.
        fail(&robot, "bills.json", "b2");
        store.becomes(FAILED, &["%:on:b2"], 2).await;

        assert_eq!(store.value(RUNS, &["%:on:%"]).await, 4);
    }
}

#[test]
fn what_an_error_trigger_cannot_tell_is_refused() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    for (config, expected) in [
        (
            json!({"severity": "warning"}),
            "runs that succeed fire no trigger here",
        ),
        (
            json!({"include_warnings": true}),
            "switch `include_warnings` off",
        ),
        (
            json!({"error_pattern": "("}),
            "`error_pattern` is no pattern",
        ),
    ] {
        write(
            &robot,
            "alarm.json",
            &served("ErrorTriggerNode", config, "x"),
        );
        let ended = robot
            .bare(&["serve", "alarm.json", "--db", store.url()])
            .output();
        let said = String::from_utf8_lossy(&ended.unwrap().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}
