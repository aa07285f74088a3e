use std::path::Path;

use clap::{CommandFactory, Parser};
use serde_json::Value;

use super::{Arguments, Outcome, run};

/// Runs the command on a fixture, or on another file by its path.
fn ran(arguments: &[&str], file: &str) -> (anyhow::Result<Outcome>, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(file);
    let mut all = vec!["rpa"];
    all.extend(arguments);
    let file = file.to_str().unwrap();
    all.push(file);
    let mut output = Vec::new();
    let outcome = run(&Arguments::try_parse_from(all).unwrap(), &mut output);
    (outcome, String::from_utf8(output).unwrap())
}

#[test]
fn the_arguments_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn check_tells_what_is_in_a_file() {
    let (outcome, text) = ran(&["check"], "graph.json");
    assert_eq!(outcome.unwrap(), Outcome::Done);
    assert!(
        text.starts_with("Sent to the orchestrator: a graph for the orchestrator (shape H), 2 nodes, 1 connection, 0 variables\nnode types: LogNode, StartNode\n"),
        "{text}"
    );
    assert!(
        text.ends_with("ok: 0 errors, 0 warnings, 9 remarks.\n"),
        "{text}"
    );
}

#[test]
fn check_as_json_has_exactly_the_fields_of_the_contract() {
    let (outcome, text) = ran(&["check", "--json"], "broken.json");
    assert_eq!(outcome.unwrap(), Outcome::Refused);
    let report: Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ok", "diagnostics"]);
    assert_eq!(report["ok"], false);
    let first = &report["diagnostics"][0];
    let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["severity", "code", "pointer", "message", "fix"]);
    assert_eq!(first["severity"], "error");
    assert_eq!(first["code"], "DUPLICATE_NODE_ID");
    assert_eq!(first["pointer"], "/nodes/1");
}

#[test]
fn a_file_that_cannot_be_read_is_not_refused_but_unread() {
    let (outcome, _) = ran(&["check"], "nowhere.json");
    assert!(format!("{:#}", outcome.unwrap_err()).contains("cannot read"));

    let (outcome, text) = ran(&["check", "--json"], "../../Cargo.toml");
    assert_eq!(outcome.unwrap(), Outcome::Unread);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["diagnostics"][0]["code"], "NOT_JSON");
}

#[test]
fn import_prints_a_file_that_can_be_imported_again() {
    let (outcome, text) = ran(&["import"], "starter.json");
    assert_eq!(outcome.unwrap(), Outcome::Done);
    let loaded = rpa_nodes::document::load(&text).unwrap();
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.workflow.nodes.len(), 4);
}

#[test]
fn import_prints_nothing_if_something_would_be_missing() {
    let (outcome, text) = ran(&["import"], "broken.json");
    assert_eq!(outcome.unwrap(), Outcome::Refused);
    assert_eq!(text, "");
}

#[test]
fn graph_prints_a_flowchart() {
    let (outcome, text) = ran(&["graph"], "subflow.json");
    assert_eq!(outcome.unwrap(), Outcome::Done);
    assert!(text.starts_with("flowchart TD\n"), "{text}");
}
