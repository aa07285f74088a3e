use std::path::Path;

use serde_json::{Value, json};

use super::{fails, gives, run, run_in};

#[test]
fn variables_are_set_converted_and_counted() {
    for (kind, value, expected) in [
        ("String", json!("7"), json!("7")),
        ("Int32", json!("7.9"), json!(7)),
        ("Float", json!("7"), json!(7.0)),
        ("Boolean", json!("yes"), json!(true)),
        ("Array", json!("a, b"), json!(["a", "b"])),
        ("List", json!("[1]"), json!([1])),
        ("Dict", json!("{'a': 1}"), json!({"a": 1})),
        ("Int32", json!("seven"), json!("seven")),
    ] {
        let result = run(
            "SetVariableNode",
            json!({"variable_name": "x", "value": value, "variable_type": kind}),
        );
        assert_eq!(result.variables["x"], expected, "{kind} {value}");
        let warned = result
            .warnings
            .iter()
            .any(|warning| warning.contains("is no Int32"));
        assert_eq!(warned, value == "seven");
    }
    let default = run(
        "SetVariableNode",
        json!({"variable_name": "x", "default_value": 3}),
    );
    assert_eq!(default.variables["x"], 3);
    let folder = Path::new("/");
    let counted = run_in(
        folder,
        "IncrementVariableNode",
        json!({"variable_name": "n", "increment": "10"}),
        json!({"n": {"default_value": 42}}),
    );
    assert_eq!(counted.variables["n"], json!(52.0));
    let got = run_in(
        folder,
        "GetVariableNode",
        json!({"variable_name": "n", "default_value": "x"}),
        json!({"n": {"default_value": null}}),
    );
    assert_eq!(got.outputs["n"]["value"], "x");
    assert!(fails("SetVariableNode", json!({"value": 1})).contains("`variable_name` has no value"));
}

#[test]
fn messages_are_logged_with_variables_and_data() {
    let folder = Path::new("/");
    let variables = json!({"name": {"default_value": "Ada"}});
    let log = |config: Value| run_in(folder, "LogNode", config, variables.clone()).logs;
    assert_eq!(
        log(json!({"message": "Hi {name}, {{name}}: {\"a\": {x}}"})),
        ["[n] Hi Ada, Ada: {\"a\": {x}}"]
    );
    assert_eq!(
        log(json!({"message": "rows", "data": [1], "include_node_id": false})),
        ["rows: [1]"]
    );
    assert_eq!(log(json!({})), ["[n] "]);
    let entry = run(
        "LogErrorNode",
        json!({"error_message": "m", "error_type": "T", "context": {"a": 1}}),
    );
    assert_eq!(entry.logs, ["[n] T: m"]);
    for (check, parameter, value, is_valid) in [
        ("not_empty", json!(null), json!(""), false),
        ("min_length", json!("3"), json!("abc"), true),
        ("max_value", json!(5), json!("6"), false),
        ("in_list", json!("a, b"), json!("b"), true),
        ("is_email", json!(null), json!("ada@example.org"), true),
        ("matches_regex", json!("^\\d+$"), json!("12a"), false),
    ] {
        let given = gives(
            "ValidateNode",
            json!({"validation_type": check, "validation_param": parameter, "value": value}),
        );
        assert_eq!(given["is_valid"], is_valid, "{check} {value}");
    }
}

#[test]
fn anything_is_converted_or_told_not_to_be() {
    for (how, given, parameter, expected) in [
        ("to_string", json!([1.0]), json!(null), json!("[1.0]")),
        ("to_integer", json!("7.9"), json!(null), json!(7)),
        ("to_float", json!("7"), json!(null), json!(7.0)),
        ("to_boolean", json!("no"), json!(null), json!(false)),
        ("to_list", json!("[1, 2]"), json!(null), json!([1, 2])),
        ("to_json", json!({"a": 1}), json!(null), json!("{\"a\": 1}")),
        ("from_json", json!("[1]"), json!(null), json!([1])),
        ("split", json!("a-b"), json!("-"), json!(["a", "b"])),
        ("join", json!(["a", 1]), json!("+"), json!("a+1")),
        ("replace", json!("aab"), json!("a,x"), json!("xxb")),
        (
            "regex_extract",
            json!("id=42;"),
            json!("id=(\\d+)"),
            json!("42"),
        ),
        (
            "get_key",
            json!({"a": [{"b": 1}]}),
            json!("a[0].b"),
            json!(1),
        ),
        ("get_index", json!([1, 2]), json!("-1"), json!(2)),
    ] {
        let config = json!({"transform_type": how, "value": given, "transform_param": parameter, "variable_name": "x"});
        let result = run("TransformNode", config);
        assert_eq!(result.outputs["n"]["result"], expected, "{how}");
        assert_eq!(result.variables["x"], expected, "{how}");
    }
    let given = gives(
        "TransformNode",
        json!({"transform_type": "to_integer", "value": "seven"}),
    );
    assert_eq!(given["success"], false);
    assert_eq!(given["error"], "a text is no integer");
}

#[test]
fn expressions_have_values_and_types() {
    let result = run_in(
        Path::new("/"),
        "EvalExpressionNode",
        json!({"expression": "{{n}} * 2 + len('{{s}}')"}),
        json!({"n": {"default_value": 4}, "s": {"default_value": "abc"}}),
    );
    assert_eq!(
        result.outputs["n"],
        json!({"type": "int", "result": 11, "success": true, "error": ""})
    );
    let given = gives("EvalExpressionNode", json!({"expression": "1 / 0"}));
    assert_eq!(given["success"], false);
    assert_eq!(given["error"], "division by zero");
}

#[test]
fn a_list_that_a_config_writes_as_json_is_read_before_its_placeholders_are_filled_in() {
    let given = run_in(
        Path::new("/"),
        "ListReverseNode",
        json!({"list": "[\"{{count}}\", \"<{{text}}>\"]"}),
        json!({"count": 3, "text": "a\", \"b"}),
    );
    assert_eq!(given.outputs["n"]["result"], json!(["<a\", \"b>", 3]));
}

#[test]
fn an_assertion_may_be_an_expression() {
    let asserts = |condition: Value| {
        run_in(
            Path::new("/"),
            "AssertNode",
            json!({"condition": condition}),
            json!({"count": 3, "name": "it's"}),
        )
    };
    for holds in [
        "{{count}} == 3",
        "'t' in {{name}} and count > 2",
        "{{count}}",
        "yes",
        "true",
    ] {
        let result = asserts(json!(holds));
        assert!(result.success, "{holds}: {:?}", result.error);
    }
    for fails in ["{{count}} > 3", "false", "0"] {
        let error = asserts(json!(fails)).error.unwrap();
        assert!(error.starts_with("AssertionError"), "{fails}: {error}");
    }
}
