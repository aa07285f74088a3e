use serde_json::json;

use super::*;

fn names() -> Names {
    Names::of(json!({
        "name": "Ada", "n": 3, "ratio": 0.5, "flag": true, "nothing": null,
        "loop_1": {"current_item": {"id": 7, "tags": ["a", "b"]}},
        "trick": "{{name}}",
    }))
}

fn resolved(template: Value) -> (Value, Vec<String>) {
    let mut missing = Vec::new();
    let value = resolve(&template, &names(), &mut missing).into_owned();
    (value, missing)
}

#[test]
fn a_text_that_is_one_placeholder_keeps_the_type() {
    assert_eq!(resolved(json!("{{n}}")).0, json!(3));
    assert_eq!(
        resolved(json!("{{ loop_1.current_item.tags }}")).0,
        json!(["a", "b"])
    );
    assert_eq!(
        resolved(json!("${loop_1.current_item.tags[1]}")).0,
        json!("b")
    );
    assert_eq!(resolved(json!("%ratio%")).0, json!(0.5));
    assert_eq!(resolved(json!("{{nothing}}")).0, json!(null));
}

#[test]
fn other_texts_have_texts_put_in_as_python_writes_them() {
    let (value, missing) = resolved(json!(
        "{{name}}: {{n}} {{ratio}} {{flag}} [{{nothing}}] {{loop_1.current_item}}"
    ));
    assert_eq!(
        value,
        json!("Ada: 3 0.5 True [] {'id': 7, 'tags': ['a', 'b']}")
    );
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn what_is_not_known_stays_as_it_is_and_is_told() {
    let (value, missing) = resolved(json!("{{unknown}} and {{loop_1.other}} for {{name}}"));
    assert_eq!(value, json!("{{unknown}} and {{loop_1.other}} for Ada"));
    assert_eq!(missing, ["unknown", "loop_1.other"]);
    let (value, missing) = resolved(json!("{{items|length}} {{item.{{name}}}}"));
    assert_eq!(value, json!("{{items|length}} {{item.Ada}}"));
    assert_eq!(missing, ["items|length"]);
}

#[test]
fn percent_signs_that_name_nothing_are_percent_signs() {
    let (value, missing) = resolved(json!("%PATH% 100% of a%20b and %name%"));
    assert_eq!(value, json!("%PATH% 100% of a%20b and Ada"));
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn values_are_not_read_as_templates() {
    assert_eq!(resolved(json!("{{trick}}")).0, json!("{{name}}"));
    assert_eq!(resolved(json!("<{{trick}}>")).0, json!("<{{name}}>"));
}

#[test]
fn lists_and_dicts_are_filled_in_and_keys_are_not() {
    assert_eq!(
        resolved(json!({"{{n}}": ["{{n}}", {"a": "x{{n}}"}], "b": 1})).0,
        json!({"{{n}}": [3, {"a": "x3"}], "b": 1})
    );
}

#[test]
fn the_moment_can_be_asked_for() {
    let (value, missing) = resolved(json!("{{$currentDate}}"));
    assert_eq!(value.as_str().map(str::len), Some(10));
    assert!(missing.is_empty());
    assert!(resolved(json!("{{$timestamp}}")).0.is_i64());
    assert_eq!(resolved(json!("{{$secret:x}}")).1, ["$secret:x"]);
}
