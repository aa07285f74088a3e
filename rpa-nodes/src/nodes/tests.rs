//! Each node type by itself: what it gives for what it takes. One workflow of a start and one node is run for each case.

use std::path::Path;

use serde_json::{Value, json};

use crate::catalogue::catalogue;
use crate::document;
use crate::host::Host;
use crate::run::{Request, Result as RunResult, run_ephemeral};

fn run_in(folder: &Path, node_type: &str, config: Value, variables: Value) -> RunResult {
    let document = json!({
        "metadata": {"name": "t"},
        "nodes": {"n": {"node_id": "n", "node_type": node_type, "config": config}},
        "connections": [],
        "variables": variables,
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap()
}

fn run(node_type: &str, config: Value) -> RunResult {
    run_in(Path::new("/"), node_type, config, json!({}))
}

/// What a node gives; its outputs among others may be asked for by name.
fn gives(node_type: &str, config: Value) -> Value {
    let result = run(node_type, config);
    assert!(result.success, "{node_type}: {:?}", result.error);
    result.outputs.get("n").cloned().unwrap_or_default()
}

fn fails(node_type: &str, config: Value) -> String {
    let result = run(node_type, config);
    assert!(
        !result.success,
        "{node_type} succeeded: {:?}",
        result.outputs
    );
    result.error.unwrap()
}

/// Cases of a node type: its config, and some of what it gives.
fn check(node_type: &str, cases: &[(Value, Value)]) {
    for (config, expected) in cases {
        let given = gives(node_type, config.clone());
        for (name, expected) in expected.as_object().unwrap() {
            assert_eq!(
                given.get(name),
                Some(expected),
                "{node_type} {config} gives {name}"
            );
        }
    }
}

#[test]
fn texts_are_taken_apart_and_put_together() {
    check(
        "ConcatenateNode",
        &[(
            json!({"string_1": "a", "string2": 1.0, "separator": "-"}),
            json!({"result": "a-1.0"}),
        )],
    );
    check(
        "FormatStringNode",
        &[(
            json!({"template": "{name:>5}|{n:.1f}", "variables": {"name": "Ada", "n": 2}}),
            json!({"result": "  Ada|2.0"}),
        )],
    );
    check(
        "TextSplitNode",
        &[
            (
                json!({"text": "a,b,c", "separator": ","}),
                json!({"result": ["a", "b", "c"], "count": 3}),
            ),
            (
                json!({"text": "a,b,c", "delimiter": ",", "max_split": "1"}),
                json!({"result": ["a", "b,c"]}),
            ),
            (
                json!({"text": " a  b ", "separator": ""}),
                json!({"result": ["a", "b"]}),
            ),
        ],
    );
    check(
        "TextTrimNode",
        &[
            (json!({"text": "  x "}), json!({"result": "x"})),
            (
                json!({"text": "--x-", "characters": "-", "mode": "left"}),
                json!({"result": "x-"}),
            ),
        ],
    );
    check(
        "TextCaseNode",
        &[
            (
                json!({"text": "hello WORLD", "case": "title"}),
                json!({"result": "Hello World"}),
            ),
            (
                json!({"text": "hello WORLD", "case": "swapcase"}),
                json!({"result": "HELLO world"}),
            ),
            (
                json!({"text": "ÄB", "case": "lower"}),
                json!({"result": "äb"}),
            ),
        ],
    );
    check(
        "TextPadNode",
        &[
            (
                json!({"text": "7", "length": "3", "fill_char": "0"}),
                json!({"result": "007"}),
            ),
            (
                json!({"text": "7", "width": 4, "mode": "center", "pad_char": "*"}),
                json!({"result": "*7**"}),
            ),
        ],
    );
    check(
        "TextReverseNode",
        &[(json!({"text": "aß"}), json!({"result": "ßa"}))],
    );
    check(
        "TextLinesNode",
        &[
            (
                json!({"text": "a\n\nb", "remove_empty": true}),
                json!({"lines": ["a", "b"], "count": 2}),
            ),
            (
                json!({"lines": ["a", 2], "mode": "join", "line_separator": "comma"}),
                json!({"text": "a,2"}),
            ),
        ],
    );
    check(
        "TextSubstringNode",
        &[(
            json!({"text": "hellö", "start": 1, "end": -1}),
            json!({"result": "ell", "length": 3}),
        )],
    );
    check(
        "TextContainsNode",
        &[
            (
                json!({"text": "öLa La", "search": "la", "case_sensitive": false}),
                json!({"contains": true, "position": 1, "count": 2}),
            ),
            (
                json!({"text": "x", "search": "y"}),
                json!({"contains": false, "position": -1, "count": 0}),
            ),
        ],
    );
    check(
        "TextStartsWithNode",
        &[(
            json!({"text": "Hello", "prefix": "he", "case_sensitive": "false"}),
            json!({"result": true}),
        )],
    );
    check(
        "TextEndsWithNode",
        &[(
            json!({"text": "Hello", "suffix": "LO"}),
            json!({"result": false}),
        )],
    );
    check(
        "TextCountNode",
        &[(
            json!({"text": "a b\nc", "mode": "words"}),
            json!({"count": 3}),
        )],
    );
    check(
        "TextJoinNode",
        &[(
            json!({"items": "['a', 1, True]", "separator": "+"}),
            json!({"result": "a+1+True"}),
        )],
    );
}

#[test]
fn patterns_are_those_of_python() {
    check(
        "RegexMatchNode",
        &[(
            json!({"text": "a1 b22", "pattern": "([a-z])(\\d+)"}),
            json!({"match_found": true, "first_match": "a1", "groups": ["a", "1"], "match_count": 2, "all_matches": [["a", "1"], ["b", "22"]]}),
        )],
    );
    check(
        "RegexReplaceNode",
        &[(
            json!({"text": "2026-01-31", "pattern": "(?P<y>\\d+)-(\\d+)-(\\d+)", "replacement": "\\3.\\2.\\g<y>"}),
            json!({"result": "31.01.2026", "count": 1}),
        )],
    );
    check(
        "RegexMatchNode",
        &[(
            json!({"text": "price: 7€", "pattern": "(?<=: )\\d+"}),
            json!({"first_match": "7"}),
        )],
    );
    check(
        "TextExtractNode",
        &[(
            json!({"text": "a=1;b=2", "pattern": "\\w=(\\d)", "all_matches": true}),
            json!({"match": ["1", "2"], "found": true}),
        )],
    );
    check(
        "TextReplaceNode",
        &[
            (
                json!({"text": "a.a.a", "old": "a", "new": "b", "count": 2}),
                json!({"result": "b.b.a", "replacements": 2}),
            ),
            (
                json!({"text": "A.a", "old_value": "a", "new_value": "$1", "ignore_case": true}),
                json!({"result": "$1.$1"}),
            ),
            (
                json!({"text": "x1y2", "old_value": "\\d", "new_value": "", "use_regex": true}),
                json!({"result": "xy", "replacements": 2}),
            ),
        ],
    );
    assert!(
        fails("RegexMatchNode", json!({"text": "a", "pattern": "("})).starts_with("PatternError: ")
    );
}

#[test]
fn numbers_are_calculated_with_as_floats() {
    for (operation, a, b, result) in [
        ("add", "1.5", "2", 3.5),
        ("subtract", "1", "2", -1.0),
        ("divide", "7", "2", 3.5),
        ("floor_divide", "-7", "2", -4.0),
        ("modulo", "-7", "3", 2.0),
        ("power", "2", "10", 1024.0),
        ("sqrt", "16", "", 4.0),
        ("round", "2.5", "", 2.0),
        ("max", "3", "9", 9.0),
        ("negate", "3", "", -3.0),
    ] {
        let config = json!({"operation": operation, "a": a, "b": b});
        assert_eq!(
            gives("MathOperationNode", config)["result"],
            json!(result),
            "{operation}"
        );
    }
    assert_eq!(
        fails(
            "MathOperationNode",
            json!({"operation": "divide", "a": 1, "b": 0})
        ),
        "ZeroDivisionError: division by zero"
    );
    assert!(
        fails("MathOperationNode", json!({"operation": "length", "a": 1}))
            .contains("one of add, subtract")
    );
    let result = run(
        "MathOperationNode",
        json!({"a": 1, "b": 0.126, "round_digits": "2", "output_var": "sum"}),
    );
    assert_eq!(result.variables["sum"], json!(1.13));
    check(
        "ComparisonNode",
        &[
            (json!({"a": 1, "b": 1.0}), json!({"result": true})),
            (
                json!({"a": 2, "b": 1, "operator": "greater than (>)"}),
                json!({"result": true}),
            ),
            (
                json!({"a": "x", "b": "x", "operator": "not equals (!=)"}),
                json!({"result": false}),
            ),
        ],
    );
    assert!(
        fails("ComparisonNode", json!({"a": "2", "b": 1, "operator": "<"}))
            .starts_with("TypeError: ")
    );
}

#[test]
fn chance_stays_within_its_bounds() {
    for _ in 0..20 {
        let number = gives(
            "RandomNumberNode",
            json!({"min": 3, "max": 5, "integer_only": true}),
        )["result"]
            .as_i64()
            .unwrap();
        assert!((3..=5).contains(&number));
        let text = gives(
            "RandomStringNode",
            json!({"length": 12, "custom_chars": "ab"}),
        );
        let text = text["result"].as_str().unwrap();
        assert!(
            text.len() == 12 && text.chars().all(|character| "ab".contains(character)),
            "{text}"
        );
    }
    let mut shuffled = gives("ShuffleListNode", json!({"items": [1, 2, 3, 4]}))["result"]
        .as_array()
        .unwrap()
        .clone();
    shuffled.sort_by_key(Value::as_i64);
    assert_eq!(shuffled, [1, 2, 3, 4]);
    let chosen = gives(
        "RandomChoiceNode",
        json!({"items": ["a", "b", "c"], "count": 3}),
    );
    assert_eq!(chosen["result"].as_array().unwrap().len(), 3);
    assert_eq!(
        gives("RandomUUIDNode", json!({"format": "hex"}))["result"]
            .as_str()
            .unwrap()
            .len(),
        32
    );
    assert!(fails("RandomChoiceNode", json!({"items": []})).contains("nothing to choose"));
}

#[test]
fn lists_are_made_cut_and_sorted() {
    let people = json!([{"n": "b", "a": 2}, {"n": "a", "a": 3}, {"n": "c", "a": null}]);
    check(
        "CreateListNode",
        &[(
            json!({"item_1": 1, "item_3": "x", "item_5": [2]}),
            json!({"list": [1, "x", [2]]}),
        )],
    );
    check(
        "ListGetItemNode",
        &[(
            json!({"list": [1, 2, 3], "index": "-1"}),
            json!({"item": 3}),
        )],
    );
    assert_eq!(
        fails("ListGetItemNode", json!({"list": [1], "index": 5})),
        "IndexError: there is no item 5 in a list of 1"
    );
    check(
        "ListLengthNode",
        &[(json!({"list": "[1, 2]"}), json!({"length": 2}))],
    );
    check(
        "ListAppendNode",
        &[(
            json!({"list": [1], "item": {"a": 1}}),
            json!({"result": [1, {"a": 1}]}),
        )],
    );
    check(
        "ListContainsNode",
        &[(
            json!({"list": [1, 2.0], "item": 2}),
            json!({"contains": true, "index": 1}),
        )],
    );
    check(
        "ListSliceNode",
        &[(
            json!({"list": [1, 2, 3, 4], "start": 1, "end": -1}),
            json!({"result": [2, 3]}),
        )],
    );
    check(
        "ListJoinNode",
        &[(
            json!({"list": [1, null, "a"]}),
            json!({"result": "1, None, a"}),
        )],
    );
    check(
        "ListSortNode",
        &[
            (
                json!({"list": [3, 1, 2], "reverse": "true"}),
                json!({"result": [3, 2, 1]}),
            ),
            (
                json!({"list": [{"k": 2}, {"k": 1}], "key_path": "k"}),
                json!({"result": [{"k": 1}, {"k": 2}]}),
            ),
        ],
    );
    assert!(fails("ListSortNode", json!({"list": [1, "a"]})).starts_with("TypeError: "));
    check(
        "ListReverseNode",
        &[(json!({"list": [1, 2]}), json!({"result": [2, 1]}))],
    );
    check(
        "ListUniqueNode",
        &[(
            json!({"list": [1, 1.0, "1", [1], [1]]}),
            json!({"result": [1, "1", [1]]}),
        )],
    );
    check(
        "ListFilterNode",
        &[
            (
                json!({"list": [{"a": 2}, {"a": 3}], "condition": "greater_than", "key_path": "a", "value": "2"}),
                json!({"result": [{"a": 3}], "removed": [{"a": 2}]}),
            ),
            (
                json!({"list": [1, null, 0], "condition": "is_not_none"}),
                json!({"result": [1, 0], "removed": [null]}),
            ),
            (
                json!({"list": ["ab", "b"], "condition": "starts_with", "value": "a"}),
                json!({"result": ["ab"]}),
            ),
            (
                json!({"list": [1, 2], "condition": "equals", "value": "2"}),
                json!({"result": [2]}),
            ),
        ],
    );
    check(
        "ListMapNode",
        &[(
            json!({"list": ["1", 2.9], "transform": "to_int"}),
            json!({"result": [1, 2]}),
        )],
    );
    check(
        "ListMapNode",
        &[(
            json!({"list": people, "transform": "get_property", "key_path": "n"}),
            json!({"result": ["b", "a", "c"]}),
        )],
    );
    check(
        "ListReduceNode",
        &[
            (json!({"list": [1, 2, 3]}), json!({"result": 6})),
            (
                json!({"list": [1, 2], "operation": "avg"}),
                json!({"result": 1.5}),
            ),
            (
                json!({"list": ["b", "a"], "operation": "min"}),
                json!({"result": "a"}),
            ),
            (
                json!({"list": ["b", "a"], "operation": "join", "initial": "-"}),
                json!({"result": "b-a"}),
            ),
        ],
    );
    check(
        "ListFlattenNode",
        &[(
            json!({"list": [1, [2, [3]]]}),
            json!({"result": [1, 2, [3]]}),
        )],
    );
}

#[test]
fn dicts_are_made_read_and_compared() {
    check(
        "CreateDictNode",
        &[(
            json!({"key_1": "a", "value_1": 1, "key_3": "c"}),
            json!({"dict": {"a": 1, "c": null}}),
        )],
    );
    check(
        "JsonParseNode",
        &[(
            json!({"json_string": "{\"a\": [1.50]}"}),
            json!({"data": {"a": [1.5]}}),
        )],
    );
    assert!(fails("JsonParseNode", json!({"json_string": "{"})).starts_with("JSONDecodeError: "));
    check(
        "GetPropertyNode",
        &[(
            json!({"object": {"a": {"b": [{"c": 7}]}}, "property_path": "a.b[0].c"}),
            json!({"value": 7}),
        )],
    );
    check(
        "DictGetNode",
        &[
            (
                json!({"dict": {"a": 1}, "key": "a"}),
                json!({"value": 1, "found": true}),
            ),
            (
                json!({"dict": {"a": 1}, "key": "b", "default": "x"}),
                json!({"value": "x", "found": false}),
            ),
        ],
    );
    check(
        "DictSetNode",
        &[(
            json!({"dict": {"a": 1}, "key": "b", "value": 2}),
            json!({"result": {"a": 1, "b": 2}}),
        )],
    );
    check(
        "DictRemoveNode",
        &[(
            json!({"dict": {"a": 1, "b": 2}, "key": "a"}),
            json!({"result": {"b": 2}, "removed_value": 1}),
        )],
    );
    check(
        "DictMergeNode",
        &[(
            json!({"dict1": {"a": 1, "b": 1}, "dict_2": {"b": 2}}),
            json!({"result": {"a": 1, "b": 2}}),
        )],
    );
    check(
        "DictKeysNode",
        &[(
            json!({"dict": {"b": 1, "a": 2}}),
            json!({"keys": ["b", "a"], "count": 2}),
        )],
    );
    check(
        "DictValuesNode",
        &[(json!({"dict": {"b": 1, "a": 2}}), json!({"values": [1, 2]}))],
    );
    check(
        "DictItemsNode",
        &[(
            json!({"dict": {"a": 2}}),
            json!({"items": [{"key": "a", "value": 2}]}),
        )],
    );
    check(
        "DictHasKeyNode",
        &[(
            json!({"dict": {"a": null}, "key": "a"}),
            json!({"has_key": true}),
        )],
    );
    check(
        "DictToJsonNode",
        &[
            (
                json!({"dict": {"b": "ä", "a": [1, {}]}, "sort_keys": true}),
                json!({"json_string": "{\"a\": [1, {}], \"b\": \"\\u00e4\"}"}),
            ),
            (
                json!({"dict": {"a": [1]}, "indent": 2}),
                json!({"json_string": "{\n  \"a\": [\n    1\n  ]\n}"}),
            ),
        ],
    );
    check(
        "DataCompareNode",
        &[(
            json!({"data_a": [{"id": 1, "v": 1}, {"id": 2, "v": 1}], "data_b": [{"id": 1, "v": 2}, {"id": 3, "v": 1}], "key_columns": "id"}),
            json!({
                "only_in_a": [{"id": 2, "v": 1}], "only_in_b": [{"id": 3, "v": 1}], "matched": [{"id": 1, "v": 1}],
                "diff_summary": {"only_in_a": 1, "only_in_b": 1, "matched": 1, "changed": 1}, "has_differences": true,
            }),
        )],
    );
}

#[test]
fn dates_are_read_written_and_calculated_with() {
    check(
        "FormatDateTimeNode",
        &[
            (
                json!({"datetime": "2026-02-03T04:05:06", "format": "%d.%m.%y %H:%M"}),
                json!({"result": "03.02.26 04:05"}),
            ),
            (
                json!({"datetime": "3/2/2026", "input_format": "%d/%m/%Y"}),
                json!({"result": "2026-02-03 00:00:00"}),
            ),
        ],
    );
    check(
        "ParseDateTimeNode",
        &[
            (
                json!({"datetime_string": "2026-02-03 04:05:06"}),
                json!({"year": 2026, "month": 2, "second": 6, "iso_format": "2026-02-03T04:05:06", "success": true}),
            ),
            (
                json!({"datetime_string": "2026-02-03T04:05:06+02:00"}),
                json!({"hour": 4, "timestamp": 1770084306.0}),
            ),
        ],
    );
    check(
        "DateTimeAddNode",
        &[
            (
                json!({"datetime": "2026-01-31T10:00:00", "months": 1}),
                json!({"result": "2026-02-28T10:00:00"}),
            ),
            (
                json!({"datetime": "2026-01-31", "days": "-31", "hours": 25}),
                json!({"result": "2026-01-01T01:00:00"}),
            ),
        ],
    );
    check(
        "DateTimeDiffNode",
        &[(
            json!({"datetime_1": "2026-01-02T01:00:01", "datetime_2": "2026-01-01T00:00:00"}),
            json!({"total_seconds": 90001.0, "days": 1, "hours": 1, "minutes": 0, "seconds": 1}),
        )],
    );
    check(
        "DateTimeCompareNode",
        &[(
            json!({"datetime_1": "2026-01-01T00:00:00Z", "datetime_2": "2026-01-01T01:00:00+01:00"}),
            json!({"is_equal": true, "is_before": false, "comparison": 0}),
        )],
    );
    let now = gives("GetCurrentDateTimeNode", json!({"timezone": "Asia/Tokyo"}));
    assert!(
        now["datetime"].as_str().unwrap().ends_with("+09:00"),
        "{now}"
    );
    let stamp = gives("GetTimestampNode", json!({"milliseconds": true}))["timestamp"]
        .as_i64()
        .unwrap();
    assert!(stamp > 1_700_000_000_000);
    assert!(
        fails("FormatDateTimeNode", json!({"datetime": "tomorrow"}))
            .contains("`tomorrow` is not a date")
    );
}

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
fn files_are_read_written_and_moved() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |node_type: &str, config: Value| run_in(folder.path(), node_type, config, json!({}));
    let done = |node_type: &str, config: Value| {
        let result = run(node_type, config);
        assert!(result.success, "{node_type}: {:?}", result.error);
        result.outputs["n"].clone()
    };
    let failed = |node_type: &str, config: Value| run(node_type, config).error.unwrap();

    let written = done(
        "WriteFileNode",
        json!({"file_path": "deep/a.txt", "content": "grün"}),
    );
    assert_eq!(written["bytes_written"], 5);
    assert_eq!(written["file_path"], at("deep/a.txt").to_str().unwrap());
    assert_eq!(
        done("ReadFileNode", json!({"file_path": "deep/a.txt"}))["content"],
        "grün"
    );
    done(
        "AppendFileNode",
        json!({"file_path": "deep/a.txt", "content": "\nmore"}),
    );
    assert_eq!(
        done("GetFileSizeNode", json!({"path": "deep/a.txt"}))["size"],
        10
    );
    let info = done("GetFileInfoNode", json!({"file_path": "deep/a.txt"}));
    assert_eq!(
        (info["name"].as_str(), info["extension"].as_str()),
        (Some("a.txt"), Some(".txt"))
    );

    done(
        "CopyFileNode",
        json!({"source": "deep/a.txt", "destination": "b.txt"}),
    );
    assert!(
        failed(
            "CopyFileNode",
            json!({"source_path": "deep/a.txt", "dest_path": "b.txt"})
        )
        .starts_with("FileExistsError: ")
    );
    done(
        "CopyFileNode",
        json!({"source_path": "deep/a.txt", "dest_path": "b.txt", "overwrite": true}),
    );
    done(
        "MoveFileNode",
        json!({"source_path": "b.txt", "dest_path": "new/c.txt"}),
    );
    assert!(!at("b.txt").exists() && at("new/c.txt").exists());
    assert!(
        failed(
            "MoveFileNode",
            json!({"source_path": "b.txt", "dest_path": "d.txt"})
        )
        .starts_with("FileNotFoundError: ")
    );

    let exists = done(
        "FileExistsNode",
        json!({"path": "new", "check_type": "file"}),
    );
    assert_eq!(
        (&exists["exists"], &exists["is_dir"]),
        (&json!(false), &json!(true))
    );
    done("CreateDirectoryNode", json!({"directory_path": "x/y"}));
    assert!(
        failed(
            "CreateDirectoryNode",
            json!({"directory_path": "x/y", "exist_ok": false})
        )
        .starts_with("FileExistsError: ")
    );
    let listed = done(
        "ListFilesNode",
        json!({"directory_path": ".", "pattern": "*.txt", "recursive": true}),
    );
    assert_eq!(listed["count"], 2);
    let listed = done(
        "ListDirectoryNode",
        json!({"dir_path": ".", "dirs_only": true}),
    );
    assert_eq!(listed["count"], 3);

    done("DeleteFileNode", json!({"file_path": "new/c.txt"}));
    assert!(
        failed("DeleteFileNode", json!({"file_path": "new/c.txt"}))
            .starts_with("FileNotFoundError: ")
    );
    done(
        "DeleteFileNode",
        json!({"file_path": "new/c.txt", "ignore_missing": true}),
    );
    std::fs::write(at("latin.txt"), b"gr\xfcn").unwrap();
    assert!(
        failed("ReadFileNode", json!({"file_path": "latin.txt"}))
            .starts_with("UnicodeDecodeError: ")
    );
    assert_eq!(
        done(
            "ReadFileNode",
            json!({"file_path": "latin.txt", "encoding": "latin-1"})
        )["content"],
        "grün"
    );
    assert_eq!(
        done(
            "FileSystemSuperNode",
            json!({"action": "read_file", "file_path": "deep/a.txt"})
        )["size"],
        10
    );
}

#[test]
fn tables_and_json_files_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let done = |node_type: &str, config: Value| {
        let result = run_in(folder.path(), node_type, config, json!({}));
        assert!(result.success, "{node_type}: {:?}", result.error);
        result.outputs["n"].clone()
    };
    let rows = json!([{"name": "Ada, Countess", "n": "1"}, {"name": "a \"b\"", "n": "2"}]);
    done("WriteCSVNode", json!({"file_path": "t.csv", "data": rows}));
    let text = std::fs::read_to_string(folder.path().join("t.csv")).unwrap();
    assert_eq!(
        text,
        "name,n\r\n\"Ada, Countess\",1\r\n\"a \"\"b\"\"\",2\r\n"
    );
    let read = done("ReadCSVNode", json!({"file_path": "t.csv"}));
    assert_eq!(read["data"], rows);
    assert_eq!(read["headers"], json!(["name", "n"]));
    let part = done(
        "ReadCSVNode",
        json!({"file_path": "t.csv", "has_header": false, "skip_rows": 1, "max_rows": 1}),
    );
    assert_eq!(part["data"], json!([["Ada, Countess", "1"]]));
    let value = json!({"b": [1, 2.5, null], "a": "ä"});
    done(
        "WriteJSONFileNode",
        json!({"file_path": "v.json", "data": value}),
    );
    assert_eq!(
        done("ReadJSONFileNode", json!({"file_path": "v.json"}))["data"],
        value
    );
}

