//! Events: what a workflow publishes under a key, and who reads it.

use std::time::{Duration, Instant};

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

const LONG: Duration = Duration::from_secs(3600);

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// Publishes its progress, held between the second value and the third.
#[workflow]
async fn publishes(ctx: WorkflowContext) -> anyhow::Result<()> {
    ctx.set_event("progress", &1).await?;
    ctx.set_event("progress", &2).await?;
    ctx.set_event("name", "Ada").await?;
    hold(&ctx).await?;
    ctx.set_event("progress", &3).await?;
    Ok(())
}

/// Reads an event of another workflow, and is held after it.
#[workflow]
async fn reads(ctx: WorkflowContext, other: String, ms: u64) -> anyhow::Result<Option<i64>> {
    let value = ctx
        .get_event(&other, "progress", Duration::from_millis(ms))
        .await?;
    hold(&ctx).await?;
    Ok(value)
}

#[step(max_attempts = 2, interval = "1ms")]
async fn tells(ctx: StepContext) -> anyhow::Result<Option<u32>> {
    ctx.set_event("attempt", &ctx.attempt()).await?;
    if ctx.attempt() == 0 {
        anyhow::bail!("once more");
    }
    Ok(ctx.get_event(ctx.workflow_id(), "attempt", LONG).await?)
}

#[workflow]
async fn tells_from_a_step(ctx: WorkflowContext) -> anyhow::Result<Option<u32>> {
    ctx.set_event("before", &true).await?;
    tells(&ctx).await
}

#[workflow]
async fn lists(ctx: WorkflowContext, other: String) -> anyhow::Result<Vec<(String, Json)>> {
    let events = ctx.all_events(&other).await?;
    hold(&ctx).await?;
    Ok(events.into_iter().collect())
}

async fn launch(store: &Store) -> Durable {
    let open = store.open().register::<publishes>().register::<reads>();
    let open = open.register::<tells_from_a_step>().register::<lists>();
    open.launch().await.unwrap()
}

const EVENT: &str = "SELECT value FROM workflow_events WHERE workflow_uuid = $1 AND key = $2";

