//! Workflows that wait for a time before they may run.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use serde_json::json;

const LATER: Queue = Queue::new("later").polling_interval(Duration::from_millis(20));

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

#[workflow]
async fn held(ctx: WorkflowContext) -> anyhow::Result<()> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// A delayed workflow on a queue that nobody serves.
async fn delay(store: &Store, id: &str, until_ms: &str) {
    store
        .execute(
            "INSERT INTO workflow_status (workflow_uuid, status, name, queue_name, priority,
                 deduplication_id, delay_until_epoch_ms, updated_at)
             VALUES ($1, 'DELAYED', 'held', 'unserved', 0, $1, $2, 7)",
            &[id, until_ms],
        )
        .await;
}

on_both_stores! {
    /// Rules: L2, Q23
    async fn a_delayed_workflow_runs_when_its_delay_is_over(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().queue(&LATER).launch().await.unwrap();

        let call = held(&durable).id(&id).queue(&LATER).delay(Duration::from_millis(400));
        let handle = call.start().await.unwrap();

        assert_eq!(store.status(&id, "status").await, "DELAYED");
        gate(&id).open();
        handle.result().await.unwrap();
        let late = store.status(&id, "started_at_epoch_ms - delay_until_epoch_ms").await;
        assert!((0..800).contains(&late.as_i64().unwrap()), "{late} ms late");
    }

    /// Rules: Q23
    async fn a_delay_ends_while_nothing_else_of_a_workflow_changes(store: Store) {
        let id = store.id("wf");
        let durable = store.open().launch().await.unwrap();

        delay(&store, &id, "1").await;
        store.becomes(STATUS, &[&id], "ENQUEUED").await;

        let row = store
            .row(
                "SELECT queue_name, deduplication_id, delay_until_epoch_ms, updated_at
                 FROM workflow_status WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["unserved", id, 1, 7]));
        drop(durable);
    }

    /// Rules: B4
    async fn a_debounced_workflow_lets_go_of_its_key_when_its_delay_is_over(store: Store) {
        let id = store.id("wf");
        let durable = store.open().launch().await.unwrap();

        delay(&store, &id, "9000000000000").await;
        let sql = "UPDATE workflow_status SET is_debounced = TRUE, delay_until_epoch_ms = 1";
        store.execute(sql, &[]).await;
        store.becomes(STATUS, &[&id], "ENQUEUED").await;

        assert_eq!(store.status(&id, "deduplication_id").await, json!(null));
        drop(durable);
    }

    /// Rules: Q23
    async fn the_delays_of_other_applications_are_theirs(store: Store) {
        let (ours, theirs) = (store.id("ours"), store.id("theirs"));
        let durable = store.open().application("our-app").launch().await.unwrap();
        delay(&store, &theirs, "9000000000000").await;
        let sql = "UPDATE workflow_status SET application_name = 'their-app', delay_until_epoch_ms = 1";
        store.execute(sql, &[]).await;

        delay(&store, &ours, "2").await;
        store.becomes(STATUS, &[&ours], "ENQUEUED").await;

        // The earlier delay would have ended first.
        assert_eq!(store.status(&theirs, "status").await, "DELAYED");
        drop(durable);
    }

    async fn a_delay_outlives_the_process_that_asked_for_it(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<held>().queue(&LATER);
        let durable = open().launch().await.unwrap();
        let call = held(&durable).id(&id).queue(&LATER).delay(Duration::from_millis(300));
        drop(call.start().await.unwrap());
        durable.shutdown(Duration::ZERO).await;

        let durable = open().launch().await.unwrap();
        gate(&id).open();

        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
    }
}
