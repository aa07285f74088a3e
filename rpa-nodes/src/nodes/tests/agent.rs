//! An agent with a real endpoint and real files.

use std::fs;

use serde_json::{Value, json};

use super::llm::{endpoint, said};
use super::run_in;
use crate::run::Result as RunResult;

type Answer = (u16, &'static str, Value);

/// A model that calls tools: their names, and what they are given.
fn calls(tools: &[(&str, Value)]) -> Answer {
    let calls = tools.iter().enumerate().map(|(place, (name, arguments))| {
        json!({"id": format!("call-{place}"), "type": "function",
            "function": {"name": name, "arguments": arguments.to_string()}})
    });
    let calls: Vec<Value> = calls.collect();
    let body = json!({"model": "small-1", "usage": {"total_tokens": 5},
        "choices": [{"message": {"role": "assistant", "content": null, "tool_calls": calls}, "finish_reason": "tool_calls"}]});
    (200, "", body)
}

fn act(
    folder: &std::path::Path,
    mut config: Value,
    answers: Vec<Answer>,
) -> (RunResult, Vec<Value>) {
    let (url, asked) = endpoint(answers);
    config["base_url"] = url.into();
    let result = run_in(folder, "AIAgentNode", config, json!({}));
    (result, asked.try_iter().map(|(_, body)| body).collect())
}

#[test]
fn an_agent_uses_tools_until_it_has_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.txt"), "12 loaves").unwrap();
    let config = json!({"goal": "Double the loaves.", "context": {"file": "in.txt"},
        "available_tools": "read_file, EvalExpressionNode, WriteFileNode, SetVariableNode"});
    let answers = vec![
        calls(&[("read_file", json!({"file_path": "in.txt"}))]),
        calls(&[
            ("EvalExpressionNode", json!({"expression": "12 * 2"})),
            (
                "SetVariableNode",
                json!({"variable_name": "loaves", "value": 24}),
            ),
        ]),
        calls(&[(
            "WriteFileNode",
            json!({"file_path": "out.txt", "content": "24 loaves"}),
        )]),
        said("{\"loaves\": 24}"),
    ];

    let (result, asked) = act(folder.path(), config, answers);

    assert!(result.success, "{:?}", result.error);
    let given = &result.outputs["n"];
    assert_eq!(given["result"], json!({"loaves": 24}));
    assert_eq!(
        (&given["step_count"], &given["total_tokens"]),
        (&json!(4), &json!(22))
    );
    assert_eq!(given["steps_taken"][0]["result"]["content"], "12 loaves");
    assert_eq!(given["steps_taken"][1]["result"]["result"], 24);
    assert_eq!(result.variables["loaves"], 24);
    assert_eq!(
        fs::read_to_string(folder.path().join("out.txt")).unwrap(),
        "24 loaves"
    );
    // The model is told what there is, and what each tool gave.
    let tools = asked[0]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "read_file",
            "EvalExpressionNode",
            "WriteFileNode",
            "SetVariableNode"
        ]
    );
    assert_eq!(
        tools[0]["function"]["parameters"]["required"],
        json!(["file_path"])
    );
    let messages = asked[3]["messages"].as_array().unwrap();
    let told = messages.iter().filter(|message| message["role"] == "tool");
    let told: Vec<&Value> = told.collect();
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["tool_call_id"], "call-0");
    assert!(told[0]["content"].as_str().unwrap().contains("12 loaves"));
    assert!(
        messages[1]["content"].as_str().unwrap().contains("in.txt"),
        "{messages:?}"
    );
}

#[test]
fn an_agent_is_told_what_went_wrong_and_may_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"goal": "Read it.", "available_tools": ["read_file"]});
    let answers = vec![
        calls(&[("read_file", json!({"file_path": "nowhere.txt"}))]),
        calls(&[
            ("delete_all", json!({})),
            ("read_file", json!({"path_of_file": 1})),
        ]),
        said("There is no such file."),
    ];

    let (result, asked) = act(folder.path(), config, answers);

    assert!(result.success, "{:?}", result.error);
    let given = &result.outputs["n"];
    assert_eq!(given["result"], "There is no such file.");
    let errors: Vec<&str> = given["steps_taken"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["error"].as_str().unwrap())
        .collect();
    assert!(errors[0].starts_with("FileNotFoundError"), "{errors:?}");
    assert!(
        errors[1].contains("there is no tool `delete_all`"),
        "{errors:?}"
    );
    assert!(errors[2].contains("no input `path_of_file`"), "{errors:?}");
    let told = asked[1]["messages"].as_array().unwrap().last().unwrap();
    assert!(
        told["content"]
            .as_str()
            .unwrap()
            .starts_with("failed: FileNotFoundError")
    );
}

#[test]
fn an_agent_has_no_other_tools_than_those_it_is_given_and_no_end_of_tries() {
    let folder = tempfile::tempdir().unwrap();
    for (tool, expected) in [
        ("LaunchBrowserNode", "is no tool"),
        ("AIAgentNode", "is no tool"),
        ("ExecuteQueryNode", "is no tool"),
        ("IfNode", "is no tool"),
        ("InputDialogNode", "is no tool"),
    ] {
        let (result, asked) = act(
            folder.path(),
            json!({"goal": "g", "available_tools": [tool]}),
            vec![],
        );
        assert!(result.error.unwrap().contains(expected), "{tool}");
        assert!(asked.is_empty(), "{tool}");
    }
    // Programs are run only where the host lets them.
    let config = json!({"goal": "g", "available_tools": ["run_command"]});
    let answers = vec![
        calls(&[("run_command", json!({"command": "touch done"}))]),
        said("ok"),
    ];
    let (result, _) = act(folder.path(), config, answers);
    let step = &result.outputs["n"]["steps_taken"][0];
    assert!(
        step["error"].as_str().unwrap().contains("--allow-commands"),
        "{step}"
    );
    assert!(!folder.path().join("done").exists());

    let again = || calls(&[("calculate", json!({"expression": "1 + 1"}))]);
    let config = json!({"goal": "g", "available_tools": ["calculate"], "max_steps": 2});
    let (result, asked) = act(folder.path(), config, vec![again(), again(), again()]);
    let error = result.error.unwrap();
    assert!(
        error.starts_with("AgentError") && error.contains("`max_steps` times, 2"),
        "{error}"
    );
    assert_eq!(asked.len(), 2);
}

#[test]
fn nobody_knows_after_a_crash_what_an_agent_did_unless_its_tools_only_read() {
    let node_type = crate::catalogue::catalogue().get("AIAgentNode").unwrap();
    assert!(node_type.doubts.is_some());
    assert_eq!(node_type.effect.letter(), 'X');
}
