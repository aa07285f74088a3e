use serde_json::{Value, json};

use super::{check, fails, gives, run, run_in};
use crate::document;
use crate::host::Host;
use crate::run::{Request, run_ephemeral};

/// Runs one node by somebody who lets it start programs.
fn allowed(node_type: &str, config: Value) -> crate::run::Result {
    let document = json!({
        "metadata": {"name": "t"}, "connections": [],
        "nodes": {"n": {"node_id": "n", "node_type": node_type, "config": config}},
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(
        &loaded.workflow,
        &Default::default(),
        std::path::Path::new("/"),
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let host = Host {
        allow_commands: true,
        ..Host::default()
    };
    runtime.block_on(run_ephemeral(&request, &host)).unwrap()
}

#[test]
fn programs_run_only_where_that_is_allowed() {
    assert!(fails("RunCommandNode", json!({"command": "echo hello"})).contains("--allow-commands"));
    assert!(
        fails("RunPythonScriptNode", json!({"code": "result = 1"})).contains("--allow-commands")
    );
    let said = allowed(
        "RunCommandNode",
        json!({"command": "echo", "args": ["a b", "c"]}),
    );
    assert_eq!(said.outputs["n"]["stdout"], "a b c\n");
    let shell = allowed(
        "RunCommandNode",
        json!({"command": "echo $CARGO_MANIFEST_DIR.; exit 3", "shell": true}),
    );
    assert_eq!(
        (
            &shell.outputs["n"]["stdout"],
            &shell.outputs["n"]["return_code"]
        ),
        (&json!(".\n"), &json!(3))
    );
    let slow = allowed(
        "RunCommandNode",
        json!({"command": "sleep 60", "timeout": 0.05}),
    );
    assert!(slow.error.unwrap().starts_with("TimeoutError: "));
    let missing = allowed("RunCommandNode", json!({"command": "no-such-program"}));
    assert!(missing.error.unwrap().starts_with("FileNotFoundError: "));
    let script = allowed(
        "RunPythonScriptNode",
        json!({"code": "print('hi')\nresult = x * 2", "variables": {"x": 21}}),
    );
    assert_eq!(
        (
            &script.outputs["n"]["result"],
            &script.outputs["n"]["output"]
        ),
        (&json!(42), &json!("hi\n"))
    );
    let wrong = allowed("RunPythonScriptNode", json!({"code": "1 / 0"}));
    assert_eq!(wrong.outputs["n"]["success"], false);
    assert!(
        wrong.outputs["n"]["error"]
            .as_str()
            .unwrap()
            .contains("ZeroDivisionError")
    );
}

#[test]
fn javascript_runs_in_a_box_and_hurts_only_its_node() {
    check(
        "RunJavaScriptNode",
        &[
            (
                json!({"code": "input_data.rows.map((row) => row * 2)", "input_data": {"rows": [1, 2.5]}}),
                json!({"result": [2, 5], "success": true, "error": ""}),
            ),
            (
                json!({"script": "console.log('a'); console.log('b')"}),
                json!({"result": "a\nb", "output": "a\nb"}),
            ),
            (
                json!({"code": "let a = 1;\nb + a"}),
                json!({"success": false, "error": "ReferenceError: b is not defined (line 2)", "result": null}),
            ),
        ],
    );
    let endless = run(
        "RunJavaScriptNode",
        json!({"code": "for (;;) {}", "timeout": 0.2}),
    );
    assert_eq!(endless.failed_node_id.as_deref(), Some("n"));
    let error = endless.error.unwrap();
    assert_eq!(
        error,
        "TimeoutError: the script took longer than 0.2 s; raise `timeout`, or let it do less"
    );
    let bomb = json!({"code": "const all = []; for (;;) all.push(new Array(1e5).fill(0.5))"});
    assert!(fails("RunJavaScriptNode", bomb).starts_with("MemoryError: "));
    // The limit that the workflow has for its nodes stops the script itself, not only the wait for it.
    let document = json!({
        "metadata": {"name": "t"}, "connections": [], "settings": {"timeout": 0.2},
        "nodes": {"n": {"node_id": "n", "node_type": "RunJavaScriptNode", "config": {"code": "for (;;) {}"}}},
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let folder = std::path::Path::new("/");
    let request = Request::new(&loaded.workflow, &Default::default(), folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let limited = runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap();
    assert!(limited.error.unwrap().starts_with("TimeoutError: "));
    // A thread that went on would hold the runtime up.
    let begun = std::time::Instant::now();
    drop(runtime);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn the_machine_tells_of_itself() {
    check(
        "Base64Node",
        &[
            (json!({"input_text": "grün"}), json!({"output": "Z3LDvG4="})),
            (
                json!({"action": "decode", "input_text": "Z3LDvG4="}),
                json!({"output": "grün"}),
            ),
        ],
    );
    assert_eq!(
        gives("EnvironmentVariableNode", json!({"var_name": "PATH"}))["exists"],
        true
    );
    assert_eq!(
        gives("EnvironmentVariableNode", json!({"var_name": "RPA_KEY"}))["exists"],
        false
    );
    assert!(
        fails(
            "EnvironmentVariableNode",
            json!({"action": "set", "var_name": "X"})
        )
        .contains("SetVariableNode")
    );
    assert_eq!(
        gives("SystemInfoNode", json!({}))["os_name"],
        std::env::consts::OS
    );
    let made = gives("UUIDGeneratorNode", json!({"count": 3}));
    assert_eq!(made["uuids"].as_array().unwrap().len(), 3);
    let folder = tempfile::tempdir().unwrap();
    for level in ["INFO", "ERROR"] {
        let config = json!({"log_file_path": "l.txt", "log_message": "m", "level": level, "add_timestamp": false});
        assert!(run_in(folder.path(), "LogToFileNode", config, json!({})).success);
    }
    let text = std::fs::read_to_string(folder.path().join("l.txt")).unwrap();
    assert_eq!(text, "[INFO] m\n[ERROR] m\n");
}

#[test]
fn workflows_run_others() {
    let folder = tempfile::tempdir().unwrap();
    let inner = json!({
        "$schema_version": "1.0.0", "name": "Twice", "inputs": [], "outputs": [],
        "nodes": {
            "in": {"node_id": "in", "type": "SubflowInputNode", "properties": {"port_name": "number"}},
            "sum": {"node_id": "sum", "type": "MathOperationNode", "properties": {"operation": "multiply", "b": 2}},
            "out": {"node_id": "out", "type": "SubflowOutputNode", "properties": {"port_name": "double"}},
        },
        "connections": [
            {"source_node": "in", "source_port": "value", "target_node": "sum", "target_port": "a"},
            {"source_node": "sum", "source_port": "result", "target_node": "out", "target_port": "value"},
        ],
    });
    std::fs::write(folder.path().join("twice.json"), inner.to_string()).unwrap();
    let calls = [
        (
            "SubflowNode",
            json!({"subflow_path": "twice.json", "number": 21}),
        ),
        (
            "CallSubworkflowNode",
            json!({"subworkflow_id": "twice", "number": 21}),
        ),
        (
            "ExecuteWorkflowNode",
            json!({"workflow_path": "twice.json", "number": "21"}),
        ),
    ];
    for (node_type, config) in calls {
        let result = run_in(folder.path(), node_type, config, json!({}));
        assert!(result.success, "{node_type}: {:?}", result.error);
        assert_eq!(result.outputs["n"]["double"], json!(42.0), "{node_type}");
    }
    assert!(
        run("SubflowNode", json!({"subflow_id": "nowhere"}))
            .error
            .unwrap()
            .contains("there is no workflow")
    );
}

#[test]
fn a_workflow_that_others_call_begins_behind_its_trigger() {
    let folder = tempfile::tempdir().unwrap();
    let inner = json!({
        "metadata": {"name": "Called"},
        "nodes": {
            "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
            "call": {"node_id": "call", "node_type": "WorkflowCallTriggerNode", "config": {"call_alias": "called"}},
            "sum": {"node_id": "sum", "node_type": "MathOperationNode", "config": {"operation": "multiply", "a": "{{call.params.number}}", "b": 2}},
            "who": {"node_id": "who", "node_type": "TextCaseNode", "config": {"text": "{{call.caller_node_id}}", "case": "upper"}},
        },
        "connections": [
            {"source_node": "call", "source_port": "exec_out", "target_node": "sum", "target_port": "exec_in"},
            {"source_node": "sum", "source_port": "exec_out", "target_node": "who", "target_port": "exec_in"},
        ],
    });
    std::fs::write(folder.path().join("called.json"), inner.to_string()).unwrap();
    let config = json!({"workflow_path": "called.json", "number": 21});
    let result = run_in(folder.path(), "ExecuteWorkflowNode", config, json!({}));
    assert!(result.success, "{:?}", result.error);
    let given = &result.outputs["n"]["outputs"];
    assert_eq!(given["sum"]["result"], json!(42.0));
    assert_eq!(given["who"]["result"], json!("N"));
}