#[test]
fn a_node_that_fails_is_tried_again_as_often_as_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let document = json!({
        "metadata": {"name": "t"},
        "nodes": {"n": {"node_id": "n", "node_type": "ReadFileNode", "config": {"file_path": "missing"}}},
        "connections": [], "settings": {"retry_count": 2},
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap();
    let tried = result
        .warnings
        .iter()
        .filter(|warning| warning.contains("tried again after"))
        .count();
    assert_eq!(tried, 2);
    assert!(!result.success);
}

#[test]
fn one_node_reads_and_writes_tables_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let done = |config: Value| {
        let result = run_in(folder.path(), "StructuredDataSuperNode", config, json!({}));
        assert!(result.success, "{:?}", result.error);
        result.outputs["n"].clone()
    };
    let value = json!([{"a": "1"}, {"a": "2"}]);
    done(json!({"action": "Write JSON", "file_path": "v.json", "data": value}));
    assert_eq!(
        done(json!({"action": "read json", "file_path": "v.json"}))["data"],
        value
    );
    done(json!({"action": "Write CSV", "file_path": "v.csv", "data": value}));
    assert_eq!(done(json!({"file_path": "v.csv"}))["data"], value);
    let refused = run(
        "StructuredDataSuperNode",
        json!({"action": "Zip Files", "file_path": "x"}),
    );
    assert!(refused.error.unwrap().contains("one of Read CSV"));
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

/// Control nodes are tested with the walk; all others are in one of the tests above.
#[test]
fn no_node_type_is_untested() {
    let tests = include_str!("tests.rs");
    let walks = include_str!("../walk/tests.rs");
    let untested: Vec<&str> = catalogue()
        .iter()
        .map(|node_type| node_type.name)
        .filter(|name| {
            !tests.contains(&format!("\"{name}\"")) && !walks.contains(&format!("\"{name}\""))
        })
        .collect();
    assert_eq!(untested, Vec::<&str>::new());
}
