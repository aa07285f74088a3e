use serde_json::json;

use super::{check, fails};

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
