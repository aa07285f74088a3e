use serde_json::{Value, json};

use super::{check, fails, gives, run_in};

const XML: &str = "<shop><item id=\"1\"><name>bread</name></item><item id=\"2\"><name>cheese &amp; wine</name></item></shop>";

#[test]
fn xml_is_read_and_searched() {
    check(
        "ParseXMLNode",
        &[(
            json!({"xml_string": XML}),
            json!({"root_tag": "shop", "child_count": 2}),
        )],
    );
    let paths = [
        ("item", 2, ""),
        ("item/name", 2, "bread"),
        (".//name", 2, "bread"),
        ("/shop/item[2]/name", 1, "cheese & wine"),
        (".//item[@id='2']/name", 1, "cheese & wine"),
        ("item[name='bread']", 1, ""),
        ("item[last()]/*", 1, "cheese & wine"),
        (".//name/..", 2, ""),
        ("item[@id!='1']", 1, ""),
        ("nothing", 0, ""),
    ];
    for (path, count, first) in paths {
        let given = gives("XPathQueryNode", json!({"xml_string": XML, "xpath": path}));
        assert_eq!(
            (&given["count"], &given["first_text"]),
            (&json!(count), &json!(first)),
            "{path}"
        );
    }
    assert!(
        fails(
            "XPathQueryNode",
            json!({"xml_string": XML, "xpath": "item[@id='2'"})
        )
        .contains("not closed")
    );
    assert!(fails("ParseXMLNode", json!({"xml_string": "<a><b></a>"})).starts_with("ParseError: "));
    check(
        "GetXMLElementNode",
        &[(
            json!({"xml_string": XML, "tag_name": "item", "index": 1}),
            json!({"attributes": {"id": "2"}, "found": true}),
        )],
    );
    check(
        "GetXMLAttributeNode",
        &[
            (
                json!({"xml_string": XML, "xpath": "item", "attribute_name": "id"}),
                json!({"value": "1", "found": true}),
            ),
            (
                json!({"xml_string": XML, "attribute_name": "id"}),
                json!({"found": false}),
            ),
        ],
    );
}

#[test]
fn xml_and_dicts_become_one_another() {
    let data = json!({"shop": {"item": [{"@id": "1", "name": "bread"}, {"@id": "2", "name": "cheese & wine"}]}});
    check(
        "XMLToJsonNode",
        &[(json!({"xml_string": XML}), json!({"json_data": data}))],
    );
    let config = json!({"json_data": data["shop"], "root_tag": "shop", "pretty_print": false});
    check("JsonToXMLNode", &[(config, json!({"xml_string": XML}))]);
    assert!(
        fails("JsonToXMLNode", json!({"json_data": {"1 2": 3}})).contains("cannot be the name")
    );
    let folder = tempfile::tempdir().unwrap();
    let run = |node_type: &str, config: Value| run_in(folder.path(), node_type, config, json!({}));
    let written = run(
        "WriteXMLFileNode",
        json!({"file_path": "s.xml", "xml_string": "<a><b>1</b><c/></a>"}),
    );
    assert!(written.success, "{:?}", written.error);
    let text = std::fs::read_to_string(folder.path().join("s.xml")).unwrap();
    assert_eq!(
        text,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a>\n  <b>1</b>\n  <c/>\n</a>\n"
    );
    assert_eq!(
        run("ReadXMLFileNode", json!({"file_path": "s.xml"})).outputs["n"]["root_tag"],
        "a"
    );
}

#[test]
fn files_are_packed_and_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let done = |node_type: &str, config: Value| {
        let result = run_in(folder.path(), node_type, config, json!({}));
        assert!(result.success, "{node_type}: {:?}", result.error);
        result.outputs["n"].clone()
    };
    done(
        "WriteFileNode",
        json!({"file_path": "in/a.txt", "content": "a"}),
    );
    done(
        "WriteFileNode",
        json!({"file_path": "in/deep/b.txt", "content": "b"}),
    );
    assert_eq!(
        done(
            "ZipFilesNode",
            json!({"zip_path": "p.zip", "source_path": "in"})
        )["file_count"],
        2
    );
    let out = done(
        "UnzipFilesNode",
        json!({"zip_path": "p.zip", "extract_to": "out"}),
    );
    assert_eq!(out["file_count"], 2);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("out/deep/b.txt")).unwrap(),
        "b"
    );
    let mut evil =
        zip::ZipWriter::new(std::fs::File::create(folder.path().join("evil.zip")).unwrap());
    evil.start_file("../evil.txt", zip::write::SimpleFileOptions::default())
        .unwrap();
    evil.finish().unwrap();
    let refused = run_in(
        folder.path(),
        "UnzipFilesNode",
        json!({"zip_path": "evil.zip", "extract_to": "out"}),
        json!({}),
    );
    assert!(refused.error.unwrap().contains("outside of its folder"));
    assert!(!folder.path().join("evil.txt").exists());
}

