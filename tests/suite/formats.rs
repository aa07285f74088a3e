//! Rows that another language's SDK wrote.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

const Q: Queue = Queue::new("q").polling_interval(Duration::from_millis(20));
/// What Python writes for `{"args": ("ada", 2), "kwargs": {}}`.
const ARGUMENTS: &str = "gASVIQAAAAAAAAB9lCiMBGFyZ3OUjANhZGGUSwKGlIwGa3dhcmdzlH2UdS4=";

#[workflow]
async fn describe(_ctx: WorkflowContext, name: String, times: u32) -> anyhow::Result<Json> {
    anyhow::ensure!(times < 3, "{times} times is — too often");
    Ok(json!({"name": name, "times": times}))
}

#[workflow]
async fn calls_describe(ctx: WorkflowContext) -> anyhow::Result<Json> {
    describe(&ctx, "ada".into(), 1).id("pickled").await
}

#[workflow]
async fn looks(ctx: WorkflowContext, id: String) -> anyhow::Result<Json> {
    let status = ctx.workflow_status(&id).await?;
    let status = status.ok_or_else(|| anyhow::anyhow!("there is no workflow `{id}`"))?;
    Ok(json!([
        status.status,
        status.input_value(),
        status.output_value()
    ]))
}

/// What a program of another language puts on the queue.
async fn enqueue(store: &Store, id: &str, input: &str, serialization: Option<&str>) {
    let serialization = serialization.map_or("NULL".to_owned(), |name| format!("'{name}'"));
    let sql = format!(
        "INSERT INTO workflow_status (workflow_uuid, status, name, recovery_attempts, queue_name, priority, serialization)
         VALUES ($1, 'ENQUEUED', 'describe', 0, 'q', 0, {serialization})"
    );
    store
        .execute(
            "INSERT INTO workflow_input (workflow_uuid, inputs) VALUES ($1, $2)",
            &[id, input],
        )
        .await;
    store.execute(&sql, &[id]).await;
}

async fn ended(store: &Store, id: &str) -> Json {
    let status = "SELECT count(*) FROM workflow_output WHERE workflow_uuid = $1";
    store.becomes(status, &[id], 1).await;
    store.row("SELECT s.status, s.serialization, o.output, o.error FROM workflow_status s JOIN workflow_output o ON o.workflow_uuid = s.workflow_uuid WHERE s.workflow_uuid = $1", &[id]).await
}

on_both_stores! {
    /// Rules: F8
    async fn a_pickled_row_is_run_and_answered_with_a_pickle(store: Store) {
        let durable = store.open().register::<describe>().register::<calls_describe>().queue(&Q).launch().await.unwrap();
        enqueue(&store, "pickled", ARGUMENTS, Some("py_pickle")).await;

        let row = ended(&store, "pickled").await;

        assert_eq!((&row[0], &row[1]), (&json!("SUCCESS"), &json!("py_pickle")));
        assert!(row[2].as_str().unwrap().starts_with("gA"), "{row}");
        // Whoever awaits it here reads the pickle.
        assert_eq!(calls_describe(&durable).await.unwrap(), json!({"name": "ada", "times": 2}));
    }

    /// Rules: F8, F12
    async fn an_error_of_a_pickled_row_is_an_exception_of_python(store: Store) {
        let _durable = store.open().register::<describe>().queue(&Q).launch().await.unwrap();
        // {"args": ("ada", 3), "kwargs": {}}
        enqueue(&store, "wf", "gASVIQAAAAAAAAB9lCiMBGFyZ3OUjANhZGGUSwOGlIwGa3dhcmdzlH2UdS4=", Some("py_pickle")).await;

        let row = ended(&store, "wf").await;

        assert_eq!(row[0], "ERROR");
        // Protocol 0: cbuiltins\nException\n(V3 times is \u2014 too often\ntR.
        assert_eq!(row[3], "Y2J1aWx0aW5zCkV4Y2VwdGlvbgooVjMgdGltZXMgaXMgXHUyMDE0IHRvbyBvZnRlbgp0Ui4=");
    }

    async fn a_pickle_of_more_than_plain_data_is_an_error_that_python_can_read(store: Store) {
        let _durable = store.open().register::<describe>().queue(&Q).launch().await.unwrap();
        // {"args": (datetime.date(2020, 1, 1),), "kwargs": {}}
        let input = "gASVOAAAAAAAAAB9lCiMBGFyZ3OUjAhkYXRldGltZZSMBGRhdGWUk5RDBAfkAQGUhZRSlIWUjAZrd2FyZ3OUfZR1Lg==";
        enqueue(&store, "wf", input, Some("py_pickle")).await;

        let row = ended(&store, "wf").await;

        assert_eq!(row[0], "ERROR");
        assert!(row[3].as_str().unwrap().starts_with("Y2J1aWx0aW5zCkV4Y2VwdGlvbgoo"), "{row}");
    }

    async fn the_run_of_a_schedule_comes_in_an_envelope_of_its_own(store: Store) {
        let _durable = store.open().register::<describe>().queue(&Q).launch().await.unwrap();
        enqueue(&store, "wf", r#"{"args":["ada",1],"kwargs":{}}"#, None).await;

        let row = ended(&store, "wf").await;

        assert_eq!(row, json!(["SUCCESS", null, r#"{"name":"ada","times":1}"#, null]));
    }

    /// Rules: F10
    async fn the_status_of_a_pickled_workflow_can_be_asked_for_in_a_workflow(store: Store) {
        let durable = store.open().register::<describe>().register::<looks>().queue(&Q).launch().await.unwrap();
        enqueue(&store, "pickled", ARGUMENTS, Some("py_pickle")).await;
        ended(&store, "pickled").await;

        let seen = looks(&durable, "pickled".into()).id("looks").await.unwrap();

        let input = json!({"positionalArgs": ["ada", 2], "namedArgs": {}});
        assert_eq!(seen, json!(["SUCCESS", input, {"name": "ada", "times": 2}]));
        assert_eq!(store.step_names("looks").await, ["1 DBOS.getStatus"]);
    }
}
