use serde_json::{Value, json};

use super::{LoadError, Loaded, Shape, Workflow, load};
use crate::diagnostic::{Code, Diagnostic};
use crate::structure;

/// Every shape, by a small file that has it.
const SHAPES: [(Shape, &str); 10] = [
    (
        Shape::Workflow,
        include_str!("../../tests/fixtures/workflow.json"),
    ),
    (
        Shape::WorkflowWithPorts,
        include_str!("../../tests/fixtures/workflow_with_ports.json"),
    ),
    (
        Shape::FlatList,
        include_str!("../../tests/fixtures/flat_list.json"),
    ),
    (
        Shape::Scenario,
        include_str!("../../tests/fixtures/scenario.json"),
    ),
    (
        Shape::Template,
        include_str!("../../tests/fixtures/template.json"),
    ),
    (
        Shape::Starter,
        include_str!("../../tests/fixtures/starter.json"),
    ),
    (
        Shape::Subflow,
        include_str!("../../tests/fixtures/subflow.json"),
    ),
    (
        Shape::Snippet,
        include_str!("../../tests/fixtures/snippet.json"),
    ),
    (
        Shape::Graph,
        include_str!("../../tests/fixtures/graph.json"),
    ),
    (
        Shape::PlaceholderTemplate,
        include_str!("../../tests/fixtures/placeholder_template.json"),
    ),
];

fn fixture(shape: Shape) -> Loaded {
    let (_, text) = SHAPES.iter().find(|(one, _)| *one == shape).unwrap();
    load(text).unwrap()
}

fn written(workflow: &Workflow) -> String {
    serde_json::to_string_pretty(workflow).unwrap()
}

/// The code and the pointer of what is said.
fn said(diagnostics: &[Diagnostic]) -> Vec<(&str, &str)> {
    diagnostics
        .iter()
        .map(|one| (one.code.as_str(), one.pointer.as_str()))
        .collect()
}

#[test]
fn every_shape_is_recognised() {
    for (shape, text) in SHAPES {
        assert_eq!(load(text).unwrap().shape, shape);
    }
}

#[test]
fn importing_any_shape_loses_nothing_and_leaves_nothing_to_repair() {
    for (shape, text) in SHAPES {
        let first = load(text).unwrap();
        let again = load(&written(&first.workflow)).unwrap();
        assert_eq!(again.workflow, first.workflow, "{shape:?}");
        assert_eq!(said(&again.diagnostics), [], "{shape:?}");
        // And what the graph says does not depend on where it was written.
        let codes = |loaded: &Loaded| -> Vec<Code> {
            structure::check(loaded)
                .iter()
                .map(|one| one.code)
                .collect()
        };
        assert_eq!(codes(&again), codes(&first), "{shape:?}");
    }
}

#[test]
fn every_pointer_leads_to_something_in_the_given_file() {
    for (shape, text) in SHAPES {
        let file: Value = serde_json::from_str(text).unwrap();
        let loaded = load(text).unwrap();
        let normal: Value = serde_json::from_str(&written(&loaded.workflow)).unwrap();
        assert!(!loaded.diagnostics.is_empty(), "{shape:?}");
        for diagnostic in loaded.diagnostics.iter().chain(&structure::check(&loaded)) {
            let at = &diagnostic.pointer;
            assert!(
                file.pointer(at.as_str()).is_some(),
                "{shape:?}: {diagnostic:?}"
            );
            assert!(!diagnostic.fix.is_empty());
        }
        for node in &loaded.workflow.nodes {
            for key in ["node_type", "config"] {
                let place = crate::pointer::Pointer::root()
                    .child("nodes")
                    .child(&node.id)
                    .child(key);
                let given = loaded.origins.locate(&place);
                assert!(file.pointer(given.as_str()).is_some(), "{shape:?}: {given}");
                assert!(normal.pointer(place.as_str()).is_some());
            }
        }
    }
}

