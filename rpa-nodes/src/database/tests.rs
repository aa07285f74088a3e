use serde_json::{Value, json};

use super::statement::Bound;
use super::{Kind, Statement, statements};

fn bound(sql: &str, parameters: Value, kind: Kind) -> Bound {
    let statement = Statement {
        sql: sql.to_owned(),
        parameters,
    };
    statement.bind(kind).unwrap()
}

#[test]
fn marks_of_all_kinds_become_places() {
    let cases = [
        (
            "a = ? AND b = ?",
            json!([1, 2]),
            "a = $1 AND b = $2",
            vec![1, 2],
        ),
        (
            "a = %s AND b LIKE '%s?'",
            json!([1]),
            "a = $1 AND b LIKE '%s?'",
            vec![1],
        ),
        (
            "a = $2 AND b = $1",
            json!([1, 2]),
            "a = $1 AND b = $2",
            vec![2, 1],
        ),
        (
            "a = :x AND c::text = :y",
            json!({"y": 2, "x": 1}),
            "a = $1 AND c::text = $2",
            vec![1, 2],
        ),
        (
            "a = ? -- why?\nAND b = ? /* ? */",
            json!([1, 2]),
            "a = $1 -- why?\nAND b = $2 /* ? */",
            vec![1, 2],
        ),
        (
            "$$ ? $$, $t$ ? $t$, \"a?\", ?",
            json!([1]),
            "$$ ? $$, $t$ ? $t$, \"a?\", $1",
            vec![1],
        ),
        ("a[1:2], ?", json!([7]), "a[1:2], $1", vec![7]),
    ];
    for (sql, parameters, expected, values) in cases {
        let bound = bound(sql, parameters, Kind::Postgres);
        assert_eq!(bound.sql, expected);
        assert_eq!(
            bound.values,
            values.into_iter().map(Value::from).collect::<Vec<_>>(),
            "{sql}"
        );
    }
    assert_eq!(bound("? ?", json!([1, 2]), Kind::Sqlite).sql, "?1 ?2");
}

#[test]
fn marks_are_found_where_maria_db_has_them() {
    let cases = [
        (
            "a = $2 OR b = $1",
            json!([1, 2]),
            "a = ? OR b = ?",
            vec![2, 1],
        ),
        (
            r"a = 'it\'s ?' AND `b?` = %s # ?",
            json!([3]),
            r"a = 'it\'s ?' AND `b?` = ? # ?",
            vec![3],
        ),
        ("@n := :n", json!({"n": 4}), "@n := ?", vec![4]),
    ];
    for (sql, parameters, expected, values) in cases {
        let bound = bound(sql, parameters, Kind::MariaDb);
        assert_eq!(bound.sql, expected);
        let values: Vec<Value> = values.into_iter().map(Value::from).collect();
        assert_eq!(bound.values, values, "{sql}");
    }
}

#[test]
fn a_mark_without_a_value_is_told() {
    let statement = Statement {
        sql: "a = ? AND b = ?".to_owned(),
        parameters: json!([1]),
    };
    let fault = statement.bind(Kind::Sqlite).unwrap_err();
    assert!(fault.message.contains("place number 2"), "{fault}");
    let statement = Statement {
        sql: "a = :who".to_owned(),
        parameters: json!({"whom": 1}),
    };
    let fault = statement.bind(Kind::Sqlite).unwrap_err();
    assert!(fault.message.contains("`:who`"), "{fault}");
}

#[test]
fn a_batch_is_texts_or_dicts() {
    let list = [
        json!("DELETE FROM t"),
        json!({"query": "INSERT INTO t VALUES (?)", "params": [1]}),
    ];
    let read = statements(&list).unwrap();
    assert_eq!(read[1].parameters, json!([1]));
    assert!(statements(&[json!(5)]).is_err());
}
