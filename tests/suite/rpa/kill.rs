//! Killed at any moment, a run goes on where it was.

use std::collections::BTreeMap;

use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

const KILLS: usize = 50;

/// What has to be the same however often a run was killed.
fn outcome(mut printed: Json) -> Json {
    for key in ["duration_ms", "recovered", "workflow_id"] {
        printed[key] = json!(null);
    }
    printed
}

async fn killed_after_each_visit(store: &Store, step: usize) {
    let robot = Robot::new(store);
    let undisturbed = robot.run("nested_loops.json", "undisturbed", &[]);
    assert_eq!(undisturbed.code, 0, "{}", undisturbed.stderr);
    let files = robot.files("out");
    let visits = usize::try_from(undisturbed.json["executed_nodes"].as_u64().unwrap()).unwrap();
    let expected = outcome(undisturbed.json);
    for after in (1..=visits).step_by(step) {
        robot.clear("out");
        let id = format!("killed-{after}");
        let mut life = robot.start("nested_loops.json", &id);
        let mut seen = life.visits(after);
        life.kill();
        assert_eq!(seen.len(), after);

        let mut second = robot.start("nested_loops.json", &id);
        seen.extend(second.visits(usize::MAX));
        second.kill();
        let printed = robot.run("nested_loops.json", &id, &[]);

        assert_eq!(printed.code, 0, "killed after {after}: {}", printed.stderr);
        assert_eq!(outcome(printed.json), expected, "killed after {after}");
        assert_eq!(robot.files("out"), files, "killed after {after}");
        // What changes files runs again at most when it was the one that was killed.
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in seen.iter().filter(|name| name.contains("append")) {
            *counts.entry(name).or_default() += 1;
        }
        let repeated = counts.values().filter(|count| **count > 1).count();
        assert!(repeated <= 1, "killed after {after}: {counts:?}");
    }
}

#[tokio::test]
async fn a_run_killed_after_any_visit_ends_as_if_undisturbed_on_sqlite() {
    killed_after_each_visit(&Store::sqlite(), 1).await;
}

#[tokio::test]
async fn a_run_killed_after_any_visit_ends_as_if_undisturbed_on_postgres() {
    killed_after_each_visit(&Store::postgres().await, 4).await;
}

#[test]
fn fifty_kills_leave_the_exact_bytes_in_a_file_that_is_appended_to() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    for kill in 0..KILLS {
        let mut life = robot.start("append_chain.json", "chain");
        // Some lives end in the middle of a visit, some between two; none gets far.
        let seen = life.visits(1 + kill % 7);
        assert!(!seen.is_empty(), "the run ended after {kill} kills");
        life.kill();
    }

    let printed = robot.run("append_chain.json", "chain", &[]);

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let expected: String = (0..300).map(|row| format!("row {row}\nsame\n")).collect();
    assert_eq!(robot.files("out")["chain.txt"], expected);
    assert_eq!(printed.json["recovered"], true);
}