#[test]
fn every_fixture_has_the_same_things_as_the_file_it_was_read_from() {
    let counts: Vec<_> = SHAPES
        .iter()
        .map(|(_, text)| {
            let workflow = load(text).unwrap().workflow;
            (
                workflow.nodes.len(),
                workflow.connections.len(),
                workflow.variables.len(),
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            (4, 3, 3),
            (2, 1, 0),
            (3, 2, 1),
            (2, 1, 2),
            (5, 5, 3),
            (4, 4, 1),
            (2, 2, 0),
            (2, 1, 0),
            (2, 1, 0),
            (2, 1, 2),
        ]
    );
}

#[test]
fn shape_a_keeps_what_it_does_not_know() {
    let workflow = fixture(Shape::Workflow).workflow;
    assert_eq!(workflow.metadata.extra["department"], "Reception");
    assert_eq!(
        workflow.nodes.get("LogNode_2a2b3c4d").unwrap().extra["note"],
        "switched off in summer"
    );
    assert_eq!(workflow.connections[2].extra["color"], "grey");
    assert_eq!(workflow.variables.get("hour").unwrap().extra["unit"], "h");
    assert_eq!(workflow.settings.extra["theme"], "dark");
    assert_eq!(workflow.extra["frames"], json!([]));
}

#[test]
fn shape_a_drops_editor_state_and_honours_disabled() {
    let workflow = fixture(Shape::Workflow).workflow;
    let config = &workflow.nodes.get("IfNode_1a2b3c4d").unwrap().config;
    assert_eq!(json!(config), json!({"expression": "{{hour}} < 12"}));
    let off = workflow.nodes.get("LogNode_2a2b3c4d").unwrap();
    assert!(off.disabled);
    assert!(!off.config.contains_key("_disabled"));
    assert_eq!(json!(off)["config"]["_disabled"], true);
}

#[test]
fn positions_keep_their_last_bit() {
    let workflow = fixture(Shape::Workflow).workflow;
    let start = workflow.nodes.get("StartNode_0a1b2c3d").unwrap();
    assert_eq!(start.position, Some([12.25, 0.30000000000000004]));
}

#[test]
fn flat_lists_become_nodes_under_their_ids_in_order() {
    let workflow = fixture(Shape::FlatList).workflow;
    let ids: Vec<&str> = workflow.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["start_1", "set_1", "3"]);
    assert_eq!(workflow.metadata.name, "Flat");
    assert_eq!(workflow.connections[1].target_node, "3");
    assert_eq!(
        workflow.variables.get("greeting").unwrap().default_value,
        "Hello"
    );
}

#[test]
fn scenarios_give_variables_their_values_and_the_time_limit() {
    let workflow = fixture(Shape::Scenario).workflow;
    assert_eq!(
        workflow.variables.get("folder").unwrap().default_value,
        "/srv/invoices"
    );
    assert_eq!(
        workflow.variables.get("customer").unwrap().default_value,
        42
    );
    assert_eq!(workflow.settings.timeout, Some(90.0));
    assert_eq!(workflow.metadata.name, "Invoices");
    let wrapper = workflow.wrapper.unwrap();
    assert_eq!(wrapper.shape, Shape::Scenario);
    assert_eq!(wrapper.keys["credential_bindings"]["mail"], "cred_1");
}

#[test]
fn parameters_of_templates_become_variables() {
    let workflow = fixture(Shape::Template).workflow;
    let url = workflow.variables.get("url").unwrap();
    assert!(url.required && url.default_value.is_null());
    assert_eq!(workflow.variables.get("rounds").unwrap().default_value, 3);
    assert_eq!(
        workflow.variables.get("round").unwrap().scope.as_deref(),
        Some("local")
    );
    assert_eq!(workflow.settings.timeout, Some(0.0));
    assert_eq!(workflow.settings.retry_count, Some(3));
}

#[test]
fn placeholders_become_required_variables() {
    let workflow = fixture(Shape::PlaceholderTemplate).workflow;
    let page = workflow.variables.get("page_url").unwrap();
    assert!(page.required);
    assert_eq!(page.description.as_deref(), Some("Address of the page"));
}

