//! Workflows that work in a browser: a real Chromium, on pages of a site that the test serves.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use durable_tests::rpa::{Printed, Robot};
use durable_tests::site::Site;
use durable_tests::store::Store;
use serde_json::{Value, json};

const ORDER: &str = "browser_order.json";
/// What it logs at its end.
const DONE: &str = "Hello ada: ordered item=bread, back at Log in";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn at(site: &Site) -> String {
    format!("url={}", site.url())
}

/// What the visit of a node left to be seen of the page.
fn page<'j>(history: &'j Value, node: &str) -> &'j Value {
    let visits = history.as_array().unwrap();
    let visit = visits.iter().find(|visit| visit["node"] == node);
    &visit.unwrap_or_else(|| panic!("{node} was not visited"))["page"]
}

/// Runs a command with an environment of its own.
fn call(mut command: Command, environment: &[(&str, &str)]) -> Printed {
    let output = command.envs(environment.iter().copied()).output().unwrap();
    Printed {
        code: output.status.code().unwrap_or(-1),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn file(workflow: &str) -> String {
    Robot::workflow(workflow).to_str().unwrap().to_owned()
}

#[test]
fn each_node_does_in_a_real_browser_what_it_is_for() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    let part = format!("part={}", file("browser_part.json"));

    let printed = robot.run(
        "browser_tour.json",
        "tour",
        &["--var", &at(&site), "--var", &part],
    );

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    let given = &printed.json["outputs"];
    assert_eq!(given["lead"]["text"], "What was ordered today.");
    assert_eq!(given["target"]["value"], "form.html");
    assert_eq!(given["orders"]["headers"], json!(["Item", "Amount"]));
    assert_eq!(
        given["orders"]["data"][1],
        json!({"Item": "milk, fresh", "Amount": "1"})
    );
    assert_eq!(
        given["as_csv"]["data"],
        "Item,Amount\n\"milk, fresh\",1\neggs,12\n"
    );
    assert_eq!(given["soon"]["found"], true);
    assert_eq!(given["title"]["result"], "pressed");
    assert_eq!(
        given["function"]["result"],
        json!({"n": 42, "at": "Asia/Tokyo"})
    );
    assert_eq!(given["statements"]["result"], 3);
    assert_eq!(given["keys"]["result"], json!(["Control+b"]));
    assert_eq!(given["typed"]["text"], "Ada L.");
    assert_eq!(given["fill"]["fields_filled"], 4);
    assert_eq!(
        given["done"]["text"],
        "ordered name=Ada+L.&note=ring+twice&size=m&gift=on&pay=cash"
    );
    assert_eq!(given["second"]["result"], "Log in");
    assert_eq!(
        given["inner"]["outputs"]["heading"]["text"], "Orders",
        "a subflow works in the same browser"
    );
    assert_eq!(
        given["where"]["result"],
        format!("{}/login.html?inner", site.url())
    );
    let variables = &printed.json["variables"];
    assert_eq!(variables["doubled"]["n"], 42);
    assert_eq!(variables["href"], "form.html");
    for (name, magic) in [("page.png", PNG), ("part.jpeg", b"\xff\xd8\xff")] {
        let picture = std::fs::read(robot.file("pictures").join(name)).unwrap();
        assert!(picture.starts_with(magic), "{name}");
    }
    let warnings = printed.json["warnings"].to_string();
    assert!(
        warnings.contains("Really?") && warnings.contains("dismissed"),
        "{warnings}"
    );
    robot.wait_for_browsers();
}

#[test]
fn dialogs_cookies_forms_images_and_downloads_of_a_page_are_within_reach() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());

    let printed = robot.run("browser_around.json", "around", &["--var", &at(&site)]);

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    let given = &printed.json["outputs"];
    let dialog = &given["ask"];
    assert_eq!(dialog["message"], "Really?");
    assert_eq!(dialog["dialog_type"], "confirm");
    assert_eq!(dialog["action_taken"], "accept");
    assert_eq!(given["answered"]["result"], "yes");
    assert_eq!(given["forms"]["form_count"], 1);
    let fields = given["forms"]["fields"].as_array().unwrap();
    let names: Vec<&Value> = fields.iter().map(|field| &field["name"]).collect();
    assert_eq!(names, ["name", "note", "size", "gift", "pay", "pay"]);
    assert_eq!(fields[2]["options"], json!(["s", "m", "l"]));
    assert_eq!(fields[0]["label"], "Name");
    assert_eq!(fields[0]["selector"], "#name");
    assert_eq!(printed.json["variables"]["found"][0]["selector"], "#order");
    let images = ["one.png", "three.gif?x=1"].map(|name| format!("{}/{name}", site.url()));
    assert_eq!(given["images"]["images"], json!(images));
    assert_eq!(given["get"]["cookie"]["value"], "blue");
    assert_eq!(given["get"]["count"], 1);
    assert_eq!(
        site.visit("GET /index.html?file").cookie.as_deref(),
        Some("colour=blue")
    );
    assert!(robot.files("loaded")["index.html"].contains("<h1>Orders</h1>"));
    assert_eq!(given["bring"]["count"], 1);
    assert_eq!(given["all"]["count"], 0, "{}", given["all"]);
}

