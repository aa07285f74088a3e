use serde_json::{Value, json};

use super::*;
use crate::template::Names;

fn names() -> Names {
    Names::of(json!({
        "counter": 2,
        "name": "Ada",
        "empty": "",
        "evil": "' == '' or True or '",
        "a": {"b": "x", "list": [{"c": 7}]},
        "profile": "p",
        "rows": [1, 2, 3],
    }))
}

fn evaluate(text: &str) -> Result<Value, ExpressionError> {
    Expression::parse(text)?.evaluate(&names())
}

#[test]
fn what_files_write_means_what_python_says() {
    for (text, expected) in [
        ("{{counter}} < 3", json!(true)),
        ("counter < 3", json!(true)),
        ("{{a.b}} == 'x'", json!(true)),
        ("{{a.list[0].c}} + 1", json!(8)),
        ("a.list[0].c == 7 and a['b'] == 'x'", json!(true)),
        ("'{{empty}}' == ''", json!(true)),
        ("'{{name}}!' == 'Ada!'", json!(true)),
        ("({{counter}} == 0) or ({{counter}} < 3)", json!(true)),
        ("${counter} * 2", json!(4)),
        ("%counter% * 2", json!(4)),
        ("7 % 4 % 2", json!(1)),
        ("profile == 'p'", json!(true)),
        ("1 < 2 < 3 <= 3", json!(true)),
        ("1 < 2 > 5", json!(false)),
        ("not 'a' in 'cat' or 'd' not in [1, 'd']", json!(false)),
        ("'yes' if rows else 'no'", json!("yes")),
        ("-2 ** 2", json!(-4)),
        ("2 ** -1", json!(0.5)),
        ("(7 // 2, -7 // 2, -7 % 3, 7 / 2)", json!([3, -4, 2, 3.5])),
        ("len(rows) == 3 and max(rows) > min(1, 2)", json!(true)),
        ("rows[-1] + rows[0]", json!(4)),
        ("rows[::-1]", json!([3, 2, 1])),
        (
            "rows[::2] + rows[1::] + rows[:2:]",
            json!([1, 3, 2, 3, 1, 2]),
        ),
        (
            "'abcdef'[4:0:-2] + 'abc'[9::-1] + 'abc'[-1:-9:-1]",
            json!("eccbacba"),
        ),
        ("rows[2:0:1] == [] and rows[None:2] == [1, 2]", json!(true)),
        (
            "rows[1:] + name[:2].upper().split('D')",
            json!([2, 3, "A", ""]),
        ),
        ("name[1:3].upper()", json!("DA")),
        ("sorted([3, 1, 2])[0]", json!(1)),
        ("str(1.0) + 'x'", json!("1.0x")),
        (
            "(round(2.5), round(3.5), round(2.675, 2))",
            json!([2, 4, 2.67]),
        ),
        ("{'a': 1}.get('b', 5)", json!(5)),
        ("None is None and true", json!(true)),
        ("'' or 0 or 'last'", json!("last")),
        ("int('12') + int(3.9)", json!(15)),
    ] {
        assert_eq!(evaluate(text), Ok(expected), "{text}");
    }
}

#[test]
fn a_value_cannot_change_what_an_expression_means() {
    assert_eq!(evaluate("{{evil}} == ''"), Ok(json!(false)));
    assert_eq!(evaluate("'{{evil}}' == ''"), Ok(json!(false)));
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, place, part) in [
        ("counter = 3", 8, "write `==`"),
        ("counter <", 9, "ends too early"),
        ("(1", 2, "`,` is missing"),
        ("open('x')", 0, "no function `open`"),
        ("''.format()", 3, "no method `format`"),
        ("'abc", 0, "not closed"),
        ("1 ? 2", 2, "means nothing"),
        ("a b", 2, "`b` cannot stand here"),
        ("[x for x in rows]", 3, "`]` is missing"),
    ] {
        match Expression::parse(text) {
            Err(error) => {
                assert_eq!(error.position, Some(place), "{text}: {error}");
                assert!(error.message.contains(part), "{text}: {error}");
            }
            Ok(read) => panic!("{text} was read as {read:?}"),
        }
    }
}

#[test]
fn what_cannot_be_calculated_is_an_error() {
    for (text, part) in [
        ("missing > 1", "no variable `missing`"),
        ("{{a.missing}} == 1", "nothing that `{{a.missing}}`"),
        ("1 / 0", "division by zero"),
        ("'1' < 2", "no order"),
        ("'a' * 100000000", "longer than"),
        ("9223372036854775807 + 1", "too large"),
        ("range(100000000)", "more than"),
        ("a.b.c", "has no `c`"),
        ("rows[7]", "no element 7"),
    ] {
        let error = evaluate(text).unwrap_err();
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

#[test]
fn nesting_has_an_end() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let error = Expression::parse(&deep).unwrap_err();
    assert!(error.message.contains("nested"), "{error}");
    let signs = format!("{}1", "-".repeat(5000));
    assert!(Expression::parse(&signs).is_err());
}
