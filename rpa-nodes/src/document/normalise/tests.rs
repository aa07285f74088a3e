use serde_json::{Value, json};

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::document::{Loaded, Workflow, load};
use crate::pointer::Pointer;

fn loaded(value: &Value) -> Loaded {
    load(&value.to_string()).unwrap()
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

/// A workflow with one connection from a start to a log node, and something changed in it.
fn changed(change: impl FnOnce(&mut Value)) -> Loaded {
    let mut file = json!({
        "metadata": {"name": "Small"},
        "nodes": {
            "a": {"node_id": "a", "node_type": "StartNode", "config": {}},
            "b": {"node_id": "b", "node_type": "LogNode", "config": {}}
        },
        "connections": [
            {"source_node": "a", "source_port": "exec_out", "target_node": "b", "target_port": "exec_in"}
        ]
    });
    change(&mut file);
    loaded(&file)
}

#[test]
fn properties_that_are_named_like_editor_state_stay() {
    let config = json!({"name": "session", "status": 404, "node_id": "b"});
    let loaded = changed(|file| file["nodes"]["a"]["config"] = config.clone());
    assert_eq!(
        json!(loaded.workflow.nodes.get("a").unwrap().config),
        config
    );
}

#[test]
fn ports_named_in_and_out_are_left_alone_outside_of_starters() {
    let loaded = changed(|file| file["connections"][0]["target_port"] = json!("in"));
    assert_eq!(loaded.workflow.connections[0].target_port, "in");
}

#[test]
fn ids_can_stand_with_the_editor_fields_of_a_node() {
    let file = json!({
        "metadata": {"name": "Child"},
        "nodes": [{"type": "StartNode", "custom": {"node_id": "one"}, "properties": {}}]
    });
    assert!(loaded(&file).workflow.nodes.contains("one"));
}

#[test]
fn repairs_of_renamed_fields_point_at_the_old_name() {
    let file = json!({
        "name": 7,
        "nodes": [{"id": "a", "type": "StartNode", "display_name": true}],
        "connections": [{"from_node": 1, "from_port": "exec_out", "to_node": "a", "to_port": "exec_in"}]
    });
    let pointers: Vec<String> = loaded(&file)
        .diagnostics
        .into_iter()
        .filter(|one| one.code == Code::ValueConverted)
        .map(|one| one.pointer.to_string())
        .collect();
    assert_eq!(
        pointers,
        ["/name", "/nodes/0/display_name", "/connections/0/from_node"]
    );
}

#[test]
fn what_has_to_be_left_out_is_an_error() {
    let file = json!({
        "metadata": {"name": "Broken"},
        "nodes": [
            {"id": "a", "type": "StartNode"},
            {"id": "a", "type": "LogNode"},
            {"type": "LogNode"},
            "LogNode",
            {"id": "b"}
        ],
        "connections": [
            {"source_node": "a", "source_port": "exec_out", "target_node": "b"},
            ["a", "b"],
            {"from_node": "a", "from_port": "exec_out", "to_node": "b", "to_port": "exec_in"}
        ],
        "settings": [],
        "variables": 5
    });
    let loaded = loaded(&file);
    let errors: Vec<Diagnostic> = loaded
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .cloned()
        .collect();
    assert_eq!(
        said(&errors),
        [
            ("DUPLICATE_NODE_ID", "/nodes/1"),
            ("MISSING_REQUIRED_FIELD", "/nodes/2"),
            ("INVALID_TYPE", "/nodes/3"),
            ("MISSING_REQUIRED_FIELD", "/nodes/4"),
            ("MISSING_REQUIRED_FIELD", "/connections/0"),
            ("INVALID_TYPE", "/connections/1"),
            ("INVALID_TYPE", "/variables"),
            ("INVALID_TYPE", "/settings"),
        ]
    );
    assert!(!loaded.is_complete());
    assert_eq!(
        loaded.workflow.nodes.get("a").unwrap().node_type,
        "StartNode"
    );
    // The connection that is left moved up, and is still found where it stood.
    let place = Pointer::root()
        .child("connections")
        .child(0)
        .child("source_node");
    assert_eq!(
        loaded.origins.locate(&place).as_str(),
        "/connections/2/from_node"
    );
}

#[test]
fn keys_that_are_there_twice_are_told() {
    let text = r#"{"metadata": {"name": "A", "name": "B"}, "nodes": {
        "a": {"node_type": "StartNode", "config": {"x/y": 1, "x/y": 2}},
        "a": {"node_type": "EndNode", "config": {}}}}"#;
    let loaded = load(text).unwrap();
    assert_eq!(
        said(&loaded.diagnostics),
        [
            ("DUPLICATE_KEY", "/metadata/name"),
            ("DUPLICATE_KEY", "/nodes/a/config/x~1y"),
            ("DUPLICATE_NODE_ID", "/nodes/a"),
        ]
    );
    assert_eq!(loaded.workflow.metadata.name, "B");
    assert_eq!(loaded.workflow.nodes.get("a").unwrap().node_type, "EndNode");
}

#[test]
fn the_key_of_a_node_wins_over_what_it_says() {
    let loaded = changed(|file| file["nodes"]["b"]["node_id"] = json!("other"));
    assert_eq!(
        said(&loaded.diagnostics),
        [("NODE_ID_MISMATCH", "/nodes/b/node_id")]
    );
    assert!(loaded.workflow.nodes.contains("b"));
}