/// Runs a workflow of a browser that shows a page, and one node after it.
fn run_one(
    robot: &Robot<'_>,
    id: &str,
    url: &str,
    node_type: &str,
    config: &Value,
    more: &[&str],
) -> Printed {
    let launch = json!({"headless": true, "url": url});
    let nodes = [
        json!({"id": "start", "type": "StartNode"}),
        json!({"id": "launch", "type": "LaunchBrowserNode", "config": launch}),
        json!({"id": "last", "type": node_type, "config": config}),
    ];
    let ways = [("start", "launch"), ("launch", "last")];
    let ways = ways.map(|(from, to)| json!({"out": [from, "exec_out"], "in": [to, "exec_in"]}));
    let path = robot.file(id);
    let workflow = json!({"name": id, "nodes": nodes, "connections": ways});
    std::fs::write(&path, workflow.to_string()).unwrap();
    robot.call(&[&["run", path.to_str().unwrap(), "--id", id], more].concat())
}

#[test]
fn the_selector_that_healed_another_one_stays_with_the_visit() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    let index = format!("{}/index.html", site.url());
    let selectors = json!({"selector": "#heading", "fallback_selectors": ["//h2", "text=orders"]});

    let printed = run_one(&robot, "healed", &index, "ExtractTextNode", &selectors, &[]);

    assert_eq!(
        printed.json["outputs"]["last"]["text"], "Orders",
        "{}",
        printed.json["error"]
    );
    let history = robot.call(&["history", "healed"]).json;
    let healed = json!({"selector": "#heading", "by": "text=orders", "place": 2});
    assert_eq!(page(&history, "last")["healed"], healed);
    assert_eq!(page(&history, "launch")["healed"], Value::Null);
    let warned = printed.json["warnings"][0].as_str().unwrap();
    assert!(
        warned.starts_with("last: `#heading` finds nothing any more"),
        "{warned}"
    );
}

on_both_stores! {
    async fn a_worker_closes_the_browser_that_a_run_left_open(store: Store) {
        let (robot, site) = (Robot::new(&store), Site::start());
        let workflow = json!({
            "metadata": {"name": "Careless"},
            "nodes": {
                "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
                "launch": {"node_id": "launch", "node_type": "LaunchBrowserNode", "config": {"url": site.url()}},
            },
            "connections": [{"source_node": "start", "source_port": "exec_out", "target_node": "launch", "target_port": "exec_in"}],
        });
        std::fs::write(robot.file("careless.json"), workflow.to_string()).unwrap();
        let printed = robot.call(&["run", "careless.json", "--enqueue", "--id", "careless"]);
        assert_eq!(printed.code, 0, "{}", printed.stderr);

        let worker = robot.serve(&["worker"]);

        let status = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";
        store.becomes(status, &["careless"], "SUCCESS").await;
        robot.wait_for_browsers();
        assert_eq!(worker.interrupt().0, 0);
    }

    async fn a_run_that_was_killed_goes_on_at_the_page_where_it_was(store: Store) {
        let (robot, site) = (Robot::new(&store), Site::start());
        let url = at(&site);
        site.hold("GET /ready");
        let mut life = robot.start_with(ORDER, "order", &["--var", &url]);
        let seen = life.visits(7);
        assert_eq!(seen.last().unwrap(), "node:item#1");
        assert!(!robot.browsers().is_empty());
        // A visit is told a moment before it is recorded.
        let is_recorded = || robot.call(&["history", "order"]).json.as_array().unwrap().len() == 7;
        assert!((0..100).any(|_| is_recorded()));
        life.kill();
        robot.wait_for_browsers();
        site.rest();
        site.release();

        let printed = robot.run(ORDER, "order", &["--var", &url]);

        assert_eq!(printed.code, 0, "{} {}", printed.json["error"], printed.stderr);
        assert_eq!(printed.json["recovered"], true);
        assert_eq!(printed.json["logs"], json!([DONE]), "what was typed was still there");
        let visits = site.rest();
        let asked: Vec<&str> = visits.iter().map(|visit| visit.what.as_str()).collect();
        let first = ["GET /account?from=login", "GET /ready", "POST /orders"];
        assert_eq!(asked[..3], first, "nothing was done again");
        assert!(!asked[3..].iter().any(|what| what.starts_with("POST")), "{asked:?}");
        assert!(visits.iter().all(|visit| visit.cookie.as_deref() == Some("user=ada")), "{visits:?}");
        let history = robot.call(&["history", "order"]).json;
        assert_eq!(page(&history, "ready")["restored"], true);
        assert_eq!(page(&history, "ready")["url"], format!("{}/account", site.url()));
        assert!(!history.to_string().contains("hunter-22"), "what was typed is a secret");
        robot.wait_for_browsers();
        let left = std::fs::read_dir(robot.file(".")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!left.iter().any(|name| name.starts_with("rpa-browser-")), "{left:?}");
    }
}

