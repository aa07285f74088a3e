//! Workflows that work on a real MariaDB.

use durable_tests::maria_db::MariaDb;
use durable_tests::rpa::{Printed, Robot};
use durable_tests::store::Store;
use serde_json::{Value, json};

/// Runs nodes in a row, behind one that connects with these settings.
fn run(robot: &Robot<'_>, id: &str, connect: Value, nodes: &[(&str, &str, Value)]) -> Printed {
    let mut all = json!({
        "connect": {"node_id": "connect", "node_type": "DatabaseConnectNode", "config": connect},
    });
    let mut links = Vec::new();
    let mut last = "connect";
    for (id, node_type, config) in nodes {
        all[id] = json!({"node_id": id, "node_type": node_type, "config": config});
        links.push(json!({"source_node": last, "source_port": "exec_out", "target_node": id, "target_port": "exec_in"}));
        links.push(json!({"source_node": "connect", "source_port": "connection", "target_node": id, "target_port": "connection"}));
        last = id;
    }
    let document = json!({"metadata": {"name": id}, "nodes": all, "connections": links});
    let file = robot.file(&format!("{id}.json"));
    std::fs::write(&file, document.to_string()).unwrap();
    robot.call(&["run", file.to_str().unwrap(), "--id", id])
}

fn settings(server: &MariaDb) -> Value {
    json!({"db_type": "mysql", "host": "127.0.0.1", "port": server.port(), "database": "shop", "username": MariaDb::USER,
        "password": MariaDb::PASSWORD})
}

#[test]
fn values_come_back_from_maria_db_as_what_they_are() {
    let (store, server) = (Store::sqlite(), MariaDb::start());
    let robot = Robot::new(&store);
    let create = "CREATE TABLE things (id INT AUTO_INCREMENT PRIMARY KEY, price DECIMAL(10,2), exact DECIMAL(30,10), \
        big BIGINT UNSIGNED, small TINYINT UNSIGNED, yes BOOLEAN, day DATE, moment DATETIME(3), span TIME, made YEAR, \
        part FLOAT, whole DOUBLE, bits BIT(10), kind ENUM('a', 'b'), name VARCHAR(50), sorted VARCHAR(50) COLLATE utf8mb4_bin, \
        raw BLOB, fixed BINARY(2), data JSON, nothing INT)";
    let insert = "INSERT INTO things (price, exact, big, small, yes, day, moment, span, made, part, whole, bits, kind, name, \
        sorted, raw, fixed, data, nothing) VALUES (:price, :exact, :big, 255, :yes, :day, :moment, '-26:01:02.5', 2026, 0.25, \
        1e100, b'1000000001', 'b', :name, :name, X'00FF', X'0102', :data, NULL)";
    let parameters = json!({"price": 12.5, "exact": "12345678901234567.8900000000", "big": u64::MAX, "yes": true,
        "day": "2026-11-22", "moment": "2026-11-22 23:59:58.125", "name": "Ä'\\?", "data": {"a": [1, null]}});

    let printed = run(
        &robot,
        "types",
        settings(&server),
        &[
            ("create", "ExecuteNonQueryNode", json!({"query": create})),
            (
                "insert",
                "ExecuteNonQueryNode",
                json!({"query": insert, "parameters": parameters}),
            ),
            (
                "read",
                "ExecuteQueryNode",
                json!({"query": "SELECT * FROM things WHERE name = %s # ?", "parameters": ["Ä'\\?"]}),
            ),
            (
                "json",
                "ExecuteQueryNode",
                json!({"query": "SELECT JSON_VALUE(data, '$.a[0]') + 1 AS n FROM things"}),
            ),
            ("there", "TableExistsNode", json!({"table_name": "things"})),
            (
                "within",
                "TableExistsNode",
                json!({"table_name": "shop.things"}),
            ),
            ("gone", "TableExistsNode", json!({"table_name": "nothings"})),
            (
                "columns",
                "GetTableColumnsNode",
                json!({"table_name": "things"}),
            ),
            (
                "zero",
                "ExecuteQueryNode",
                json!({"query": "SELECT CAST('0000-00-00' AS DATE) AS d, '' AS e, 1 || 0 AS o"}),
            ),
        ],
    );

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let outputs = &printed.json["outputs"];
    assert_eq!(outputs["insert"]["rows_affected"], 1);
    assert_eq!(outputs["insert"]["last_insert_id"], 1);
    let expected = json!({"id": 1, "price": 12.5, "exact": "12345678901234567.8900000000", "big": u64::MAX, "small": 255,
        "yes": 1, "day": "2026-11-22", "moment": "2026-11-22T23:59:58.125", "span": "-26:01:02", "made": 2026,
        "part": 0.25, "whole": 1e100, "bits": 513, "kind": "b", "name": "Ä'\\?", "sorted": "Ä'\\?", "raw": "AP8=",
        "fixed": "AQI=", "data": "{\"a\":[1,null]}", "nothing": null});
    let read = &outputs["read"]["results"][0];
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
    assert_eq!(outputs["read"]["row_count"], 1);
    assert_eq!(outputs["json"]["results"], json!([{"n": 2.0}]));
    let found = ["there", "within", "gone"].map(|node| outputs[node]["exists"].clone());
    assert_eq!(found, [json!(true), json!(true), json!(false)]);
    assert_eq!(outputs["columns"]["columns"][1]["type"], "decimal(10,2)");
    assert_eq!(outputs["columns"]["column_names"][2], "exact");
    assert_eq!(outputs["zero"]["results"][0]["e"], "");
    assert_eq!(
        outputs["zero"]["results"][0]["o"], 1,
        "`||` is what the server takes it for"
    );
}

