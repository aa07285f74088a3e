//! Workflows that are started by requests, times and files.

use durable_tests::rpa::{Robot, ask};
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

/// How many runs there are of a name, and how many of them succeeded.
pub(super) const RUNS: &str =
    "SELECT count(*) FROM workflow_status WHERE name = 'run_document' AND workflow_uuid LIKE $1";
pub(super) const DONE: &str = "SELECT count(*) FROM workflow_status WHERE name = 'run_document' AND status = 'SUCCESS' AND workflow_uuid LIKE $1";

/// A workflow of a trigger and a node that writes a line.
pub(super) fn served(trigger: &str, config: Json, line: &str) -> Json {
    json!({
        "metadata": {"name": "Served"},
        "variables": {"amount": {"type": "Integer", "default_value": 0}},
        "nodes": {
            "on": {"node_id": "on", "node_type": trigger, "config": config},
            "write": {"node_id": "write", "node_type": "AppendFileNode", "config": {"file_path": "out/log.txt", "content": line}},
        },
        "connections": [
            {"source_node": "on", "source_port": "exec_out", "target_node": "write", "target_port": "exec_in"},
        ],
    })
}

pub(super) fn write(robot: &Robot<'_>, name: &str, workflow: &Json) {
    std::fs::write(robot.file(name), workflow.to_string()).unwrap();
}

pub(super) fn log(robot: &Robot<'_>) -> Vec<String> {
    let mut lines: Vec<String> = robot
        .files("out")
        .get("log.txt")
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default();
    lines.sort();
    lines
}

/// Puts a file where it is looked for, whole: what is written in two goes may be found between them.
fn put(robot: &Robot<'_>, name: &str, text: &str) {
    std::fs::write(robot.file("whole"), text).unwrap();
    std::fs::rename(robot.file("whole"), robot.file(name)).unwrap();
}

const HOOK: [&str; 4] = ["serve", "hook.json", "--listen", "127.0.0.1:0"];
const JSON: (&str, &str) = ("Content-Type", "application/json");