#[test]
fn a_browser_that_crashes_is_opened_again_where_it_was() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    let url = at(&site);
    site.hold("GET /ready");
    let mut life = robot.start_with(ORDER, "order", &["--var", &url]);
    life.visits(7);
    site.visit("GET /ready");
    for id in robot.browsers() {
        let killed = Command::new("kill")
            .args(["-9", &id.to_string()])
            .status()
            .unwrap();
        assert!(killed.success() || !robot.browsers().contains(&id));
    }
    site.visit("GET /account?from=login");
    site.release();
    let seen = life.visits(usize::MAX);
    assert_eq!(seen.first().unwrap(), "node:ready#1");

    let printed = robot.run(ORDER, "order", &["--var", &url]);

    assert_eq!(
        printed.json["logs"],
        json!([DONE]),
        "{}",
        printed.json["error"]
    );
    let warnings = printed.json["warnings"].to_string();
    assert!(
        warnings.contains("tried again after: BrowserClosedError"),
        "{warnings}"
    );
    assert!(warnings.contains("it was opened again at"), "{warnings}");
}

#[test]
fn a_run_that_is_told_to_end_does_not_wait_for_what_its_node_waits_for() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    let url = at(&site);
    site.hold("GET /ready");
    let mut life = robot.start_with(ORDER, "order", &["--var", &url]);
    life.visits(7);
    site.visit("GET /ready");
    let told = Instant::now();

    life.end();

    assert!(
        told.elapsed() < Duration::from_secs(20),
        "the node may wait for 30 s"
    );
    robot.wait_for_browsers();
    site.release();
    let printed = robot.run(ORDER, "order", &["--var", &url]);
    assert_eq!(
        printed.json["logs"],
        json!([DONE]),
        "{}",
        printed.json["error"]
    );
}

#[test]
fn a_click_that_a_crash_interrupted_waits_until_a_person_decides() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    let url = at(&site);
    site.hold("POST /orders");
    let life = robot.start_with(ORDER, "order", &["--var", &url]);
    site.visit("POST /orders");
    life.kill();
    site.release();

    let parked = robot.run(ORDER, "order", &["--var", &url]);

    assert_eq!(parked.code, 4, "{} {}", parked.json["error"], parked.stderr);
    assert_eq!(parked.json["question"]["node"], "order");
    assert_eq!(site.rest(), [], "not even the browser was opened");
    assert_eq!(robot.call(&["answer", "order", "retry"]).code, 0);
    let resumed = robot.call(&["resume", "order"]);
    assert_eq!(
        resumed.code, 0,
        "{} {}",
        resumed.json["error"], resumed.stderr
    );
    assert_eq!(resumed.json["logs"], json!([DONE]));
    let orders = site
        .rest()
        .into_iter()
        .filter(|visit| visit.what == "POST /orders");
    assert_eq!(orders.count(), 1);
}

#[test]
fn a_failure_tells_where_it_was_and_keeps_a_picture() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    std::fs::create_dir(robot.file("own")).unwrap();
    let url = at(&site);
    let file = file("browser_fails.json");
    let token = ("RPA_SECRET_TOKEN", "opensesame");
    let command = robot.command(&["run", &file, "--id", "fails", "--var", &url, "--root", "."]);

    let printed = call(command, &[token]);

    assert_eq!(printed.code, 2, "{}", printed.stderr);
    assert_eq!(printed.json["failed_node_id"], "press");
    let error = printed.json["error"].as_str().unwrap();
    let told = format!(
        "ElementNotFoundError: cannot click `#gone` and its 1 fallbacks: nothing in the page fits it within 300 ms; correct the \
         selector, or raise `timeout` (page {}/index.html)",
        site.url()
    );
    assert_eq!(error, told);
    assert_eq!(site.visit("GET /index.html?token=opensesame").cookie, None);
    let history = robot.call(&["history", "fails"]).json;
    assert!(!history.to_string().contains("opensesame"));
    let kept = page(&history, "press")["screenshot"].as_str().unwrap();
    assert!(
        kept.ends_with("rpa-screenshots/fails_press_1.png"),
        "{kept}"
    );
    let own = robot.file("own/failure.png");
    for path in [kept, own.to_str().unwrap()] {
        assert!(std::fs::read(path).unwrap().starts_with(PNG), "{path}");
    }
}