#[test]
fn starters_have_their_ports_and_settings_translated() {
    let workflow = fixture(Shape::Starter).workflow;
    let ports: Vec<(&str, &str)> = workflow
        .connections
        .iter()
        .map(|one| (one.source_port.as_str(), one.target_port.as_str()))
        .collect();
    assert_eq!(
        ports,
        [
            ("exec_out", "exec_in"),
            ("body", "exec_in"),
            ("exec_out", "exec_in"),
            ("current_item", "message"),
        ]
    );
    assert_eq!(workflow.settings.stop_on_error, Some(false));
    assert_eq!(workflow.settings.timeout, Some(120.0));
    let input = workflow.variables.get("input_path").unwrap();
    assert_eq!(input.data_type.as_deref(), Some("String"));
    assert!(input.required);
}

#[test]
fn subflows_and_snippets_have_an_interface() {
    let subflow = fixture(Shape::Subflow).workflow;
    assert_eq!(subflow.metadata.id.as_deref(), Some("subflow_0123456789ab"));
    let interface = subflow.interface.unwrap();
    assert_eq!(
        interface.outputs.unwrap()[0].internal_node_id.as_deref(),
        Some("1")
    );
    assert_eq!(
        interface.parameters.unwrap()[0]
            .internal_property_name
            .as_deref(),
        Some("sheet")
    );

    let snippet = fixture(Shape::Snippet).workflow;
    assert_eq!(
        snippet.interface.unwrap().entry_node_ids,
        ["MessageBoxNode_1"]
    );
    assert!(snippet.nodes.get("WaitNode_2").unwrap().position.is_some());
    assert!(!snippet.extra.contains_key("node_positions"));
}

#[test]
fn graphs_have_the_classes_of_their_paths() {
    let workflow = fixture(Shape::Graph).workflow;
    assert_eq!(workflow.nodes.get("node_log").unwrap().node_type, "LogNode");
    assert_eq!(workflow.connections[0].source_node, "node_start");
}

#[test]
fn what_is_no_workflow_is_refused_with_advice() {
    let broken = load("{\n  \"nodes\": {,}\n}").unwrap_err();
    assert!(matches!(broken, LoadError::NotJson { .. }));
    assert!(broken.to_string().contains("line 2 column"), "{broken}");

    let list = load("[1]").unwrap_err();
    assert!(
        list.to_string().starts_with("the file holds a list"),
        "{list}"
    );

    let other = load(r#"{"dependencies": {}, "name": "package"}"#).unwrap_err();
    assert!(
        other
            .to_string()
            .contains("it has `dependencies`, `name`, and neither"),
        "{other}"
    );

    assert!(load(r#"{"nodes": 5}"#).is_err());
    assert!(load(r#"{"nodes": {}} {}"#).is_err());
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert!(load("\u{feff}{\"nodes\": {}}").is_ok());
}

#[test]
fn nothing_that_is_json_makes_the_loader_fail_otherwise() {
    let odd = [
        json!(null),
        json!(1.5),
        json!("text"),
        json!([1, {}]),
        json!({"a": null}),
        json!(true),
    ];
    let keys = [
        "metadata",
        "nodes",
        "connections",
        "variables",
        "settings",
        "inputs",
        "outputs",
        "parameters",
        "entry_node_ids",
        "node_positions",
        "execution_settings",
        "wrapper",
        "default_variables",
        "placeholders",
        "variable_values",
        "default_settings",
        "$schema_version",
        "name",
    ];
    for (shape, text) in SHAPES {
        let file: Value = serde_json::from_str(text).unwrap();
        for key in keys {
            for value in &odd {
                for inside in [None, shape.body_key()] {
                    let mut file = file.clone();
                    let place = match inside {
                        Some(inside) => &mut file[inside],
                        None => &mut file,
                    };
                    place[key] = value.clone();
                    // What could be read without an error can be written and read again.
                    if let Ok(first) = load(&file.to_string())
                        && first.is_complete()
                    {
                        let again = load(&written(&first.workflow)).unwrap();
                        assert_eq!(
                            again.workflow, first.workflow,
                            "{shape:?} {inside:?} {key} {value}"
                        );
                    }
                }
            }
        }
    }
}
