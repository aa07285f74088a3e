//! What runs come to, and what the commands say about them.

use durable_tests::counter::Counter;
use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

on_both_stores! {
    async fn a_run_prints_all_that_the_contract_has(store: Store) {
        let robot = Robot::new(&store);

        let printed = robot.run("nested_loops.json", "loops", &[]);

        assert_eq!(printed.code, 0, "{}", printed.stderr);
        let keys: Vec<&String> = printed.json.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "success", "workflow_id", "workflow_name", "status", "executed_nodes", "distinct_nodes", "total_nodes",
                "failed_node_id", "error", "warnings", "unreached", "outputs", "variables", "logs", "duration_ms",
                "recovered", "durable",
            ]
        );
        assert_eq!(printed.json["executed_nodes"], 46);
        assert_eq!(printed.json["distinct_nodes"], 16);
        assert_eq!(printed.json["variables"]["total"], 14.0);
        assert_eq!(printed.json["logs"], json!(["[tell] north done, total 4.0", "[tell] south done, total 8.0"]));
        assert_eq!(printed.json["recovered"], false);
        let files = robot.files("out");
        assert_eq!(files["north.txt"], "north 1\nnorth 3\n");
        assert_eq!(files["total.txt"], "14.0");
    }

    async fn each_visit_is_a_step_under_its_own_name(store: Store) {
        let robot = Robot::new(&store);
        robot.run("nested_loops.json", "loops", &[]);

        let names = store.step_names("loops").await;

        assert_eq!(names[0], "1 node:start#1");
        assert_eq!(
            names[5..9],
            ["6 node:add#1", "7 intent:append#1", "8 node:append#1", "9 node:rows_end#1"]
        );
        assert_eq!(names.last().unwrap(), "51 node:end#1");
        assert_eq!(store.status("loops", "status").await, "SUCCESS");
    }

    async fn the_same_id_gives_the_same_result_and_runs_nothing(store: Store) {
        let robot = Robot::new(&store);
        let first = robot.run("nested_loops.json", "loops", &[]);

        let mut second = robot.run("nested_loops.json", "loops", &[]);

        assert_eq!(second.json["recovered"], true);
        second.json["recovered"] = json!(false);
        assert_eq!(second.json, first.json);
        assert_eq!(robot.files("out")["north.txt"], "north 1\nnorth 3\n");
        let other = robot.run("nested_loops.json", "loops", &["--var", "total=5"]);
        assert_eq!(other.code, 1);
        assert!(other.stderr.contains("another workflow or other variables"), "{}", other.stderr);
    }

    async fn a_workflow_that_fails_says_where_and_why(store: Store) {
        let robot = Robot::new(&store);

        let printed = robot.run("fails.json", "fails", &["--var", "name=Ada"]);

        assert_eq!(printed.code, 2, "{}", printed.stderr);
        assert_eq!(printed.json["success"], false);
        assert_eq!(printed.json["status"], "ERROR");
        assert_eq!(printed.json["failed_node_id"], "check");
        assert_eq!(printed.json["error"], "AssertionError: Assertion failed: Ada is not known");
        assert_eq!(printed.json["unreached"], json!(["after"]));
        assert_eq!(store.status("fails", "status").await, "ERROR");
        let again = robot.run("fails.json", "fails", &["--var", "name=Ada"]);
        assert_eq!(again.code, 2);
        assert_eq!(again.json["error"], printed.json["error"]);
        let status = robot.call(&["status", "fails"]);
        assert_eq!(status.json["status"], "ERROR");
        assert_eq!(status.json["current_node"], "check");
    }

    async fn a_history_tells_each_visit(store: Store) {
        let robot = Robot::new(&store);
        robot.run("failures.json", "failures", &[]);

        let history = robot.call(&["history", "failures"]);

        assert_eq!(history.code, 0, "{}", history.stderr);
        let visits = history.json.as_array().unwrap();
        let names: Vec<String> = visits
            .iter()
            .map(|visit| format!("{}#{} {}", visit["node"].as_str().unwrap(), visit["visit"], visit["status"].as_str().unwrap()))
            .collect();
        assert_eq!(
            names,
            [
                "start#1 success", "outer#1 success", "retry#1 success", "count#1 success", "enough#1 success",
                "again#1 failed", "retry#2 success", "count#2 success", "enough#2 success", "again#2 failed",
                "retry#3 success", "count#3 success", "enough#3 success", "retry#4 success", "retried#1 success",
                "inner#1 success", "read#1 failed", "inner_catch#1 failed", "inner_finally#1 success", "tidy#1 success",
                "outer_catch#1 success", "caught#1 success", "outer_finally#1 success", "bye#1 success",
            ]
        );
        assert_eq!(visits[7]["changes"], json!([{"variable": "tries", "before": 1.0, "after": 2.0}]));
        assert_eq!(visits[7]["inputs"]["variable_name"], "tries");
        assert_eq!(visits[16]["error"]["error_type"], "FileNotFoundError");
        assert!(visits[16]["completed_at"].as_str().unwrap().ends_with('Z'));
    }

    async fn branches_wait_at_the_same_time(store: Store) {
        let robot = Robot::new(&store);

        let printed = robot.run("branches.json", "branches", &[]);

        assert_eq!(printed.json["logs"], json!(["[tell] left right none 7 of 3"]));
        // Two waits of 0.3 s, one beside the other.
        let duration = printed.json["duration_ms"].as_i64().unwrap();
        assert!((300..600).contains(&duration), "{duration} ms");
    }

    async fn what_nobody_started_is_an_error(store: Store) {
        let robot = Robot::new(&store);
        robot.run("branches.json", "branches", &[]);

        for command in ["status", "history"] {
            let printed = robot.call(&[command, "nobody"]);
            assert_eq!(printed.code, 1);
            assert!(printed.stderr.contains("no run with the id `nobody`"), "{}", printed.stderr);
        }
    }
}

