//! Children: awaited, started, queued, failing, cancelled.

use durable_runtime::Error;
use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::tally::{count, counted};
use futures_util::future::join_all;
use serde_json::json;

const BUSY: Queue = Queue::new("busy").worker_concurrency(16);

#[step]
async fn square(ctx: StepContext, value: u64) -> anyhow::Result<u64> {
    count(ctx.workflow_id());
    Ok(value * value)
}

#[workflow]
async fn child(ctx: WorkflowContext, value: u64) -> anyhow::Result<u64> {
    square(&ctx, value).await
}

#[workflow]
async fn every_way(ctx: WorkflowContext) -> anyhow::Result<u64> {
    let awaited = child(&ctx, 2).await?;
    let started = child(&ctx, 3).start().await?;
    let queued = child(&ctx, 4).queue(&BUSY).start().await?;
    let queued_and_awaited = child(&ctx, 5).queue(&BUSY).await?;
    Ok(awaited + started.result().await? + queued.result().await? + queued_and_awaited)
}

#[workflow]
async fn many(ctx: WorkflowContext, children: u64) -> anyhow::Result<u64> {
    let mut handles = Vec::new();
    for value in 0..children {
        handles.push(child(&ctx, value).queue(&BUSY).start().await?);
    }
    let mut sum = 0;
    for handle in &handles {
        sum += handle.result().await?;
    }
    Ok(sum)
}

#[workflow]
async fn many_at_once(ctx: WorkflowContext, children: u64) -> anyhow::Result<u64> {
    let results = join_all((0..children).map(|value| child(&ctx, value))).await;
    results.into_iter().sum()
}

#[step]
async fn break_down(_ctx: StepContext) -> anyhow::Result<u64> {
    anyhow::bail!("the bearing is worn")
}

#[workflow]
async fn failing_child(ctx: WorkflowContext) -> anyhow::Result<u64> {
    break_down(&ctx).await
}

#[workflow]
async fn parent_of_failing(ctx: WorkflowContext) -> anyhow::Result<u64> {
    failing_child(&ctx).await
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn held_child(ctx: WorkflowContext) -> anyhow::Result<u64> {
    hold(&ctx).await?;
    Ok(1)
}

#[workflow]
async fn parent_of_held(ctx: WorkflowContext) -> anyhow::Result<String> {
    let error = held_child(&ctx).await.unwrap_err();
    Ok(match error.downcast_ref::<Error>() {
        Some(Error::AwaitedCancelled { id }) => format!("{id} was cancelled"),
        other => format!("unexpected: {other:?}"),
    })
}

/// Starts a child and looks away at once: the call is polled and dropped.
#[workflow]
async fn forgetful(ctx: WorkflowContext) -> anyhow::Result<()> {
    #[allow_nondeterminism(reason = "both branches end alike")]
    tokio::select! {
        biased;
        _ = child(&ctx, 6).start() => {}
        () = std::future::ready(()) => {}
    }
    Ok(())
}

const CANCEL: &str = "UPDATE workflow_status
    SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, completed_at = created_at
    WHERE workflow_uuid = $1";

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    /// Rules: W4, Q25
    async fn a_child_can_be_awaited_started_and_queued(store: Store) {
        let durable = store
            .open()
            .register::<every_way>()
            .register::<child>()
            .queue(&BUSY)
            .launch()
            .await
            .unwrap();

        assert_eq!(every_way(&durable).id("wf").await.unwrap(), 4 + 9 + 16 + 25);

        let children = store
            .rows(
                "SELECT workflow_uuid, queue_name, parent_workflow_id, status, recovery_attempts
                 FROM workflow_status WHERE name = 'child' ORDER BY workflow_uuid",
                &[],
            )
            .await;
        assert_eq!(
            children,
            [
                json!(["wf-1", null, "wf", "SUCCESS", 1]),
                json!(["wf-3", null, "wf", "SUCCESS", 1]),
                json!(["wf-4", "busy", "wf", "SUCCESS", 1]),
                json!(["wf-5", "busy", "wf", "SUCCESS", 1]),
            ]
        );
    }

    /// Rules: W4, L5
    async fn the_error_of_a_child_reaches_its_parent(store: Store) {
        let durable = store
            .open()
            .register::<parent_of_failing>()
            .register::<failing_child>()
            .launch()
            .await
            .unwrap();

        let error = parent_of_failing(&durable).id("wf").await.unwrap_err();

        assert_eq!(error.to_string(), "the bearing is worn");
        assert_eq!(store.status("wf", "status").await, "ERROR");
        assert_eq!(store.status("wf-1", "status").await, "ERROR");
        let text = r#"{"name":"Error","message":"the bearing is worn","code":null}"#;
        assert_eq!(
            store.steps("wf").await,
            [
                json!([1, "failing_child", null, null, "wf-1"]),
                json!([2, "DBOS.getResult", null, text, "wf-1"]),
            ]
        );
    }

    /// Rules: R2, R9, L8, M3
    async fn the_cancellation_of_a_child_reaches_its_parent(store: Store) {
        let id = store.id("wf");
        let child = format!("{id}-1");
        let durable = store
            .open()
            .register::<parent_of_held>()
            .register::<held_child>()
            .launch()
            .await
            .unwrap();
        let handle = parent_of_held(&durable).id(&id).start().await.unwrap();
        gate(&child).reached().await;

        store.execute(CANCEL, &[&child]).await;
        gate(&child).open();

        assert_eq!(handle.result().await.unwrap(), format!("{child} was cancelled"));
        assert_eq!(store.status(&child, "status").await, "CANCELLED");
        assert!(store.steps(&child).await.is_empty(), "a cancelled workflow records nothing");
    }

    async fn two_hundred_children_on_a_queue_all_complete(store: Store) {
        let durable = store
            .open()
            .register::<many>()
            .register::<child>()
            .queue(&BUSY)
            .launch()
            .await
            .unwrap();

        let sum = many(&durable, 200).id("wf").await.unwrap();

        assert_eq!(sum, (0..200).map(|value| value * value).sum::<u64>());
        let ended = store
            .rows(
                "SELECT status, count(*) FROM workflow_status WHERE name = 'child' GROUP BY status",
                &[],
            )
            .await;
        assert_eq!(ended, [json!(["SUCCESS", 200])]);
    }

    async fn children_side_by_side_get_their_own_results(store: Store) {
        let durable = store
            .open()
            .register::<many_at_once>()
            .register::<child>()
            .launch()
            .await
            .unwrap();

        let sum = many_at_once(&durable, 50).id("wf").await.unwrap();

        assert_eq!(sum, (0..50).map(|value| value * value).sum::<u64>());
        let numbers = store
            .row(
                "SELECT count(*), min(function_id), max(function_id) FROM operation_outputs
                 WHERE workflow_uuid = 'wf'",
                &[],
            )
            .await;
        assert_eq!(numbers, json!([100, 1, 100]));
    }

    async fn a_child_that_its_parent_forgets_runs_all_the_same(store: Store) {
        let id = store.id("wf");
        let durable = store
            .open()
            .register::<forgetful>()
            .register::<child>()
            .launch()
            .await
            .unwrap();

        forgetful(&durable).id(&id).await.unwrap();

        let child = format!("{id}-1");
        store.becomes(STATUS, &[&child], "SUCCESS").await;
        assert_eq!(counted(&child), 1);
    }
}