on_both_stores! {
    async fn a_request_starts_the_workflow_behind_its_trigger(store: Store) {
        let robot = Robot::new(&store);
        let line = "{{on.payload.item}} {{amount}} {{on.query_params.q}} {{method}} {{on.headers.x-from}} {{client_ip}}\n";
        write(&robot, "hook.json", &served("WebhookTriggerNode", json!({"endpoint": "orders", "response_code": 202}), line));
        let server = robot.serve(&HOOK);

        let headers = [JSON, ("X-From", "shop"), ("Authorization", "Bearer hunter2-token")];
        let answer = server.ask("POST", "/orders?q=a%20b", &headers, r#"{"item": "bread", "amount": 7}"#);

        assert_eq!((answer.status, answer.json()), (202, json!({"status": "received"})));
        let id = answer.header("x-workflow-id").unwrap().to_owned();
        store.becomes(DONE, &[&id], 1).await;
        assert_eq!(log(&robot), ["bread 7 a b POST shop 127.0.0.1"]);
        let status = robot.call(&["status", &id]);
        assert_eq!(status.json["status"], "SUCCESS");
        let rows = store.dump().await.join("\n");
        assert!(!rows.contains("hunter2"), "who asks is not recorded");
        assert_eq!(server.ask("GET", "/health", &[], "").status, 200);
        let (code, said) = server.interrupt();
        assert_eq!(code, 0, "{said}");
    }

    async fn a_request_that_is_delivered_twice_starts_one_run_in_all_servers(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "hook.json", &served("WebhookTriggerNode", json!({}), "{{on.payload.n}}\n"));
        let servers = [robot.serve(&HOOK), robot.serve(&HOOK)];
        let addresses: Vec<String> = servers.iter().map(|server| server.address()).collect();

        let answers: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..8)
                .map(|number| {
                    let address = &addresses[number % 2];
                    let from = number.to_string();
                    scope.spawn(move || ask(address, "POST", "/hook/on", &[JSON, ("Idempotency-Key", "order 4711"), ("X-Try", &from)], r#"{"n": 1}"#))
                })
                .collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });

        let id = answers[0].header("x-workflow-id").unwrap();
        for answer in &answers {
            assert_eq!((answer.status, answer.header("x-workflow-id")), (200, Some(id)));
        }
        store.becomes(DONE, &["hook:on:%"], 1).await;
        assert_eq!(store.value(RUNS, &["hook:on:%"]).await, 1);
        assert_eq!(log(&robot), ["1"]);
        let other = servers[1].ask("POST", "/hook/on", &[JSON, ("Idempotency-Key", "order 4711")], r#"{"n": 2}"#);
        assert_eq!(other.status, 409, "{}", other.body);
        // Without a key each request is its own.
        for server in &servers {
            assert_eq!(server.ask("POST", "/hook/on", &[JSON], r#"{"n": 1}"#).status, 200);
        }
        store.becomes(DONE, &["hook:on:%"], 3).await;
    }

    async fn what_a_server_took_is_done_by_the_next_one(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "hook.json", &served("WebhookTriggerNode", json!({}), "{{on.payload.n}}\n"));
        let server = robot.serve(&["serve", "hook.json", "--listen", "127.0.0.1:0", "--no-work"]);
        for n in 0..5 {
            assert_eq!(server.ask("POST", "/hook/on", &[JSON], &json!({"n": n}).to_string()).status, 200);
        }
        server.kill();
        assert!(log(&robot).is_empty(), "it only starts runs");

        let _worker = robot.serve(&["worker"]);

        store.becomes(DONE, &["hook:on:%"], 5).await;
        assert_eq!(log(&robot), ["0", "1", "2", "3", "4"]);
    }

    async fn who_waits_for_a_run_is_answered_with_its_result(store: Store) {
        let robot = Robot::new(&store);
        let mut workflow = served("WebhookTriggerNode", json!({"response_mode": "wait_for_workflow"}), "x");
        workflow["nodes"]["write"] = json!({"node_id": "write", "node_type": "MathOperationNode", "config": {"a": "{{amount}}", "b": 2, "operation": "multiply"}});
        write(&robot, "hook.json", &workflow);
        let server = robot.serve(&HOOK);

        let answer = server.ask("POST", "/hook/on", &[("Content-Type", "application/x-www-form-urlencoded")], "amount=21");

        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["outputs"]["write"]["result"], 42.0);
        workflow["nodes"]["write"] = json!({"node_id": "write", "node_type": "ThrowErrorNode", "config": {"error_message": "no"}});
        write(&robot, "broken.json", &workflow);
        let broken = robot.serve(&["serve", "broken.json", "--listen", "127.0.0.1:0"]);
        let answer = broken.ask("POST", "/broken/on", &[], "");
        assert_eq!((answer.status, &answer.json()["failed_node_id"]), (500, &json!("write")));
    }

    async fn a_tick_starts_one_run_among_several_servers(store: Store) {
        let robot = Robot::new(&store);
        let config = json!({"frequency": "interval", "interval_seconds": 1, "max_runs": 3});
        write(&robot, "tick.json", &served("ScheduleTriggerNode", config, "{{on.run_number}} {{scheduled_time}}\n"));
        let servers = [robot.serve(&["serve", "tick.json"]), robot.serve(&["serve", "tick.json"])];

        store.becomes(DONE, &["tick:on:%"], 3).await;
        store.becomes("SELECT status FROM workflow_schedules WHERE schedule_name = $1", &["rpa:tick:on"], "PAUSED").await;

        // What was due before the pause may still come, and starts nothing.
        let open = "SELECT count(*) FROM workflow_status WHERE name = 'scheduled' AND status <> 'SUCCESS'";
        store.becomes(open, &[], 0).await;
        assert_eq!(store.value(RUNS, &["tick:on:%"]).await, 3);
        let lines = log(&robot);
        let numbers: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(numbers, ["1", "2", "3"]);
        let mut times: Vec<&str> = lines.iter().map(|line| line.split(' ').next_back().unwrap()).collect();
        times.dedup();
        assert_eq!(times.len(), 3, "{lines:?}");
        drop(servers);
        // A schedule whose trigger is gone from its file is gone.
        write(&robot, "tick.json", &served("ScheduleTriggerNode", json!({"frequency": "once", "start_time": "2020-01-31T09:00"}), "once\n"));
        let _server = robot.serve(&["serve", "tick.json"]);
        store.becomes("SELECT count(*) FROM workflow_schedules", &[], 0).await;
        store.becomes(DONE, &["tick:on:2020-01-31T09:00:00.000Z"], 1).await;
    }

    async fn each_version_of_a_file_starts_one_run_among_several_servers(store: Store) {
        let robot = Robot::new(&store);
        let config = json!({"watch_path": "in", "patterns": "*.csv, *.txt", "ignore_patterns": "old*", "events": "created,modified,deleted", "debounce_ms": 100});
        write(&robot, "watch.json", &served("FileWatchTriggerNode", config, "{{on.event_type}} {{file_name}}\n"));
        std::fs::create_dir_all(robot.file("in/deep")).unwrap();
        std::fs::write(robot.file("in/before.csv"), "x").unwrap();
        // The clock of the file system is coarse: what was there before has to be older than the first look.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let servers = [robot.serve(&["serve", "watch.json"]), robot.serve(&["serve", "watch.json"])];

        for (name, text) in [("in/a.csv", "1"), ("in/deep/b.txt", "2"), ("in/c.pdf", "3"), ("in/old.csv", "4"), ("in/.hidden.csv", "5")] {
            put(&robot, name, text);
        }
        store.becomes(DONE, &["watch:on:%"], 2).await;
        put(&robot, "in/a.csv", "changed");
        store.becomes(DONE, &["watch:on:a.csv@%"], 2).await;
        std::fs::remove_file(robot.file("in/deep/b.txt")).unwrap();
        store.becomes(DONE, &["watch:on:%-deleted"], 1).await;

        assert_eq!(log(&robot), ["created a.csv", "created b.txt", "deleted b.txt", "modified a.csv"]);
        for server in servers {
            let (code, said) = server.interrupt();
            assert_eq!(code, 0, "{said}");
        }
        // What changes while nobody watches is seen by the next one; what was done is not done again.
        put(&robot, "in/late.csv", "6");
        let _server = robot.serve(&["serve", "watch.json"]);
        store.becomes(DONE, &["watch:on:late.csv@%"], 1).await;
        assert_eq!(log(&robot), ["created a.csv", "created b.txt", "created late.csv", "deleted b.txt", "modified a.csv"]);
    }

    async fn a_file_that_is_moved_starts_one_run_that_is_told_where_it_was(store: Store) {
        let robot = Robot::new(&store);
        let config = json!({"watch_path": "in", "patterns": "*.csv", "events": "created,moved,deleted", "debounce_ms": 50});
        write(&robot, "watch.json", &served("FileWatchTriggerNode", config, "{{on.event_type}} {{file_name}} {{on.old_path}}\n"));
        std::fs::create_dir_all(robot.file("in/done")).unwrap();
        let _server = robot.serve(&["serve", "watch.json"]);
        put(&robot, "in/a.csv", "1");
        store.becomes(DONE, &["watch:on:a.csv@%"], 1).await;

        std::fs::rename(robot.file("in/a.csv"), robot.file("in/done/b.csv")).unwrap();
        store.becomes(DONE, &["watch:on:done/b.csv@%"], 1).await;
        // What comes from elsewhere was nowhere here.
        put(&robot, "in/c.csv", "2");
        store.becomes(DONE, &["watch:on:c.csv@%"], 1).await;
        std::fs::remove_file(robot.file("in/done/b.csv")).unwrap();
        store.becomes(DONE, &["watch:on:%-deleted"], 1).await;

        let was = robot.file("in").canonicalize().unwrap().join("a.csv");
        let moved = format!("moved b.csv {}", was.display());
        assert_eq!(log(&robot), ["created a.csv ", "created c.csv ", "deleted b.csv ", &moved]);
    }
}