#[test]
fn a_workflow_with_errors_is_refused_before_it_begins() {
    let store = durable_tests::store::Store::sqlite();
    let robot = Robot::new(&store);

    let printed = robot.run("refused.json", "refused", &[]);

    assert_eq!(printed.code, 3, "{}", printed.stderr);
    let mut said: Vec<(String, String)> = printed.json["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|said| said["severity"] == "error")
        .map(|said| {
            (
                said["code"].as_str().unwrap().to_owned(),
                said["pointer"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    said.sort();
    let expected = [
        ("CYCLE_WITHOUT_LOOP", "/nodes/back"),
        ("INVALID_EXPRESSION", "/nodes/if/config/expression"),
        ("INVALID_VALUE", "/nodes/pad/config/length"),
        ("MISSING_INPUT", "/nodes/read"),
        ("NODE_NOT_RUNNABLE", "/nodes/click/node_type"),
        ("REFERENCE_TOO_EARLY", "/nodes/pad/config/text"),
        ("UNKNOWN_NODE_TYPE", "/nodes/typo/node_type"),
        ("UNKNOWN_PORT", "/connections/2/source_port"),
        ("UNKNOWN_REFERENCE", "/nodes/tell/config/message"),
        ("UNPAIRED", "/nodes/stop"),
    ];
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(code, at)| ((*code).to_owned(), (*at).to_owned()))
        .collect();
    assert_eq!(said, expected);
    assert!(!store.path().unwrap().exists(), "nothing was begun");
}

#[test]
fn a_database_that_cannot_be_opened_is_an_error() {
    let store = durable_tests::store::Store::sqlite();
    let robot = Robot::new(&store);
    // A folder is no database.
    std::fs::create_dir(store.path().unwrap()).unwrap();

    let printed = robot.run("branches.json", "branches", &[]);

    assert_eq!(printed.code, 1);
    assert!(printed.json.is_null());
    assert!(printed.stderr.contains("error: "), "{}", printed.stderr);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let store = durable_tests::store::Store::sqlite();
    let printed = Robot::new(&store).call(&["run", "nowhere.json"]);

    assert_eq!(printed.code, 1);
    assert_eq!(printed.json["ok"], false);
}

/// In how many commits the records of a run came to the database, and how many records these are.
async fn commits(store: &Store, id: &str) -> (u64, u64) {
    let commits =
        "SELECT count(DISTINCT xmin::text) FROM operation_outputs WHERE workflow_uuid = $1";
    let records = "SELECT count(*) FROM operation_outputs WHERE workflow_uuid = $1";
    let commits = store.value(commits, &[id]).await;
    let records = store.value(records, &[id]).await;
    (commits.as_u64().unwrap(), records.as_u64().unwrap())
}

/// A chain of a hundred nodes.
fn hundred(node: impl Fn(usize) -> Json) -> Json {
    let mut nodes = json!({"n0": {"node_id": "n0", "node_type": "StartNode", "config": {}}});
    let mut links = Vec::new();
    for number in 1..100 {
        let id = format!("n{number}");
        nodes[&id] = node(number);
        nodes[&id]["node_id"] = json!(id);
        links.push(json!({
            "source_node": format!("n{}", number - 1), "source_port": "exec_out", "target_node": id, "target_port": "exec_in",
        }));
    }
    json!({"metadata": {"name": "Hundred"}, "nodes": nodes, "connections": links})
}

#[tokio::test]
async fn a_hundred_nodes_that_nobody_sees_are_recorded_in_one_commit() {
    let store = Store::postgres().await;
    let robot = Robot::new(&store);
    let server = Counter::start();
    std::fs::write(robot.file("read.txt"), "text").unwrap();
    let workflow = hundred(|number| match number % 4 {
        0 => {
            json!({"node_type": "SetVariableNode", "config": {"variable_name": "x", "value": number}})
        }
        1 => json!({"node_type": "RandomUUIDNode", "config": {}}),
        2 => json!({"node_type": "ReadFileNode", "config": {"file_path": "read.txt"}}),
        _ => {
            json!({"node_type": "HttpRequestNode", "config": {"url": server.url(), "method": "GET"}})
        }
    });
    std::fs::write(robot.file("hundred.json"), workflow.to_string()).unwrap();

    let printed = robot.call(&["run", "hundred.json", "--id", "hundred"]);

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert_eq!(commits(&store, "hundred").await, (1, 100));
}

#[tokio::test]
async fn an_effect_that_is_looked_at_before_costs_one_commit() {
    let store = Store::postgres().await;
    let robot = Robot::new(&store);
    let workflow = hundred(
        |_| json!({"node_type": "AppendFileNode", "config": {"file_path": "out/log.txt", "content": "line\n"}}),
    );
    std::fs::write(robot.file("hundred.json"), workflow.to_string()).unwrap();

    let printed = robot.call(&["run", "hundred.json", "--id", "hundred"]);

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let (commits, records) = commits(&store, "hundred").await;
    assert_eq!(
        records, 199,
        "the start, and two records for each of the others"
    );
    assert_eq!(
        commits, 100,
        "one before each effect, and one for the last record"
    );
}

on_both_stores! {
    async fn dialogs_are_refused_unless_they_may_answer_themselves_and_a_run_keeps_to_it(store: Store) {
        let robot = Robot::new(&store);

        let refused = robot.run("dialogs.json", "refused", &[]);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        let said = refused.json["diagnostics"].to_string();
        assert!(said.contains("--headless-policy answer"), "{said}");
        assert_eq!(robot.call(&["status", "refused"]).code, 1, "nothing was begun");

        let answer = ["--headless-policy", "answer"];
        let mut life = robot.start_with("dialogs.json", "answered", &answer);
        assert_eq!(life.visits(2).len(), 2);
        life.kill();
        let resumed = robot.call(&["resume", "answered"]);

        assert_eq!(resumed.code, 0, "{}", resumed.stderr);
        let logs = json!(["dialog answered by nobody: Confirm – Go on?", "dialog answered by nobody: Name – Who?", "True Ada"]);
        assert_eq!(resumed.json["logs"], logs);
    }
}
