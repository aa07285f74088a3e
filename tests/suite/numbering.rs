//! The numbers of calls within a workflow, and the rows that calls to children leave.

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use serde_json::json;
use tokio::join;

#[step]
async fn first(_ctx: StepContext) -> anyhow::Result<u8> {
    Ok(1)
}

#[step]
async fn second(_ctx: StepContext) -> anyhow::Result<u8> {
    Ok(2)
}

#[step(name = "third of all")]
async fn third(_ctx: StepContext) -> anyhow::Result<u8> {
    Ok(3)
}

#[step]
async fn slow(ctx: StepContext) -> anyhow::Result<u8> {
    gate(ctx.workflow_id()).pass().await;
    Ok(0)
}

#[step]
async fn opens(ctx: StepContext) -> anyhow::Result<u8> {
    gate(ctx.workflow_id()).open();
    Ok(0)
}

#[workflow]
async fn in_a_row(ctx: WorkflowContext) -> anyhow::Result<u8> {
    Ok(first(&ctx).await? + second(&ctx).await? + third(&ctx).await?)
}

#[workflow]
async fn polled_backwards(ctx: WorkflowContext) -> anyhow::Result<u8> {
    let one = first(&ctx);
    let two = second(&ctx);
    let three = third(&ctx);
    assert_eq!(
        (one.position(), two.position(), three.position()),
        (1, 2, 3)
    );
    let three = three.await?;
    let two = two.await?;
    Ok(one.await? + two + three)
}

#[workflow]
async fn joined(ctx: WorkflowContext) -> anyhow::Result<u8> {
    // The first call finishes last: it waits for the second.
    let (slow, opens) = join!(slow(&ctx), opens(&ctx));
    Ok(slow? + opens? + first(&ctx).await?)
}

#[workflow]
async fn never_polled(ctx: WorkflowContext) -> anyhow::Result<u8> {
    let one = first(&ctx).await?;
    drop(second(&ctx));
    Ok(one + third(&ctx).await?)
}

#[workflow]
async fn child(ctx: WorkflowContext, value: u8) -> anyhow::Result<u8> {
    Ok(first(&ctx).await? + value)
}

#[workflow]
async fn inline_parent(ctx: WorkflowContext) -> anyhow::Result<u8> {
    let before = first(&ctx).await?;
    let inline = child(&ctx, 10).await?;
    Ok(before + inline + second(&ctx).await?)
}

#[workflow]
async fn starting_parent(ctx: WorkflowContext) -> anyhow::Result<u8> {
    let handle = child(&ctx, 10).start().await?;
    let between = second(&ctx).await?;
    Ok(handle.result().await? + between + handle.result().await?)
}

#[workflow]
async fn naming_parent(ctx: WorkflowContext, id: String) -> anyhow::Result<u8> {
    child(&ctx, 10).id(id).await
}

on_both_stores! {
    /// Rules: N1, F4
    async fn calls_are_numbered_from_one_and_named(store: Store) {
        let durable = store.open().register::<in_a_row>().launch().await.unwrap();

        assert_eq!(in_a_row(&durable).id("wf").await.unwrap(), 6);

        assert_eq!(
            store.steps("wf").await,
            [
                json!([1, "first", "1", null, null]),
                json!([2, "second", "2", null, null]),
                json!([3, "third of all", "3", null, null]),
            ]
        );
    }

    /// Rules: R11, R15
    async fn the_row_of_a_step_has_its_times_and_its_format(store: Store) {
        let durable = store.open().register::<in_a_row>().launch().await.unwrap();

        in_a_row(&durable).id("wf").await.unwrap();

        let formats = store
            .rows("SELECT DISTINCT serialization FROM operation_outputs", &[])
            .await;
        let timeless = store
            .value(
                "SELECT count(*) FROM operation_outputs
                 WHERE started_at_epoch_ms IS NULL OR completed_at_epoch_ms IS NULL
                    OR completed_at_epoch_ms < started_at_epoch_ms",
                &[],
            )
            .await;
        assert_eq!(formats, [json!(["portable_json"])]);
        assert_eq!(timeless, 0);
    }

    /// Rules: N2
    async fn calls_keep_their_order_when_they_are_polled_in_another(store: Store) {
        let durable = store.open().register::<polled_backwards>().launch().await.unwrap();

        assert_eq!(polled_backwards(&durable).id("wf").await.unwrap(), 6);

        assert_eq!(store.step_names("wf").await, ["1 first", "2 second", "3 third of all"]);
    }

    /// Rules: N2
    async fn joined_calls_are_numbered_as_they_are_made_not_as_they_finish(store: Store) {
        let durable = store.open().register::<joined>().launch().await.unwrap();
        let id = store.id("wf");

        joined(&durable).id(&id).await.unwrap();

        assert_eq!(store.step_names(&id).await, ["1 slow", "2 opens", "3 first"]);
    }

    /// Rules: N2
    async fn a_call_that_is_never_polled_leaves_a_gap(store: Store) {
        let durable = store.open().register::<never_polled>().launch().await.unwrap();

        assert_eq!(never_polled(&durable).id("wf").await.unwrap(), 4);

        assert_eq!(store.step_names("wf").await, ["1 first", "3 third of all"]);
    }

    /// Rules: W4, N3, R15
    async fn an_awaited_child_takes_two_numbers(store: Store) {
        let durable = store
            .open()
            .register::<inline_parent>()
            .register::<child>()
            .launch()
            .await
            .unwrap();

        assert_eq!(inline_parent(&durable).id("wf").await.unwrap(), 14);

        assert_eq!(
            store.steps("wf").await,
            [
                json!([1, "first", "1", null, null]),
                json!([2, "child", null, null, "wf-2"]),
                json!([3, "DBOS.getResult", "11", null, "wf-2"]),
                json!([4, "second", "2", null, null]),
            ]
        );
        let formats = store
            .rows(
                "SELECT function_id, serialization FROM operation_outputs
                 WHERE workflow_uuid = 'wf' AND child_workflow_id IS NOT NULL
                 ORDER BY function_id",
                &[],
            )
            .await;
        assert_eq!(formats, [json!([2, null]), json!([3, "portable_json"])]);
        assert_eq!(store.status("wf-2", "parent_workflow_id").await, "wf");
    }

    /// Rules: N3
    async fn a_started_child_takes_one_number_and_each_result_one(store: Store) {
        let durable = store
            .open()
            .register::<starting_parent>()
            .register::<child>()
            .launch()
            .await
            .unwrap();

        assert_eq!(starting_parent(&durable).id("wf").await.unwrap(), 24);

        assert_eq!(
            store.steps("wf").await,
            [
                json!([1, "child", null, null, "wf-1"]),
                json!([2, "second", "2", null, null]),
                json!([3, "DBOS.getResult", "11", null, "wf-1"]),
                json!([4, "DBOS.getResult", "11", null, "wf-1"]),
            ]
        );
    }

    /// Rules: W4
    async fn a_child_with_a_name_of_its_own_is_recorded_under_it(store: Store) {
        let durable = store
            .open()
            .register::<naming_parent>()
            .register::<child>()
            .launch()
            .await
            .unwrap();

        assert_eq!(naming_parent(&durable, "mine".into()).id("wf").await.unwrap(), 11);

        assert_eq!(
            store.steps("wf").await,
            [
                json!([1, "child", null, null, "mine"]),
                json!([2, "DBOS.getResult", "11", null, "mine"]),
            ]
        );
        assert_eq!(store.status("mine", "status").await, "SUCCESS");
    }
}
