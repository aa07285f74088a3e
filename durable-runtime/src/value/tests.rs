use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{Arguments, Passed, decode, decode_arguments, encode, encode_arguments};
use crate::error::Result;

/// More digits than a `u64` or an `f64` holds.
const BIG: &str = "123456789012345678901234567890";

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn read<A: Arguments>(text: &str, parameters: &[&'static str]) -> Result<A> {
    decode_arguments(text, parameters, "sum")
}

fn problem<A: Arguments>(text: &str, parameters: &[&'static str]) -> String {
    match read::<A>(text, parameters) {
        Ok(_) => panic!("{text} was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn arguments_are_written_compactly_in_an_envelope() {
    #[derive(Serialize, Deserialize)]
    struct Point {
        y: i32,
        x: Option<f32>,
    }
    let point = Point { y: 2, x: Some(0.1) };

    let text = encode_arguments(("a\"b".to_owned(), point, ()), "sum").unwrap();

    assert_eq!(
        text,
        r#"{"positionalArgs":["a\"b",{"y":2,"x":0.1},null],"namedArgs":{}}"#
    );
    assert_eq!(
        encode_arguments((), "sum").unwrap(),
        r#"{"positionalArgs":[],"namedArgs":{}}"#
    );
}

#[test]
fn big_integers_keep_all_digits_as_arguments() {
    let number: u128 = BIG.parse().unwrap();
    let text = format!(r#"{{"positionalArgs":[{BIG},{BIG},-{BIG}],"namedArgs":{{}}}}"#);

    let arguments: (u128, Box<RawValue>, i128) = read(&text, &["a", "b", "c"]).unwrap();

    assert_eq!((arguments.0, arguments.1.get()), (number, BIG));
    assert_eq!(encode_arguments(arguments, "sum").unwrap(), text);
}

#[test]
fn a_raw_value_is_recorded_and_read_back_as_it_is() {
    let text = format!(r#"{{"b": {BIG}, "a": 1.10, "b": "\u00e9"}}"#);
    let what = || "the result".to_owned();

    let recorded = encode(&raw(&text), what).unwrap();
    let back: Box<RawValue> = decode(&recorded, what).unwrap();

    assert_eq!((recorded.as_str(), back.get()), (&*text, &*text));
}

#[test]
fn arguments_are_taken_by_position_and_then_by_name() {
    let text = r#"{"namedArgs":{"c":3,"b":2},"positionalArgs":[1]}"#;

    let arguments: (u8, u8, u8) = read(text, &["a", "b", "c"]).unwrap();

    assert_eq!(arguments, (1, 2, 3));
}

#[test]
fn parts_that_are_missing_or_null_are_empty_and_others_are_ignored() {
    for text in [
        "{}",
        r#"{"positionalArgs":null}"#,
        r#"{"namedArgs":null,"positionalArgs":[]}"#,
        r#"{"version":[1,{"deep":null}],"namedArgs":{}}"#,
    ] {
        read::<()>(text, &[]).unwrap();
        let passed: Passed = read(text, &[]).unwrap();
        assert!(
            passed.positional.is_empty() && passed.named.is_empty(),
            "{text}"
        );
    }
}

#[test]
fn of_a_key_that_comes_twice_the_last_value_counts() {
    let text = r#"{"positionalArgs":[1],"namedArgs":{"b":1,"c":2,"b":3},"positionalArgs":[9]}"#;

    assert_eq!(
        read::<(u8, u8, u8)>(text, &["a", "b", "c"]).unwrap(),
        (9, 3, 2)
    );
    let passed: Passed = read(text, &[]).unwrap();
    assert_eq!(
        serde_json::to_string(&passed).unwrap(),
        r#"{"positionalArgs":[9],"namedArgs":{"b":3,"c":2}}"#
    );
}

#[test]
fn passed_arguments_keep_their_text_and_their_order() {
    let text = format!(
        r#"{{"positionalArgs":[{BIG},1.50,{{"z":1,"a":[]}}],"namedArgs":{{"z":null,"a":-0}}}}"#
    );

    let passed: Passed = read(&text, &[]).unwrap();

    let named: Vec<_> = passed
        .named
        .iter()
        .map(|(name, value)| (name.as_str(), value.get()))
        .collect();
    assert_eq!(named, [("z", "null"), ("a", "-0")]);
    assert_eq!(encode_arguments(passed, "sum").unwrap(), text);
}

#[test]
fn passed_arguments_are_written_by_position_and_by_name() {
    let passed = Passed::new(
        [to_raw_value("x").unwrap(), raw(BIG)],
        [("n".to_owned(), to_raw_value(&Some(1)).unwrap())],
    );

    assert_eq!(
        encode_arguments(passed, "sum").unwrap(),
        format!(r#"{{"positionalArgs":["x",{BIG}],"namedArgs":{{"n":1}}}}"#)
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    for (text, expected) in [
        ("[1,2]", r#"expected `{"positionalArgs":[...]"#),
        (
            r#"{"positionalArgs":{}}"#,
            "the arguments of workflow `sum` cannot be read",
        ),
        (
            r#"{"namedArgs":[1]}"#,
            "expected an object of arguments by name",
        ),
        (
            r#"{"positionalArgs":["x"]}"#,
            "argument `a` of workflow `sum`",
        ),
        ("{}", "it was not passed"),
        (
            r#"{"positionalArgs":[1,4711],"namedArgs":{"a":2}}"#,
            "4711, `a`",
        ),
    ] {
        let problem = problem::<(u8,)>(text, &["a"]);
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}
