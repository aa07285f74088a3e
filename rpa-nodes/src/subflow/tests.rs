use serde_json::json;

use super::*;
use crate::host::Host;
use crate::run::run_ephemeral;

/// A subflow that calculates with its two inputs; how is a parameter.
fn calculation() -> Workflow {
    let file = json!({
        "$schema_version": "1.0.0", "name": "Calculation",
        "inputs": [
            {"name": "left", "required": true, "internal_node_id": "m", "internal_port_name": "a"},
            {"name": "right", "default_value": 5, "internal_node_id": "m", "internal_port_name": "b"},
        ],
        "outputs": [],
        "parameters": [
            {"name": "how", "internal_node_id": "m", "internal_property_name": "operation", "default_value": "add"},
        ],
        "nodes": {"m": {"node_id": "m", "type": "MathOperationNode", "properties": {}}},
        "connections": [],
    });
    document::load(&file.to_string()).unwrap().workflow
}

fn alone(given: Value) -> Result<Request, StartError> {
    let given = given.as_object().cloned().unwrap_or_default();
    Request::alone(&calculation(), &given, Path::new("/"))
}

#[tokio::test]
async fn a_subflow_that_is_run_alone_takes_its_inputs_and_parameters_from_variables() {
    for (given, result) in [
        (json!({"left": 1}), 6.0),
        (json!({"left": 2, "right": 4, "how": "multiply"}), 8.0),
    ] {
        let request = alone(given).unwrap();
        let done = run_ephemeral(&request, &Host::default()).await.unwrap();
        assert_eq!(done.outputs["m"]["result"], result);
    }
}

#[test]
fn a_subflow_is_not_run_without_what_it_needs() {
    let missing = alone(json!({"right": 1})).unwrap_err();
    assert!(
        missing.to_string().contains("--var left=VALUE"),
        "{missing}"
    );
}
