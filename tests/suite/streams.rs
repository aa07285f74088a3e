//! Streams: values that are read while they are written.

use std::time::Duration;

use durable_runtime::Error;
use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{note, noted};
use serde_json::json;

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// Writes two values, is held, writes a third, and closes its stream if it is told to.
#[workflow]
async fn writes(ctx: WorkflowContext, close: bool) -> anyhow::Result<()> {
    ctx.write_stream("out", "a").await?;
    ctx.write_stream("out", "b").await?;
    hold(&ctx).await?;
    ctx.write_stream("out", "c").await?;
    if close {
        ctx.close_stream("out").await?;
        ctx.write_stream("out", "behind the end").await?;
    }
    Ok(())
}

/// Reads a stream to its end, and is held.
#[workflow]
async fn reads(ctx: WorkflowContext, other: String) -> anyhow::Result<Vec<String>> {
    let mut reader = ctx.read_stream::<String>(&other, "out");
    let mut values = Vec::new();
    while let Some(value) = reader.next().await? {
        note(ctx.workflow_id(), &value);
        values.push(value);
    }
    hold(&ctx).await?;
    Ok(values)
}

#[workflow]
async fn reads_one(ctx: WorkflowContext, other: String, offset: u32) -> anyhow::Result<String> {
    let limit = Some(Duration::from_millis(50));
    let value = match ctx.read_stream_offset(&other, "out", offset, limit).await {
        Ok(value) => value,
        Err(Error::StreamTimedOut { offset, .. }) => format!("nothing at {offset}"),
        Err(error) => return Err(error.into()),
    };
    note(ctx.workflow_id(), &value);
    hold(&ctx).await?;
    Ok(value)
}

#[workflow]
async fn reads_two_at_once(ctx: WorkflowContext, other: String) -> anyhow::Result<String> {
    let mut first = ctx.read_stream::<String>(&other, "out");
    let mut second = ctx.read_stream::<String>(&other, "out");
    let reading = first.next();
    let raced = second.next().await.unwrap_err();
    anyhow::ensure!(matches!(raced, Error::StreamReadsRaced { .. }), raced);
    let value = reading.await?.unwrap_or_default();
    // One after the other is fine.
    Ok(value + &second.next().await?.unwrap_or_default())
}

#[step(max_attempts = 2, interval = "1ms")]
async fn writes_in_a_step(ctx: StepContext) -> anyhow::Result<()> {
    ctx.write_stream("out", &ctx.attempt()).await?;
    anyhow::ensure!(ctx.attempt() > 0, "once more");
    ctx.close_stream("out").await?;
    Ok(())
}

#[workflow]
async fn has_a_writing_step(ctx: WorkflowContext) -> anyhow::Result<()> {
    writes_in_a_step(&ctx).await
}

async fn launch(store: &Store) -> Durable {
    let open = store.open().register::<writes>().register::<reads>();
    let open = open.register::<reads_one>().register::<reads_two_at_once>();
    open.register::<has_a_writing_step>()
        .launch()
        .await
        .unwrap()
}

async fn collect<T: durable_runtime::Value>(
    mut reader: durable_runtime::StreamReader<T>,
) -> Vec<T> {
    let mut values = Vec::new();
    while let Some(value) = reader.next().await.unwrap() {
        values.push(value);
    }
    values
}

const ENTRIES: &str = "
    SELECT \"offset\", value, function_id, serialization FROM streams
    WHERE workflow_uuid = $1 AND key = 'out' ORDER BY \"offset\"";