#[test]
fn files_outside_of_the_roots_are_neither_shown_nor_written() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    std::fs::create_dir(robot.file("own")).unwrap();
    std::fs::write(robot.file("own/page.html"), "<h1>Mine</h1>").unwrap();
    let own = robot.file("own");
    let page = format!("file://{}/page.html", own.display());
    let more = ["--root", "own"];

    let url = json!({"url": "file:///etc/%70asswd"});
    let shown = run_one(&robot, "shown", &page, "GoToURLNode", &url, &more);
    let path = json!({"file_path": "picture.png"});
    let written = run_one(&robot, "written", &page, "ScreenshotNode", &path, &more);

    for refused in [shown, written] {
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert_eq!(
            refused.json["failed_node_id"], "last",
            "the page within is shown: {}",
            refused.json["error"]
        );
        let error = refused.json["error"].as_str().unwrap();
        assert!(error.starts_with("PermissionError"), "{error}");
    }
    assert!(!robot.file("picture.png").exists());
}

#[test]
fn a_workflow_starts_a_program_of_its_choice_only_where_it_may_start_programs() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    let program = robot.file("program");
    std::fs::write(&program, "#!/bin/sh\ntouch started\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let path = robot.file("workflow.json");
    let workflow = json!({
        "name": "a program of its choice",
        "nodes": [{"id": "launch", "type": "LaunchBrowserNode", "config": {"executable_path": program}}],
    });
    std::fs::write(&path, workflow.to_string()).unwrap();
    let path = path.to_str().unwrap();

    let refused = robot.call(&["run", path, "--id", "refused"]);

    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(
        refused.json["error"]
            .as_str()
            .unwrap()
            .contains("--allow-commands")
    );
    assert!(!robot.file("started").exists());
    let allowed = robot.call(&["run", path, "--id", "allowed", "--allow-commands"]);
    assert!(robot.file("started").exists());
    let error = allowed.json["error"].as_str().unwrap();
    assert!(error.contains("did not start as a browser"), "{error}");
}

#[test]
fn a_host_without_a_browser_is_told_before_anything_happens() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    let (url, file) = (at(&site), file("browser_fails.json"));
    let none = [
        ("CHROME", "/nowhere/chromium"),
        ("RPA_SECRET_TOKEN", "opensesame"),
    ];

    let refused = call(
        robot.command(&["run", &file, "--id", "r", "--var", &url]),
        &none,
    );

    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let said = refused.json["diagnostics"].as_array().unwrap();
    let said: Vec<_> = said
        .iter()
        .filter(|said| said["code"] == "NODE_NOT_RUNNABLE")
        .collect();
    let pointers: Vec<_> = said.iter().map(|said| &said["pointer"]).collect();
    assert_eq!(
        pointers,
        ["/nodes/launch/node_type", "/nodes/press/node_type"]
    );
    let message = said[0]["message"].as_str().unwrap();
    assert!(
        message.contains("LaunchBrowserNode") && message.contains("/nowhere/chromium"),
        "{message}"
    );
    assert!(
        !robot.file("begun.txt").exists(),
        "not even the node before it ran"
    );
}

#[test]
fn a_run_is_not_resumed_where_there_is_no_browser_and_stays_as_it_was() {
    let store = Store::sqlite();
    let (robot, site) = (Robot::new(&store), Site::start());
    let url = at(&site);
    site.hold("GET /ready");
    let mut life = robot.start_with(ORDER, "order", &["--var", &url]);
    life.visits(7);
    life.kill();
    site.release();

    let refused = call(
        robot.command(&["resume", "order"]),
        &[("CHROME", "/nowhere/chromium")],
    );

    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("the workflow needs a browser"),
        "{}",
        refused.stderr
    );
    let resumed = robot.call(&["resume", "order"]);
    assert_eq!(
        resumed.code, 0,
        "{} {}",
        resumed.json["error"], resumed.stderr
    );
    assert_eq!(resumed.json["logs"], json!([DONE]));
}