#[test]
fn names_are_checked() {
    for (name, code) in [
        (json!(null), "MISSING_NAME"),
        (json!("  "), "BLANK_NAME"),
        (json!("n".repeat(101)), "NAME_LONG"),
        (json!("n".repeat(256)), "NAME_TOO_LONG"),
        (json!({}), "INVALID_TYPE"),
    ] {
        let loaded = changed(|file| file["metadata"]["name"] = name);
        let codes: Vec<&str> = loaded
            .diagnostics
            .iter()
            .map(|one| one.code.as_str())
            .collect();
        assert_eq!(codes, [code]);
    }
}

#[test]
fn another_format_version_is_a_warning() {
    let loaded = changed(|file| file["metadata"]["schema_version"] = json!("2.1.0"));
    assert_eq!(
        said(&loaded.diagnostics),
        [("SCHEMA_VERSION_MISMATCH", "/metadata/schema_version")]
    );
}

#[test]
fn values_that_cannot_be_used_are_kept_and_told() {
    let loaded = changed(|file| {
        file["metadata"]["tags"] = json!("daily");
        file["settings"] = json!({"timeout": -1, "retry_count": "2", "stop_on_error": "perhaps"});
        file["nodes"]["b"]["position"] = json!([1]);
    });
    assert_eq!(
        said(&loaded.diagnostics),
        [
            ("IGNORED_VALUE", "/metadata/tags"),
            ("INVALID_POSITION", "/nodes/b"),
            ("IGNORED_VALUE", "/settings/stop_on_error"),
            ("IGNORED_VALUE", "/settings/timeout"),
            ("VALUE_CONVERTED", "/settings/retry_count"),
        ]
    );
    assert_eq!(loaded.workflow.settings.retry_count, Some(2));
    let again = load(&written(&loaded.workflow)).unwrap();
    assert_eq!(again.workflow, loaded.workflow);
}

#[test]
fn objects_are_values_of_variables_unless_they_are_declarations() {
    let loaded = changed(|file| {
        file["variables"] = json!({
            "declared": {"type": "Integer"},
            "also": {"default_value": {"type": "x"}, "anything": 1},
            "value": {"type": "x", "amount": 1},
            "empty": {}
        });
    });
    let value = |name: &str| {
        loaded
            .workflow
            .variables
            .get(name)
            .unwrap()
            .default_value
            .clone()
    };
    assert_eq!(value("declared"), json!(null));
    assert_eq!(value("also"), json!({"type": "x"}));
    assert_eq!(value("value"), json!({"type": "x", "amount": 1}));
    assert_eq!(value("empty"), json!({}));
    let again = load(&written(&loaded.workflow)).unwrap();
    assert_eq!(again.workflow, loaded.workflow);
}

#[test]
fn messages_never_show_values_of_configs_and_variables() {
    let file = json!({
        "$schema_version": "1.0.0",
        "workflow": {
            "metadata": {"name": "Mail"},
            "nodes": [{"id": "a", "type": "SendEmailNode", "properties":
                {"password": "hunter2", "_disabled": "hunter2", "status": "hunter2"}}],
            "variables": {"key": "hunter2"},
            "settings": {"timeout": "hunter2"}
        },
        "variable_values": {"key": "hunter2"}
    });
    let loaded = loaded(&file);
    assert!(!format!("{:?}", loaded.diagnostics).contains("hunter2"));
}

#[test]
fn the_value_of_a_parameter_wins_over_that_of_a_variable() {
    let file = json!({
        "parameters": [
            {"name": "rounds", "default_value": 5, "required": true},
            {"name": "url", "default_value": null},
            7
        ],
        "workflow_definition": {
            "metadata": {"name": "Poll"},
            "nodes": {"s": {"node_type": "StartNode"}},
            "variables": {"rounds": {"type": "Integer", "default_value": 1}, "url": {"default_value": "local"}}
        }
    });
    let loaded = loaded(&file);
    let rounds = loaded.workflow.variables.get("rounds").unwrap();
    assert_eq!(rounds.default_value, 5);
    assert!(rounds.required);
    assert_eq!(
        loaded.workflow.variables.get("url").unwrap().default_value,
        "local"
    );
    assert!(said(&loaded.diagnostics).contains(&("IGNORED_VALUE", "/parameters/2")));
}

#[test]
fn what_an_editor_keeps_under_custom_is_config() {
    let file = json!({"graph": {
        "nodes": [{
            "id": "a", "type": "nodes.LogNode", "properties": {"message": "kept"},
            "custom": {"node_id": "a", "message": "other", "level": "info"},
        }, {"id": "b", "type": "nodes.LogNode", "custom": {"message": "all"}}],
        "connections": [],
    }});
    let loaded = loaded(&file);
    let config = |id: &str| Value::Object(loaded.workflow.nodes.get(id).unwrap().config.clone());
    assert_eq!(config("a"), json!({"message": "kept", "level": "info"}));
    assert_eq!(config("b"), json!({"message": "all"}));
    let said = loaded
        .diagnostics
        .iter()
        .filter(|one| one.message.contains("`custom` was read"));
    assert_eq!(said.count(), 2);
}

#[test]
fn a_parameter_may_call_its_default_value_default() {
    let file = json!({
        "parameters": [{"name": "limit", "default": 3}, {"name": "both", "default_value": 1, "default": 2}],
        "workflow_definition": {"metadata": {"name": "T"}, "nodes": {}, "connections": []},
    });
    let variables = loaded(&file).workflow.variables;
    assert_eq!(variables.get("limit").unwrap().default_value, 3);
    assert_eq!(variables.get("both").unwrap().default_value, 1);
}
