//! Nodes that run other workflows, as children of the run.

use serde_json::json;

use crate::catalogue::{Kind, NodeType};

const MODES: &[&str] = &["sync", "async"];

pub(super) fn types() -> Vec<NodeType> {
    let child = |name, summary| {
        NodeType::child(name, summary)
            .open()
            .exits(&["exec_out", "error"])
            .output("success", Kind::Boolean)
            .output("job_id", Kind::Text)
            .output("error", Kind::Text)
            .output("outputs", Kind::Dict)
    };
    vec![
        child(
            "SubflowNode",
            "Runs a subflow as a child of the run. Its inputs are ports and properties of this node, its outputs are ports.",
        )
        .input("subflow_path", Kind::Text)
        .input("subflow_id", Kind::Text)
        .key("path", "subflow_path"),
        child(
            "CallSubworkflowNode",
            "Runs another workflow as a child of the run: `sync` waits for it, `async` does not and gives its id.",
        )
        .needs("subworkflow_id", Kind::Text)
        .input_or("execution_mode", Kind::Choice(MODES), "sync")
        .property("wait_for_result", Kind::Boolean, true)
        .property("timeout_seconds", Kind::Float, json!(300))
        .property("poll_interval", Kind::Float, json!(5))
        .output("execution_time_ms", Kind::Integer),
        child("ExecuteWorkflowNode", "Runs another workflow file as a child of the run.")
            .needs("workflow_path", Kind::Text)
            .property("wait_for_completion", Kind::Boolean, true),
        NodeType::compute("SubflowInputNode", "What a subflow takes under the name `port_name`.", |call| {
            let value = call.variable(&call.text("port_name")).cloned();
            call.give("value", value.unwrap_or_default());
            Ok(())
        })
        .property("port_name", Kind::Text, "input")
        .output("value", Kind::Any),
        NodeType::compute("SubflowOutputNode", "What a subflow gives under the name `port_name`.", |call| {
            let value = call.value("value");
            call.give("value", value);
            Ok(())
        })
        .property("port_name", Kind::Text, "output")
        .input("value", Kind::Any)
        .output("value", Kind::Any),
    ]
}
