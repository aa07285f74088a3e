//! Nodes that work on databases: SQLite files, PostgreSQL and MariaDB servers. What they do is in `visit/database.rs`.

use serde_json::json;

use crate::catalogue::{DatabaseAct, Effect, Kind, NodeType};

const KINDS: &[&str] = &["sqlite", "postgresql", "mysql"];
const ACTIONS: &[&str] = &[
    "Connect",
    "Query (SELECT)",
    "Execute (INSERT/UPDATE/DELETE)",
    "Begin Transaction",
    "Commit",
    "Rollback",
    "Close",
    "Execute Batch",
];

pub(super) fn types() -> Vec<NodeType> {
    let node = |name, effect, summary, act| {
        NodeType::database(name, effect, summary, act)
            .output("success", Kind::Boolean)
            .output("error", Kind::Text)
    };
    let place = |node_type: NodeType| {
        node_type
            .input_or("db_type", Kind::Choice(KINDS), "sqlite")
            .input_or("host", Kind::Text, "localhost")
            .input_or("port", Kind::Integer, 5432)
            .input("database", Kind::Text)
            .input("username", Kind::Text)
            .input("password", Kind::Text)
            .input("connection_string", Kind::Text)
            .optional("credential_name", Kind::Text)
            .property("timeout", Kind::Float, json!(30.0))
            .property("pool_size", Kind::Integer, 5)
    };
    let uses = |node_type: NodeType| {
        node_type
            .needs("connection", Kind::Any)
            .property("retry_count", Kind::Integer, 0)
            .property("retry_interval", Kind::Integer, 1000)
            .output("connection", Kind::Any)
    };
    let asks = |node_type: NodeType| {
        node_type
            .input("query", Kind::Text)
            .input("parameters", Kind::Any)
            .key("sql", "query")
            .key("params", "parameters")
    };
    let once = |node_type: NodeType| node_type.property("deduplicate", Kind::Boolean, true);
    vec![
        place(node(
            "DatabaseConnectNode",
            Effect::Reads,
            "Says which database is meant: a SQLite file, or a server of PostgreSQL, MariaDB or MySQL. Connections are opened when they are used, \
             also by a run that goes on after a crash.",
            DatabaseAct::Connect,
        ))
        .property("ssl", Kind::Boolean, false)
        .optional("ssl_ca", Kind::Text)
        .property("auto_commit", Kind::Boolean, true)
        .property("charset", Kind::Text, "utf8mb4")
        .property("retry_count", Kind::Integer, 0)
        .property("retry_interval", Kind::Integer, 2000)
        .output("connection", Kind::Any),
        asks(uses(node(
            "ExecuteQueryNode",
            Effect::Reads,
            "Reads rows. Parameters are a list for `?`, `%s` or `$1`, or a dict for `:name`.",
            DatabaseAct::Query,
        )))
        .output("results", Kind::List)
        .output("row_count", Kind::Integer)
        .output("columns", Kind::List),
        once(asks(uses(node(
            "ExecuteNonQueryNode",
            Effect::Once,
            "Changes rows, once, whatever crashes: in the transaction of its own record where the database is the one that \
             keeps the run, else with a row in the table `rpa_visits` of that database. With `deduplicate` false, at least once.",
            DatabaseAct::Execute,
        ))))
        .output("rows_affected", Kind::Integer)
        .output("last_insert_id", Kind::Integer),
        once(uses(node(
            "ExecuteBatchNode",
            Effect::Once,
            "Does several statements in one transaction, once: all of them or none.",
            DatabaseAct::Batch,
        )))
        .input_or("statements", Kind::List, json!([]))
        .property("stop_on_error", Kind::Boolean, true)
        .output("results", Kind::List)
        .output("total_rows_affected", Kind::Integer),
        uses(node(
            "BeginTransactionNode",
            Effect::Pure,
            "What the same connection changes from here on is done by its commit, all at once. Until then each statement is \
             tried and undone.",
            DatabaseAct::Begin,
        )),
        uses(node(
            "CommitTransactionNode",
            Effect::Once,
            "Does all that a transaction consists of, once, whatever crashes.",
            DatabaseAct::Commit,
        )),
        uses(node(
            "RollbackTransactionNode",
            Effect::Pure,
            "Gives a transaction up.",
            DatabaseAct::Rollback,
        )),
        uses(node(
            "CloseDatabaseNode",
            Effect::Pure,
            "A connection is not needed any more.",
            DatabaseAct::Close,
        )),
        uses(node(
            "TableExistsNode",
            Effect::Reads,
            "Whether there is a table.",
            DatabaseAct::TableExists,
        ))
        .needs("table_name", Kind::Text)
        .output("exists", Kind::Boolean),
        uses(node(
            "GetTableColumnsNode",
            Effect::Reads,
            "The columns of a table.",
            DatabaseAct::Columns,
        ))
        .needs("table_name", Kind::Text)
        .output("columns", Kind::List)
        .output("column_names", Kind::List),
        once(asks(place(node(
            "DatabaseSuperNode",
            Effect::Once,
            "All of the database nodes in one: `action` says which. Without a connection its own settings say where.",
            DatabaseAct::Any,
        ))))
        .input_or("action", Kind::Choice(ACTIONS), "Query (SELECT)")
        .input("connection", Kind::Any)
        .input_or("statements", Kind::List, json!([]))
        .property("use_ssl", Kind::Boolean, false)
        .property("stop_on_error", Kind::Boolean, true)
        .output("connection", Kind::Any)
        .output("results", Kind::List)
        .output("row_count", Kind::Integer)
        .output("columns", Kind::List)
        .output("rows_affected", Kind::Integer)
        .output("last_insert_id", Kind::Integer)
        .exits(&["exec_out", "exec_error"]),
    ]
}