on_both_stores! {
    /// Rules: X1, X2, X3, R15
    async fn a_stream_is_read_in_order_until_it_is_closed(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        gate(&id).open();
        writes(&durable, true).id(&id).await.unwrap();

        let values: Vec<String> = collect(durable.client().read_stream(&id, "out")).await;
        assert_eq!(values, ["a", "b", "c"]);
        let entries = store.rows(ENTRIES, &[&id]).await;
        let expected = [
            json!([0, "\"a\"", 1, "portable_json"]),
            json!([1, "\"b\"", 2, "portable_json"]),
            json!([2, "\"c\"", 4, "portable_json"]),
            json!([3, "\"__DBOS_STREAM_CLOSED__\"", 5, "portable_json"]),
            json!([4, "\"behind the end\"", 6, "portable_json"]),
        ];
        assert_eq!(entries, expected);
        let steps = store.steps(&id).await;
        assert_eq!(steps[0], json!([1, "DBOS.writeStream", null, null, null]));
        assert_eq!(steps[4], json!([5, "DBOS.closeStream", null, null, null]));
    }

    /// Rules: X3
    async fn a_stream_ends_with_its_workflow(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        let handle = writes(&durable, false).id(&id).start().await.unwrap();
        let mut reader = durable.client().read_stream::<String>(&id, "out");
        assert_eq!(reader.next().await.unwrap().as_deref(), Some("a"));
        assert_eq!(reader.next().await.unwrap().as_deref(), Some("b"));

        gate(&id).open();

        assert_eq!(reader.next().await.unwrap().as_deref(), Some("c"));
        assert_eq!(reader.next().await.unwrap(), None);
        assert_eq!(reader.next().await.unwrap(), None);
        handle.result().await.unwrap();
    }

    /// Rules: X3, R15, N3
    async fn a_workflow_records_every_value_and_the_end(store: Store) {
        let durable = launch(&store).await;
        let (writer, reader) = (store.id("writer"), store.id("reader"));
        gate(&writer).open();
        gate(&reader).open();
        writes(&durable, true).id(&writer).await.unwrap();
        let values = reads(&durable, writer).id(&reader).await.unwrap();

        assert_eq!(values, ["a", "b", "c"]);
        let steps = store.steps(&reader).await;
        let output = |index: usize| (steps[index][1].clone(), steps[index][2].clone());
        let name = json!("DBOS.readStream");
        for (index, text) in ["\"a\"", "\"b\"", "\"c\"", "\"__DBOS_STREAM_CLOSED__\""].iter().enumerate() {
            assert_eq!(output(index), (name.clone(), json!(text)));
        }
        assert_eq!(steps[4][1], "hold");
    }

    /// Rules: X3, R4
    async fn a_replay_reads_what_it_read_before(store: Store) {
        let durable = launch(&store).await;
        let (writer, reader) = (store.id("writer"), store.id("reader"));
        gate(&writer).open();
        writes(&durable, true).id(&writer).await.unwrap();
        drop(reads(&durable, writer).id(&reader).start().await.unwrap());
        gate(&reader).reached().await;
        durable.shutdown(Duration::ZERO).await;
        store.execute("UPDATE streams SET value = '\"changed\"'", &[]).await;

        let durable = launch(&store).await;
        gate(&reader).open();
        let values = durable.retrieve::<reads>(&reader).await.unwrap().result().await.unwrap();

        assert_eq!(values, ["a", "b", "c"]);
        assert_eq!(noted(&reader), ["a", "b", "c", "a", "b", "c"]);
    }

    /// Rules: X1, R4
    async fn a_replay_does_not_append_again(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        drop(writes(&durable, true).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let durable = launch(&store).await;
        gate(&id).open();
        let values: Vec<String> = collect(durable.client().read_stream(&id, "out")).await;

        assert_eq!(values, ["a", "b", "c"]);
    }

    /// Rules: X3, X4, R4
    async fn a_value_that_does_not_come_in_time_is_a_recorded_error(store: Store) {
        let durable = launch(&store).await;
        let (writer, reader) = (store.id("writer"), store.id("reader"));
        drop(writes(&durable, true).id(&writer).start().await.unwrap());
        gate(&writer).reached().await;
        drop(reads_one(&durable, writer.clone(), 2).id(&reader).start().await.unwrap());
        gate(&reader).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let durable = launch(&store).await;
        gate(&writer).open();
        durable.retrieve::<writes>(&writer).await.unwrap().result().await.unwrap();
        gate(&reader).open();
        let value = durable.retrieve::<reads_one>(&reader).await.unwrap().result().await.unwrap();

        assert_eq!(value, "nothing at 2");
        let steps = store.steps(&reader).await;
        assert_eq!(steps[0][1], "DBOS.readStreamOffset");
        let error: serde_json::Value = serde_json::from_str(steps[0][3].as_str().unwrap()).unwrap();
        assert_eq!((&error["name"], &error["code"]), (&json!("DBOSStreamTimeoutError"), &json!(16)));
    }

    /// Rules: X4
    async fn one_value_is_read_at_its_place(store: Store) {
        let durable = launch(&store).await;
        let writer = store.id("writer");
        gate(&writer).open();
        writes(&durable, true).id(&writer).await.unwrap();
        for (offset, expected) in [(1, "b"), (3, "nothing at 3"), (9, "nothing at 9")] {
            let reader = store.id("reader");
            gate(&reader).open();
            let value = reads_one(&durable, writer.clone(), offset).id(&reader).await.unwrap();
            assert_eq!(value, expected);
        }
        let client = durable.client();
        let value: String = client.read_stream_offset(&writer, "out", 2, None).await.unwrap();
        assert_eq!(value, "c");
        let behind = client.read_stream_offset::<String>(&writer, "out", 9, None).await;
        assert!(matches!(behind, Err(Error::StreamTimedOut { offset: 9, .. })), "{behind:?}");
    }

    /// Rules: X5
    async fn a_workflow_reads_one_stream_at_a_time(store: Store) {
        let durable = launch(&store).await;
        let writer = store.id("writer");
        gate(&writer).open();
        writes(&durable, true).id(&writer).await.unwrap();
        let id = store.id("reader");

        assert_eq!(reads_two_at_once(&durable, writer).id(&id).await.unwrap(), "aa");
        assert_eq!(store.step_names(&id).await, ["1 DBOS.readStream", "2 DBOS.readStream"]);
    }

    /// Rules: X3
    async fn a_stream_of_nobody_is_an_error(store: Store) {
        let durable = launch(&store).await;
        let mut reader = durable.client().read_stream::<String>("nobody", "out");
        let read = reader.next().await;

        assert!(matches!(read, Err(Error::NoSuchWorkflow { id }) if id == "nobody"));
    }

    /// Rules: N5, X1
    async fn a_step_that_runs_again_appends_again(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        has_a_writing_step(&durable).id(&id).await.unwrap();

        let values: Vec<u32> = collect(durable.client().read_stream(&id, "out")).await;
        assert_eq!(values, [0, 1]);
        assert_eq!(store.step_names(&id).await, ["1 writes_in_a_step"]);
        let entries = store.rows(ENTRIES, &[&id]).await;
        assert!(entries.iter().all(|entry| entry[2] == 1), "{entries:?}");
    }

    async fn a_reader_begins_where_it_is_told_and_goes_on_behind_a_value_of_another_type(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        gate(&id).open();
        writes(&durable, true).id(&id).await.unwrap();
        store
            .execute("UPDATE streams SET value = '7' WHERE \"offset\" = 1", &[])
            .await;

        let mut reader = durable.client().read_stream::<String>(&id, "out").offset(1);
        let wrong = reader.next().await;
        assert!(matches!(wrong, Err(Error::Format { .. })), "{wrong:?}");
        assert_eq!(reader.next().await.unwrap().as_deref(), Some("c"));
    }
}
