//! Workflows with errors that are run all the same.

use durable_tests::rpa::Robot;
use serde_json::json;

on_both_stores! {
    async fn a_lenient_run_says_what_it_made_of_the_errors_however_often_it_is_taken_up(store: Store) {
        let robot = Robot::new(&store);
        let strict = robot.run("lenient.json", "strict", &[]);
        assert_eq!(strict.code, 3, "{}", strict.stderr);
        let file = Robot::workflow("lenient.json");
        let checked = robot.bare(&["check", "--lenient", "--json", file.to_str().unwrap()]).output().unwrap();
        let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(checked["ok"], true, "{checked}");

        let mut life = robot.start_with("lenient.json", "run", &["--lenient"]);
        life.visits(2);
        life.kill();
        let printed = robot.run("lenient.json", "run", &["--lenient"]);

        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert_eq!(printed.json["logs"], json!(["one", "[1, 2]"]));
        let said = |json: &serde_json::Value| -> Vec<String> {
            let warnings = json["warnings"].as_array().unwrap().iter();
            warnings.map(|warning| warning.as_str().unwrap().to_owned()).collect()
        };
        let warnings = said(&printed.json);
        let expected = [
            "warning UNKNOWN_NODE_TYPE at /nodes/one/node_type", "warning NODE_NOT_RUNNABLE at /nodes/window/node_type",
            "warning UNKNOWN_REFERENCE at /nodes/tell/config/message",
        ];
        for (said, expected) in warnings.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said}");
        }
        for (told, said) in expected.iter().zip(&warnings) {
            let pointer = told.split(' ').next_back().unwrap();
            let diagnostics = checked["diagnostics"].as_array().unwrap();
            let same = diagnostics.iter().find(|one| one["pointer"] == pointer && one["severity"] == "warning").unwrap();
            assert!(said.contains(same["message"].as_str().unwrap()), "{said}");
        }
        let again = robot.call(&["resume", "run"]);
        assert_eq!(said(&again.json), warnings);
    }
}