#[test]
fn nodes_that_are_several_in_one_do_what_each_does() {
    check(
        "TextSuperNode",
        &[
            (
                json!({"text": "abc", "search": "b"}),
                json!({"contains": true}),
            ),
            (
                json!({"action": "Case", "text": "abc", "case_transform": "upper"}),
                json!({"result": "ABC"}),
            ),
            (
                json!({"action": "split", "text": "a-b", "separator": "-"}),
                json!({"result": ["a", "b"]}),
            ),
        ],
    );
    check(
        "ListSuperNode",
        &[
            (json!({"list": [1, 2], "index": 1}), json!({"item": 2})),
            (
                json!({"action": "Sort", "list": [2, 1], "descending": false}),
                json!({"sorted": [1, 2]}),
            ),
            (
                json!({"action": "Create List", "item1": 1, "item3": 3}),
                json!({"list": [1, 3]}),
            ),
        ],
    );
    check(
        "DictSuperNode",
        &[
            (
                json!({"dict": {"a": 1}, "key": "a"}),
                json!({"value": 1, "found": true}),
            ),
            (
                json!({"action": "Set Value", "dict": {"a": 1}, "key": "b", "value": 2}),
                json!({"dict": {"a": 1, "b": 2}}),
            ),
            (
                json!({"action": "Get Property", "dict": {"a": {"b": 1}}, "path": "a.b"}),
                json!({"value": 1}),
            ),
        ],
    );
}

#[test]
fn nodes_that_are_several_in_one_do_more_than_each_where_their_properties_say_so() {
    check(
        "ListSuperNode",
        &[
            (
                json!({"list": "[5, 6]", "index": "7", "default_value": "none"}),
                json!({"item": "none", "found": false}),
            ),
            (
                json!({"list": [5, 6], "index": -1}),
                json!({"item": 6, "found": true}),
            ),
            (
                json!({"action": "Slice", "list": [5, 6, 7, 8], "step": "2"}),
                json!({"slice": [5, 7]}),
            ),
            (
                json!({"action": "Append", "list": [5], "item": "[6, 7]", "extend": true}),
                json!({"list": [5, 6, 7]}),
            ),
            (
                json!({"action": "Append", "list": [5, 7], "item": 6, "position": "index", "insert_index": 1}),
                json!({"list": [5, 6, 7]}),
            ),
            (
                json!({"action": "Flatten", "list": [1, [2, [3]]]}),
                json!({"flattened": [1, 2, 3]}),
            ),
            (
                json!({"action": "Reduce", "list": ["a", "b"], "reduce_operation": "concat"}),
                json!({"result": "ab"}),
            ),
            (
                json!({"action": "Create List", "item_1": 1, "item_2": 2}),
                json!({"list": [1, 2]}),
            ),
        ],
    );
    check(
        "DictSuperNode",
        &[
            (
                json!({"action": "Set Value", "dict": {"a": 1}, "key": "a", "value": 2}),
                json!({"dict": {"a": 2}, "previous": 1, "was_update": true}),
            ),
            (
                json!({"action": "Set Value", "dict": {}, "key": "a.b", "value": 2}),
                json!({"dict": {"a": {"b": 2}}, "was_update": false}),
            ),
            (
                json!({"action": "Merge", "dict_1": "{\"a\": {\"x\": 1}}", "dict_2": {"a": {"y": 2}}, "deep_merge": true}),
                json!({"merged": {"a": {"x": 1, "y": 2}}}),
            ),
            (
                json!({"action": "Merge", "dict": {"a": 1}, "other": {"a": 2}, "overwrite": false}),
                json!({"merged": {"a": 1}}),
            ),
            (
                json!({"action": "Remove Key", "dict": {}, "key": "a", "ignore_missing": true}),
                json!({"dict": {}}),
            ),
            (
                json!({"action": "To JSON", "dict": {"é": 1}}),
                json!({"json_string": "{\"é\": 1}"}),
            ),
            (
                json!({"action": "Create Dict", "key_1": "a", "value_1": 1}),
                json!({"dict": {"a": 1}}),
            ),
        ],
    );
    let missing = fails(
        "DictSuperNode",
        json!({"action": "Remove Key", "dict": {}, "key": "a"}),
    );
    assert!(missing.contains("ignore_missing"), "{missing}");
}

#[test]
fn a_dict_that_a_config_writes_as_json_is_a_dict() {
    check(
        "GetPropertyNode",
        &[(
            json!({"object": "{\"a\": [1]}", "property_path": "a[0]"}),
            json!({"value": 1}),
        )],
    );
    check(
        "DictToJsonNode",
        &[
            (
                json!({"dict": "{\"a\":1}"}),
                json!({"json_string": "{\"a\": 1}"}),
            ),
            (json!({"dict": "a"}), json!({"json_string": "\"a\""})),
        ],
    );
}

#[test]
fn a_list_sorted_in_reverse_keeps_the_order_of_equal_keys() {
    let rows = json!([{"k": 1, "n": "a"}, {"k": 2, "n": "b"}, {"k": 1, "n": "c"}]);
    let sorted = json!([{"k": 2, "n": "b"}, {"k": 1, "n": "a"}, {"k": 1, "n": "c"}]);
    check(
        "ListSortNode",
        &[(
            json!({"list": rows, "key_path": "k", "reverse": true}),
            json!({"result": sorted}),
        )],
    );
}
