//! What may not be read by others stays out of every row, log and error.

use std::io::Write;
use std::process::Stdio;

use durable_tests::counter::Counter;
use durable_tests::rpa::Robot;
use serde_json::json;

const SECRET: &str = "hunter2-and-more";

/// Keeps the secret `token` in the file of secrets.
fn keep(robot: &Robot<'_>) {
    let mut command = robot.bare(&["secret", "set", "token"]);
    let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(SECRET.as_bytes())
        .unwrap();
    assert!(process.wait().unwrap().success());
}

on_both_stores! {
    async fn neither_the_database_nor_what_is_printed_has_a_secret(store: Store) {
        let (robot, server) = (Robot::new(&store), Counter::start());
        keep(&robot);
        let kept = std::fs::read_to_string(robot.file("rpa-secrets.json")).unwrap();
        assert!(kept.contains("token") && !kept.contains(SECRET));
        let variables = [
            format!("url={}", server.url()), "password=correct horse battery".to_owned(),
        ];
        let more = ["--var", variables[0].as_str(), "--var", variables[1].as_str(), "--trace"];

        let printed = robot.run("secrets.json", "secret", &more);

        assert_eq!(printed.code, 2, "{}", printed.stderr);
        let asked = server.next();
        assert_eq!(asked.header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
        assert_eq!(asked.body, "correct horse battery");
        let rows = store.dump().await.join("\n");
        let history = robot.call(&["history", "secret"]);
        let places = [rows, printed.json.to_string(), printed.stderr, history.json.to_string(), history.stderr];
        for place in &places {
            for secret in [SECRET, "correct horse battery"] {
                assert!(!place.contains(secret), "{place}");
            }
        }
        assert_eq!(printed.json["logs"], json!(["token ***, password ***"]));
        assert_eq!(printed.json["error"], "CustomError: wrong: ***");
        // The same run is known again, though nothing is sealed the same way twice.
        let again = robot.run("secrets.json", "secret", &more);
        assert_eq!(again.json["recovered"], true);
    }
}

#[test]
fn a_secret_that_nobody_knows_is_told_before_anything_runs() {
    let store = durable_tests::store::Store::sqlite();
    let robot = Robot::new(&store);

    let printed = robot.run("secrets.json", "secret", &[]);

    assert_eq!(printed.code, 1);
    assert!(
        printed.stderr.contains("there is no secret `token`"),
        "{}",
        printed.stderr
    );
    assert!(
        printed.stderr.contains("RPA_SECRET_TOKEN"),
        "{}",
        printed.stderr
    );
}

#[test]
fn files_outside_of_the_roots_are_not_touched() {
    let store = durable_tests::store::Store::sqlite();
    let robot = Robot::new(&store);
    std::fs::create_dir(robot.file("allowed")).unwrap();

    let printed = robot.run("append_chain.json", "chain", &["--root", "allowed"]);

    assert_eq!(printed.code, 2, "{}", printed.stderr);
    assert!(
        printed.json["error"]
            .as_str()
            .unwrap()
            .starts_with("PermissionError: ")
    );
    assert!(robot.files("out").is_empty());
    let allowed = robot.run("append_chain.json", "allowed", &["--root", "."]);
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
}
