//! What is done to workflows: from clients, from runtimes, and from other workflows.

mod aggregates;
mod attributes;
mod cancel;
mod delete;
mod fork;
mod from_workflows;
mod listing;
mod rename;
mod resume;
mod retention;
mod rewind;
mod transfer;
mod versions;

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, Status, StoreError};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::note;
use serde_json::{Value as Json, json};

const EVERY_STATUS: [Status; 7] = [
    Status::Enqueued,
    Status::Delayed,
    Status::Pending,
    Status::Success,
    Status::Error,
    Status::Cancelled,
    Status::MaxRecoveryAttemptsExceeded,
];

const SIDE: Queue = Queue::new("side").polling_interval(Duration::from_millis(20));

/// A client of a database with its tables, on which nothing runs.
async fn client(store: &Store) -> Client {
    let durable = store.open().launch().await.unwrap();
    durable.shutdown(Duration::ZERO).await;
    Client::connect(store.url()).await.unwrap()
}

/// Puts a workflow in this state into the database, with something in every column that is changed by anything here.
async fn given(store: &Store, id: &str, status: Status) {
    let completed = if status.is_finished() { "7" } else { "NULL" };
    store
        .execute(
            &format!(
                "INSERT INTO workflow_status (workflow_uuid, status, name, class_name, config_name,
                     executor_id, application_version, application_id, recovery_attempts,
                     queue_name, priority, owner_xid, serialization, queue_partition_key,
                     deduplication_id, delay_until_epoch_ms, workflow_timeout_ms,
                     workflow_deadline_epoch_ms, authenticated_user, assumed_role,
                     authenticated_roles, attributes, started_at_epoch_ms, completed_at,
                     created_at, updated_at)
                 VALUES ($1, $2, 'given', 'Class', 'config', 'somebody', 'v', 'app', 3, 'q', 4,
                     'owner', 'portable_json', 'p', $1, 11, 60000, 9000000000000, 'ann', 'admin',
                     '[\"admin\"]', '{{\"k\":1}}', 5, {completed}, 1, 1)"
            ),
            &[id, status.as_str()],
        )
        .await;
    let input = r#"{"positionalArgs":[1],"namedArgs":{}}"#;
    store
        .execute(
            "INSERT INTO workflow_input (workflow_uuid, inputs) VALUES ($1, $2)",
            &[id, input],
        )
        .await;
    if matches!(status, Status::Success | Status::Error) {
        store
            .execute(
                "INSERT INTO workflow_output (workflow_uuid, output) VALUES ($1, '\"done\"')",
                &[id],
            )
            .await;
    }
}

/// Makes a workflow the child of another one.
async fn adopt(store: &Store, parent: &str, child: &str) {
    let sql = "UPDATE workflow_status SET parent_workflow_id = $1 WHERE workflow_uuid = $2";
    store.execute(sql, &[parent, child]).await;
}

/// Records a step of a workflow.
async fn step(store: &Store, id: &str, position: i32, output: &str) {
    store
        .execute(
            &format!(
                "INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output,
                     serialization, started_at_epoch_ms, completed_at_epoch_ms)
                 VALUES ($1, {position}, 'step{position}', $2, 'portable_json', 100, 110)"
            ),
            &[id, output],
        )
        .await;
}

/// What a workflow has in the columns that are changed by anything here, by name.
async fn state(store: &Store, id: &str) -> Json {
    const COLUMNS: [&str; 18] = [
        "status",
        "owner_xid",
        "queue_name",
        "deduplication_id",
        "started_at_epoch_ms",
        "recovery_attempts",
        "workflow_deadline_epoch_ms",
        "application_version",
        "priority",
        "queue_partition_key",
        "workflow_timeout_ms",
        "executor_id",
        "delay_until_epoch_ms",
        "created_at",
        "name",
        "was_forked_from",
        "forked_from",
        "application_name",
    ];
    let sql = format!(
        "SELECT {} FROM workflow_status WHERE workflow_uuid = $1",
        COLUMNS.join(", ")
    );
    let row = store.row(&sql, &[id]).await;
    let values = row.as_array().unwrap().iter().cloned();
    let names = COLUMNS.iter().map(|name| (*name).to_owned());
    let mut state = Json::Object(names.zip(values).collect());
    // SQLite keeps it as a number.
    state["was_forked_from"] = truth(&state["was_forked_from"]).into();
    state
}

/// What is true or false, of either database.
fn truth(value: &Json) -> bool {
    value.as_bool().unwrap_or(*value == 1)
}

/// The same with some of the columns changed.
fn with(mut state: Json, changes: Json) -> Json {
    for (column, value) in changes.as_object().unwrap() {
        state[column] = value.clone();
    }
    state
}

/// The number of rows of a table about a workflow.
async fn rows(store: &Store, table: &str, id: &str) -> i64 {
    let column = if table == "notifications" {
        "destination_uuid"
    } else {
        "workflow_uuid"
    };
    let sql = format!("SELECT count(*) FROM {table} WHERE {column} = $1");
    store.value(&sql, &[id]).await.as_i64().unwrap()
}

/// The text of a refusal.
fn misuse(error: durable_runtime::Error) -> String {
    match error {
        durable_runtime::Error::Misuse(text) => text,
        other => panic!("{other:?}"),
    }
}

/// Waits at the gate of its workflow.
#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// Writes down under a key that it ran.
#[step]
async fn mark(_ctx: StepContext, key: String, text: String) -> anyhow::Result<String> {
    note(key, text.clone());
    Ok(text)
}

/// Writes `a` down, waits at its gate, writes `b` down.
#[workflow]
async fn held(ctx: WorkflowContext, key: String) -> anyhow::Result<String> {
    mark(&ctx, key.clone(), "a".into()).await?;
    hold(&ctx).await?;
    mark(&ctx, key, "b".into()).await
}

/// Starts another one and waits for it.
#[workflow]
async fn parent(ctx: WorkflowContext, key: String) -> anyhow::Result<String> {
    held(&ctx, key).await
}

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    async fn a_client_does_not_make_a_database(store: Store) {
        let refused = Client::connect(store.url()).await;

        let error = refused.map(drop).unwrap_err();
        if store.is_postgres() {
            assert!(error.to_string().contains("schema version"), "{error}");
        } else {
            let durable_runtime::Error::Store(error) = error else { panic!("{error}") };
            assert!(matches!(*error, StoreError::Open { .. }), "{error}");
            assert!(!store.path().unwrap().exists());
        }
    }

    async fn a_client_of_a_runtime_outlives_its_variable(store: Store) {
        let durable = store.open().register::<held>().launch().await.unwrap();
        let client = durable.client();
        drop(durable);

        let listed = client.list(durable_runtime::WorkflowFilter::new()).await.unwrap();

        assert_eq!(listed.len(), 0);
        assert_eq!(json!([]), serde_json::to_value(listed).unwrap());
    }
}