#[test]
fn requests_that_may_not_be_are_refused_before_anything_starts() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    let hook = |config: Json| served("WebhookTriggerNode", config, "x\n");
    let all = [
        (
            "basic",
            json!({"auth_type": "basic", "basic_username": "ada", "basic_password": "{{$secret:door}}"}),
        ),
        (
            "header",
            json!({"auth_type": "header", "auth_header_value": "{{$secret:door}}", "methods": "POST, PUT"}),
        ),
        ("far", json!({"ip_whitelist": "10.0.0.0/8"})),
        ("near", json!({"ip_blacklist": "127.0.0.1"})),
        (
            "open",
            json!({"cors_enabled": true, "cors_origins": "https://a.example, https://b.example"}),
        ),
    ];
    let mut arguments = vec!["serve".to_owned()];
    for (name, config) in all {
        write(&robot, &format!("{name}.json"), &hook(config));
        arguments.push(format!("{name}.json"));
    }
    arguments.extend(["--listen", "127.0.0.1:0", "--no-work"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let refused = robot.command(&arguments[..2]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{said}");
    std::fs::write(robot.file("rpa-secrets.json"), "").unwrap();
    std::fs::remove_file(robot.file("rpa-secrets.json")).unwrap();
    let mut keep = robot.bare(&["secret", "set", "door"]);
    let mut kept = keep.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut kept.stdin.take().unwrap(), b"open sesame").unwrap();
    assert!(kept.wait().unwrap().success());
    let server = robot.serve(&arguments);

    let status = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        server.ask(method, path, headers, body).status
    };
    assert_eq!(status("POST", "/nowhere", &[], ""), 404);
    assert_eq!(status("GET", "/header/on", &[], ""), 405);
    assert_eq!(status("POST", "/basic/on", &[], ""), 401);
    // ada:wrong, and ada:open sesame
    assert_eq!(
        status(
            "POST",
            "/basic/on",
            &[("Authorization", "Basic YWRhOndyb25n")],
            ""
        ),
        401
    );
    assert_eq!(
        status(
            "POST",
            "/basic/on",
            &[("Authorization", "Basic YWRhOm9wZW4gc2VzYW1l")],
            ""
        ),
        200
    );
    assert_eq!(
        status("PUT", "/header/on", &[("X-API-Key", "open")], ""),
        401
    );
    assert_eq!(
        status("PUT", "/header/on", &[("X-API-Key", "open sesame")], ""),
        200
    );
    assert_eq!(status("POST", "/far/on", &[], ""), 403);
    assert_eq!(status("POST", "/near/on", &[], ""), 403);
    assert_eq!(status("POST", "/open/on", &[JSON], "{"), 400);
    let preflight = server.ask(
        "OPTIONS",
        "/open/on",
        &[("Origin", "https://b.example")],
        "",
    );
    assert_eq!(
        (
            preflight.status,
            preflight.header("access-control-allow-origin")
        ),
        (204, Some("https://b.example"))
    );
    let stranger = server.ask("POST", "/open/on", &[("Origin", "https://c.example")], "");
    assert_eq!(
        (
            stranger.status,
            stranger.header("access-control-allow-origin")
        ),
        (200, None)
    );
}

