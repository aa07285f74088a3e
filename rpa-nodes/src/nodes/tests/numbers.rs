use serde_json::{Value, json};

use super::{check, fails, gives, run};

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
fn a_uuid_is_of_the_version_that_is_asked_for() {
    for (version, digit) in [("", "4"), ("4", "4"), ("1", "1"), ("7", "7")] {
        let id = gives("RandomUUIDNode", json!({"version": version}));
        let id = id["result"].as_str().unwrap();
        assert_eq!(&id[14..15], digit, "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
    }
    assert!(fails("RandomUUIDNode", json!({"version": 3})).contains("there are 1, 4 and 7"));
}

#[test]
fn moments_are_written_as_python_does() {
    check(
        "FormatDateTimeNode",
        &[
            (
                json!({"datetime": "2024-02-29T10:00:00.25", "format": "%S.%f %%f"}),
                json!({"result": "00.250000 %f"}),
            ),
            (
                json!({"datetime": "2024-02-09 15:04:05", "format": "%c|%x %X"}),
                json!({"result": "Fri Feb  9 15:04:05 2024|02/09/24 15:04:05"}),
            ),
        ],
    );
}
