use serde_json::json;

use super::*;

#[test]
fn texts_are_those_of_python() {
    for (value, expected) in [
        (json!(null), "None"),
        (json!(true), "True"),
        (json!(15.0), "15.0"),
        (json!(0.1), "0.1"),
        (json!(1e16), "1e+16"),
        (json!(0.00001), "1e-05"),
        (json!(-3), "-3"),
        (json!("it's"), "it's"),
        (json!(["it's", "a", 1, null]), "[\"it's\", 'a', 1, None]"),
        (json!({"a": {"b": false}}), "{'a': {'b': False}}"),
    ] {
        assert_eq!(text(&value), expected);
    }
}

#[test]
fn numbers_are_equal_by_worth_and_texts_are_no_numbers() {
    assert!(equal(&json!(1), &json!(1.0)));
    assert!(equal(&json!(true), &json!(1)));
    assert!(!equal(&json!("1"), &json!(1)));
    assert!(equal(&json!([1, {"a": 2.0}]), &json!([1.0, {"a": 2}])));
}

#[test]
fn mixed_values_have_no_order() {
    assert_eq!(compare(&json!(2), &json!(2.5)), Ok(Ordering::Less));
    assert_eq!(compare(&json!("b"), &json!("a")), Ok(Ordering::Greater));
    let error = compare(&json!("10"), &json!(9)).unwrap_err();
    assert!(
        error.contains("a text and an integer have no order"),
        "{error}"
    );
}

#[test]
fn paths_lead_through_dicts_and_lists() {
    let value = json!({"b": [{"c": 7}, 8], "with space": 1});
    let follow = |text: &str| Path::parse(text).and_then(|path| path.follow(&value).cloned());
    assert_eq!(follow("a.b[0].c"), Some(json!(7)));
    assert_eq!(follow("a.b.1"), Some(json!(8)));
    assert_eq!(follow("a['with space']"), Some(json!(1)));
    assert_eq!(follow("a"), Some(value.clone()));
    assert_eq!(follow("a.b[2]"), None);
    assert_eq!(follow("a.b[-1]"), None);
    for text in ["", "a..b", "[0]", "a[0", "a + b", "len(a)", "a|length"] {
        assert_eq!(Path::parse(text), None, "{text}");
    }
}

#[test]
fn integers_are_read_from_texts_and_whole_floats() {
    assert_eq!(read_integer(&json!("30000")), Some(30000));
    assert_eq!(read_integer(&json!(" 7.0 ")), Some(7));
    assert_eq!(read_integer(&json!(7.5)), None);
    assert_eq!(read_integer(&json!("seven")), None);
}