#[test]
fn what_cannot_be_served_is_told_before_anything_starts() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    let cases = [
        (
            "nothing",
            served("CommentNode", json!({}), "x"),
            "nothing starts the workflow `nothing`",
        ),
        (
            "open",
            served("WebhookTriggerNode", json!({"auth_type": "header"}), "x"),
            "everybody could ask",
        ),
        (
            "odd",
            served(
                "ScheduleTriggerNode",
                json!({"frequency": "interval", "interval_seconds": 7}),
                "x",
            ),
            "has to divide a minute, an hour or a day",
        ),
        (
            "zone",
            served(
                "ScheduleTriggerNode",
                json!({"timezone": "Europe/Atlantis"}),
                "x",
            ),
            "no time zone `Europe/Atlantis`",
        ),
        (
            "folder",
            served(
                "FileWatchTriggerNode",
                json!({"watch_path": "nowhere"}),
                "x",
            ),
            "is no folder",
        ),
        (
            "unknown",
            served(
                "WebhookTriggerNode",
                json!({"endpoint": "{{amounts}}"}),
                "x",
            ),
            "nothing is known of `{{amounts}}`",
        ),
    ];
    for (name, workflow, expected) in cases {
        let file = format!("{name}.json");
        write(&robot, &file, &workflow);
        let ended = robot
            .bare(&[
                "serve",
                &file,
                "--listen",
                "127.0.0.1:0",
                "--db",
                store.url(),
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let twice = served("WebhookTriggerNode", json!({"endpoint": "same"}), "x");
    write(&robot, "one.json", &twice);
    write(&robot, "two.json", &twice);
    let ended = robot
        .bare(&[
            "serve",
            "one.json",
            "two.json",
            "--listen",
            "127.0.0.1:0",
            "--db",
            store.url(),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("two triggers wait at /same"), "{said}");
}
