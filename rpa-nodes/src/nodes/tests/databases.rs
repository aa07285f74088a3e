use serde_json::{Value, json};

use super::{gives, run_in};
use crate::document;
use crate::host::Host;
use crate::run::{Request, run_ephemeral};

/// Runs nodes in a row, all of them on one connection to a SQLite file.
fn row(folder: &std::path::Path, nodes: &[(&str, &str, Value)]) -> crate::run::Result {
    let mut document = json!({
        "metadata": {"name": "t"}, "connections": [],
        "nodes": {
            "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
            "connect": {"node_id": "connect", "node_type": "DatabaseConnectNode", "config": {"database": "t.db"}},
        },
    });
    let mut last = "connect";
    let mut links = vec![
        json!({"source_node": "start", "source_port": "exec_out", "target_node": "connect", "target_port": "exec_in"}),
    ];
    for (id, node_type, config) in nodes {
        document["nodes"][id] = json!({"node_id": id, "node_type": node_type, "config": config});
        links.push(json!({"source_node": last, "source_port": "exec_out", "target_node": id, "target_port": "exec_in"}));
        links.push(json!({"source_node": "connect", "source_port": "connection", "target_node": id, "target_port": "connection"}));
        last = id;
    }
    document["connections"] = links.into();
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

#[test]
fn rows_are_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let result = row(
        folder.path(),
        &[
            (
                "create",
                "ExecuteNonQueryNode",
                json!({"query": "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, b BLOB)"}),
            ),
            (
                "one",
                "ExecuteNonQueryNode",
                json!({"query": "INSERT INTO t (name, b) VALUES (?, x'00ff')", "parameters": "[\"Ada\"]"}),
            ),
            (
                "more",
                "ExecuteBatchNode",
                json!({"statements": [
                {"query": "INSERT INTO t (name) VALUES (:who)", "parameters": {"who": "Bob"}}, "UPDATE t SET name = upper(name)"]}),
            ),
            (
                "all",
                "ExecuteQueryNode",
                json!({"query": "SELECT id, name, b FROM t ORDER BY id"}),
            ),
            ("there", "TableExistsNode", json!({"table_name": "t"})),
            ("gone", "TableExistsNode", json!({"table_name": "u"})),
            ("columns", "GetTableColumnsNode", json!({"table_name": "t"})),
            ("close", "CloseDatabaseNode", json!({})),
        ],
    );
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.outputs["one"]["last_insert_id"], 1);
    assert_eq!(result.outputs["more"]["total_rows_affected"], 3);
    assert_eq!(
        result.outputs["all"]["results"],
        json!([{"id": 1, "name": "ADA", "b": "AP8="}, {"id": 2, "name": "BOB", "b": null}])
    );
    assert_eq!(result.outputs["all"]["columns"], json!(["id", "name", "b"]));
    assert_eq!(result.outputs["there"]["exists"], true);
    assert_eq!(result.outputs["gone"]["exists"], false);
    assert_eq!(
        result.outputs["columns"]["column_names"],
        json!(["id", "name", "b"])
    );
}

#[test]
fn what_is_rolled_back_never_was_and_what_is_committed_is() {
    let folder = tempfile::tempdir().unwrap();
    let insert = json!({"query": "INSERT INTO t VALUES (1)"});
    let result = row(
        folder.path(),
        &[
            (
                "create",
                "ExecuteNonQueryNode",
                json!({"query": "CREATE TABLE t (id INTEGER)"}),
            ),
            ("begin", "BeginTransactionNode", json!({})),
            ("lost", "ExecuteNonQueryNode", insert.clone()),
            ("rollback", "RollbackTransactionNode", json!({})),
            ("again", "BeginTransactionNode", json!({})),
            ("kept", "ExecuteNonQueryNode", insert),
            (
                "inside",
                "ExecuteQueryNode",
                json!({"query": "SELECT count(*) AS n FROM t"}),
            ),
            ("commit", "CommitTransactionNode", json!({})),
            (
                "end",
                "ExecuteQueryNode",
                json!({"query": "SELECT count(*) AS n FROM t"}),
            ),
        ],
    );
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.outputs["inside"]["results"], json!([{"n": 1}]));
    assert_eq!(result.outputs["end"]["results"], json!([{"n": 1}]));
    let lost = row(
        folder.path(),
        &[("commit", "CommitTransactionNode", json!({}))],
    );
    assert!(lost.error.unwrap().contains("BeginTransactionNode"));
}

#[test]
fn what_a_database_refuses_fails_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let result = row(
        folder.path(),
        &[(
            "ask",
            "ExecuteQueryNode",
            json!({"query": "SELECT * FROM nowhere"}),
        )],
    );
    assert_eq!(result.failed_node_id.as_deref(), Some("ask"));
    assert!(
        result
            .error
            .unwrap()
            .starts_with("DatabaseError: no such table")
    );
    let memory = run_in(
        folder.path(),
        "DatabaseConnectNode",
        json!({"database": ":memory:"}),
        json!({}),
    );
    assert!(memory.error.unwrap().contains("empty again after a crash"));
}

#[test]
fn one_node_does_all_that_the_others_do() {
    let folder = tempfile::tempdir().unwrap();
    let done = |config: Value| {
        let result = run_in(folder.path(), "DatabaseSuperNode", config, json!({}));
        assert!(result.success, "{:?}", result.error);
        result.outputs["n"].clone()
    };
    done(
        json!({"action": "Execute Batch", "database": "s.db", "statements": ["CREATE TABLE t (a)", "INSERT INTO t VALUES (7)"]}),
    );
    assert_eq!(
        done(json!({"database": "s.db", "query": "SELECT a FROM t"}))["results"],
        json!([{"a": 7}])
    );
    assert_eq!(
        gives("Base64Node", json!({"input_text": "x"}))["output"],
        "eA=="
    );
}