on_both_stores! {
    /// Rules: E1, E4, N3
    async fn the_latest_value_of_a_key_counts_and_the_history_keeps_all(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        gate(&id).open();
        publishes(&durable).id(&id).await.unwrap();

        let events = store
            .rows(
                "SELECT key, value, serialization FROM workflow_events
                 WHERE workflow_uuid = $1 ORDER BY key",
                &[&id],
            )
            .await;
        assert_eq!(
            events,
            [json!(["name", "\"Ada\"", "portable_json"]), json!(["progress", "3", "portable_json"])]
        );
        let history = store
            .rows(
                "SELECT function_id, key, value, serialization FROM workflow_events_history
                 WHERE workflow_uuid = $1 ORDER BY function_id",
                &[&id],
            )
            .await;
        assert_eq!(
            history,
            [
                json!([1, "progress", "1", "portable_json"]),
                json!([2, "progress", "2", "portable_json"]),
                json!([3, "name", "\"Ada\"", "portable_json"]),
                json!([5, "progress", "3", "portable_json"]),
            ]
        );
    }

    /// Rules: R15, E1
    async fn the_record_of_a_set_event_is_empty(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        gate(&id).open();
        publishes(&durable).id(&id).await.unwrap();

        let row = store
            .row(
                "SELECT function_name, output, error, serialization, child_workflow_id
                 FROM operation_outputs WHERE workflow_uuid = $1 AND function_id = 1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["DBOS.setEvent", null, null, null, null]));
    }

    /// Rules: E1, R4
    async fn a_replay_does_not_set_an_event_again(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        drop(publishes(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        store.execute("UPDATE workflow_events SET value = '77' WHERE key = 'name'", &[]).await;

        let durable = launch(&store).await;
        gate(&id).open();
        durable.retrieve::<publishes>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(store.value(EVENT, &[&id, "name"]).await, "77");
        assert_eq!(store.value(EVENT, &[&id, "progress"]).await, "3");
    }

    /// Rules: E2, N6
    async fn a_reader_from_outside_waits_for_the_value(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        let client = durable.client();
        let reading = tokio::spawn({
            let id = id.clone();
            async move { client.get_event::<String>(&id, "name", LONG).await }
        });

        drop(publishes(&durable).id(&id).start().await.unwrap());

        assert_eq!(reading.await.unwrap().unwrap().as_deref(), Some("Ada"));
        gate(&id).open();
    }

    /// Rules: E2, N1, P1, P2, R15
    async fn a_read_event_takes_two_positions(store: Store) {
        let durable = launch(&store).await;
        let (writer, reader) = (store.id("writer"), store.id("reader"));
        gate(&writer).open();
        gate(&reader).open();
        publishes(&durable).id(&writer).await.unwrap();
        let value = reads(&durable, writer, 5000).id(&reader).await.unwrap();

        assert_eq!(value, Some(3));
        let steps = store.step_names(&reader).await;
        assert_eq!(steps, ["1 DBOS.getEvent", "2 DBOS.sleep", "3 hold"]);
        let rows = store
            .rows(
                "SELECT output, serialization, started_at_epoch_ms, completed_at_epoch_ms
                 FROM operation_outputs WHERE workflow_uuid = $1 AND function_id < 3
                 ORDER BY function_id",
                &[&reader],
            )
            .await;
        assert_eq!(rows[0][0], "3");
        assert_eq!(rows[0][1], "portable_json");
        assert_eq!(rows[1][1], "portable_json");
        let wake: f64 = rows[1][0].as_str().unwrap().parse().unwrap();
        let registered = rows[1][3].as_i64().unwrap();
        assert!(rows[1][0].as_str().unwrap().contains('.'));
        assert!((wake * 1000.0 - (registered + 5000) as f64).abs() < 100.0, "{rows:?}");
    }

    /// Rules: E2
    async fn a_replay_reads_the_recorded_value_though_it_changed_since(store: Store) {
        let durable = launch(&store).await;
        let (writer, reader) = (store.id("writer"), store.id("reader"));
        drop(publishes(&durable).id(&writer).start().await.unwrap());
        gate(&writer).reached().await;
        drop(reads(&durable, writer.clone(), 60_000).id(&reader).start().await.unwrap());
        gate(&reader).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let durable = launch(&store).await;
        gate(&writer).open();
        durable.retrieve::<publishes>(&writer).await.unwrap().result().await.unwrap();
        assert_eq!(store.value(EVENT, &[&writer, "progress"]).await, "3");
        gate(&reader).open();
        let value = durable.retrieve::<reads>(&reader).await.unwrap().result().await.unwrap();

        assert_eq!(value, Some(2));
    }

    /// Rules: E2, E3, R15
    async fn a_reader_gives_up_after_its_time_though_the_writer_has_finished(store: Store) {
        let durable = launch(&store).await;
        let (other, reader) = (store.id("other"), store.id("reader"));
        gate(&reader).open();
        tells_from_a_step(&durable).id(&other).await.unwrap();
        let begun = Instant::now();
        let value = reads(&durable, other, 300).id(&reader).await.unwrap();

        assert_eq!(value, None);
        assert!(begun.elapsed() >= Duration::from_millis(300));
        let row = store
            .row(
                "SELECT output, error, serialization FROM operation_outputs
                 WHERE workflow_uuid = $1 AND function_id = 1",
                &[&reader],
            )
            .await;
        assert_eq!(row, json!(["null", null, "portable_json"]));
    }

    /// Rules: E2, P1
    async fn a_replay_waits_only_until_the_recorded_deadline(store: Store) {
        let durable = launch(&store).await;
        let (other, reader) = (store.id("other"), store.id("reader"));
        drop(reads(&durable, other, 3_600_000).id(&reader).start().await.unwrap());
        store
            .becomes(
                "SELECT function_name FROM operation_outputs WHERE workflow_uuid = $1",
                &[&reader],
                "DBOS.sleep",
            )
            .await;
        durable.shutdown(Duration::ZERO).await;
        store
            .execute("UPDATE operation_outputs SET output = '1500000000.25'", &[])
            .await;

        let durable = launch(&store).await;
        gate(&reader).open();
        let value = durable.retrieve::<reads>(&reader).await.unwrap().result().await.unwrap();

        assert_eq!(value, None);
    }

    /// Rules: N5, E1
    async fn a_step_sets_events_at_its_own_position_and_records_nothing(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        let attempt = tells_from_a_step(&durable).id(&id).await.unwrap();

        assert_eq!(attempt, Some(1));
        assert_eq!(store.step_names(&id).await, ["1 DBOS.setEvent", "2 tells"]);
        let history = store
            .rows(
                "SELECT function_id, key, value FROM workflow_events_history
                 WHERE workflow_uuid = $1 ORDER BY function_id",
                &[&id],
            )
            .await;
        assert_eq!(history, [json!([1, "before", "true"]), json!([2, "attempt", "1"])]);
    }

    /// Rules: N3, R4
    async fn all_events_of_a_workflow_are_one_recorded_read(store: Store) {
        let durable = launch(&store).await;
        let (writer, reader) = (store.id("writer"), store.id("reader"));
        gate(&writer).open();
        publishes(&durable).id(&writer).await.unwrap();
        drop(lists(&durable, writer.clone()).id(&reader).start().await.unwrap());
        gate(&reader).reached().await;
        durable.shutdown(Duration::ZERO).await;
        store.execute("DELETE FROM workflow_events", &[]).await;

        let durable = launch(&store).await;
        gate(&reader).open();
        let events = durable.retrieve::<lists>(&reader).await.unwrap().result().await.unwrap();

        let expected = [("name".to_owned(), json!("Ada")), ("progress".to_owned(), json!(3))];
        assert_eq!(events, expected);
        assert_eq!(store.step_names(&reader).await, ["1 DBOS.get_events", "2 hold"]);
        assert!(durable.client().all_events(&writer).await.unwrap().is_empty());
    }
}