#[test]
fn a_transaction_on_maria_db_is_done_as_a_whole_or_not_at_all() {
    let (store, server) = (Store::sqlite(), MariaDb::start());
    let robot = Robot::new(&store);
    let url = format!("url={}", server.url());
    let more = ["--var", url.as_str()];
    let mut life = robot.start_with("sql_transaction.json", "bank", &more);
    assert_eq!(life.visits(5).last().unwrap(), "node:take#1");
    life.kill();

    let printed = robot.run("sql_transaction.json", "bank", &more);

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let outputs = &printed.json["outputs"];
    assert_eq!(
        outputs["look"]["results"],
        json!([{"amount": 70}, {"amount": 0}])
    );
    assert_eq!(outputs["empty"]["rows_affected"], 2);
    let end = json!([{"name": "a", "amount": 70}, {"name": "b", "amount": 30}]);
    assert_eq!(outputs["end"]["results"], end);
}

#[test]
fn what_maria_db_cannot_undo_is_refused_within_a_transaction() {
    let (store, server) = (Store::sqlite(), MariaDb::start());
    let robot = Robot::new(&store);
    let write = |query: &str| json!({"query": query});

    let committing = run(
        &robot,
        "committing",
        settings(&server),
        &[
            ("begin", "BeginTransactionNode", json!({})),
            (
                "create",
                "ExecuteNonQueryNode",
                write("CREATE TABLE late (a INT)"),
            ),
        ],
    );
    let late = run(
        &robot,
        "late",
        settings(&server),
        &[(
            "batch",
            "ExecuteBatchNode",
            json!({"statements": ["INSERT INTO t VALUES (1)", "CREATE TABLE t (a INT)"]}),
        )],
    );
    let plain = run(
        &robot,
        "plain",
        settings(&server),
        &[
            (
                "create",
                "ExecuteNonQueryNode",
                write("CREATE TABLE plain (a INT) ENGINE = MyISAM"),
            ),
            ("begin", "BeginTransactionNode", json!({})),
            (
                "insert",
                "ExecuteNonQueryNode",
                write("INSERT INTO plain VALUES (1)"),
            ),
        ],
    );

    let error = |printed: &Printed| {
        printed.json["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        error(&committing).contains("told to CREATE"),
        "{}",
        error(&committing)
    );
    assert!(error(&late).contains("told to CREATE"), "{}", error(&late));
    assert!(
        error(&plain).contains("ENGINE = InnoDB"),
        "{}",
        error(&plain)
    );
    assert_eq!(plain.json["failed_node_id"], "insert");
}

#[test]
fn what_is_in_the_way_to_maria_db_is_told_without_the_password() {
    let (store, server) = (Store::sqlite(), MariaDb::start());
    let robot = Robot::new(&store);
    let mut wrong = settings(&server);
    wrong["password"] = json!("a wrong guess");
    let mut nowhere = settings(&server);
    nowhere["port"] = json!(1);

    let refused = run(&robot, "refused", wrong, &[]);
    let unreachable = run(&robot, "unreachable", nowhere, &[]);
    let unreadable = run(
        &robot,
        "unreadable",
        json!({"connection_string": "mysql://u:p@:x"}),
        &[],
    );

    let error = |printed: &Printed| {
        assert_eq!(printed.code, 2, "{}", printed.stderr);
        printed.json["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        error(&refused).contains("Access denied for user 'rpa'"),
        "{}",
        error(&refused)
    );
    assert!(!refused.json.to_string().contains("a wrong guess"));
    assert!(
        error(&unreachable).contains("127.0.0.1:1 cannot be reached"),
        "{}",
        error(&unreachable)
    );
    assert!(
        error(&unreadable).contains("mysql://USER@HOST/NAME"),
        "{}",
        error(&unreadable)
    );
}
