//! Calls that run beside the code of their workflow.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Error, ForeignWakes, select};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use serde_json::json;

/// Waits at the gate of its number.
#[step]
async fn work(ctx: StepContext, number: usize) -> anyhow::Result<usize> {
    let key = format!("{}/{number}", ctx.workflow_id());
    let _witness = Witness(key.clone());
    count(&key);
    gate(&key).pass().await;
    count(format!("{key} ended"));
    Ok(number * number)
}

/// Opens a gate when the body it lives in is dropped, or ends.
struct Witness(String);

impl Drop for Witness {
    fn drop(&mut self) {
        gate(format!("{} dropped", self.0)).open();
    }
}

#[transaction]
async fn write(ctx: TransactionContext) -> anyhow::Result<usize> {
    Ok(ctx.workflow_id().len())
}

#[step]
async fn panics(_ctx: StepContext) -> anyhow::Result<usize> {
    panic!("out of ink")
}

/// The second step runs while the first one does.
#[workflow]
async fn overlaps(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let one = ctx.spawn(work(&ctx, 1));
    let two = work(&ctx, 2).await?;
    let three = work(&ctx, 3).await?;
    Ok(one.await? + two + three)
}

/// Awaits the second first.
#[workflow]
async fn backwards(ctx: WorkflowContext) -> anyhow::Result<Vec<usize>> {
    let one = ctx.spawn(work(&ctx, 1));
    let two = ctx.spawn(work(&ctx, 2));
    let three = work(&ctx, 3);
    let two = two.await?;
    Ok(vec![one.await?, two, three.await?])
}

#[workflow]
async fn many(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let handles: Vec<_> = (0..200)
        .map(|number| ctx.spawn(work(&ctx, number)))
        .collect();
    let mut sum = 0;
    for handle in handles.into_iter().rev() {
        sum += handle.await?;
    }
    Ok(sum)
}

/// Lets go of a call while it runs, and of one that never ran.
#[workflow]
async fn lets_go(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let one = ctx.spawn(work(&ctx, 1));
    drop(ctx.spawn(work(&ctx, 2)));
    let three = work(&ctx, 3).await?;
    drop(one);
    Ok(three + work(&ctx, 4).await?)
}

/// Ends while a call runs.
#[workflow]
async fn ends_first(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let _one = ctx.spawn(work(&ctx, 1));
    work(&ctx, 2).await
}

#[workflow]
async fn catches(ctx: WorkflowContext) -> anyhow::Result<String> {
    let broken = ctx.spawn(panics(&ctx));
    let written = ctx.spawn(write(&ctx));
    let error = broken.await.unwrap_err();
    Ok(format!(
        "{error}, {}",
        written.await? == ctx.workflow_id().len()
    ))
}

/// A spawned call is a branch like any other.
#[workflow]
async fn races(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let one = ctx.spawn(work(&ctx, 1));
    select! { &ctx;
        one = one => one,
        two = work(&ctx, 2) => two,
    }
}

async fn at_a_gate(ctx: &WorkflowContext) {
    gate(ctx.workflow_id()).pass().await;
}

/// Waits for something foreign while a spawned call runs.
#[workflow]
async fn waits_for_others(ctx: WorkflowContext) -> Result<usize, Error> {
    let _one = ctx.spawn(work(&ctx, 1));
    at_a_gate(&ctx).await;
    Ok(1)
}

fn open(store: &Store) -> durable_runtime::Builder {
    let open = store.open().foreign_wakes(ForeignWakes::Refuse);
    open.register::<overlaps>()
        .register::<backwards>()
        .register::<many>()
        .register::<lets_go>()
        .register::<ends_first>()
        .register::<catches>()
        .register::<races>()
        .register::<waits_for_others>()
}

fn let_pass(id: &str, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        gate(format!("{id}/{number}")).open();
    }
}

async fn reached(id: &str, number: usize) {
    gate(format!("{id}/{number}")).reached().await;
}

on_both_stores! {
    async fn a_spawned_call_runs_while_the_code_goes_on(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = overlaps(&durable).id(&id).start().await.unwrap();
        reached(&id, 1).await;
        reached(&id, 2).await;
        let_pass(&id, [2]);
        reached(&id, 3).await;
        let_pass(&id, [1]);
        let_pass(&id, [3]);

        assert_eq!(handle.result().await.unwrap(), 14);
        assert_eq!(store.step_names(&id).await, ["1 work", "2 work", "3 work"]);
    }

    async fn what_was_done_before_a_crash_is_not_done_again(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        drop(overlaps(&durable).id(&id).start().await.unwrap());
        let_pass(&id, [1, 2]);
        reached(&id, 3).await;
        store.becomes("SELECT count(*) FROM operation_outputs WHERE workflow_uuid = $1", &[&id], 2).await;
        durable.shutdown(Duration::ZERO).await;
        let_pass(&id, [3]);

        let durable = open(&store).launch().await.unwrap();
        let result = durable.retrieve::<overlaps>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(result, 14);
        assert_eq!([1, 2, 3].map(|number| counted(&format!("{id}/{number}"))), [1, 1, 2]);
    }

    async fn a_spawned_call_that_a_crash_interrupted_runs_again(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        drop(overlaps(&durable).id(&id).start().await.unwrap());
        let_pass(&id, [2]);
        reached(&id, 1).await;
        reached(&id, 3).await;
        durable.shutdown(Duration::ZERO).await;
        assert_eq!(store.step_names(&id).await, ["2 work"]);
        let_pass(&id, [1, 3]);

        let durable = open(&store).launch().await.unwrap();
        let result = durable.retrieve::<overlaps>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(result, 14);
        assert_eq!([1, 2, 3].map(|number| counted(&format!("{id}/{number}"))), [2, 1, 2]);
    }

    async fn the_order_of_waiting_changes_no_place(store: Store) {
        let id = store.id("wf");
        let_pass(&id, 1..=3);
        let durable = open(&store).launch().await.unwrap();

        assert_eq!(backwards(&durable).id(&id).await.unwrap(), [1, 4, 9]);

        let outputs: Vec<_> = store.steps(&id).await.iter().map(|step| step[2].clone()).collect();
        assert_eq!(outputs, [json!("1"), json!("4"), json!("9")]);
    }

    async fn many_calls_run_at_once(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = many(&durable).id(&id).start().await.unwrap();
        for number in 0..200 {
            reached(&id, number).await;
        }
        let_pass(&id, 0..200);

        assert_eq!(handle.result().await.unwrap(), (0..200).map(|number| number * number).sum::<usize>());
        assert_eq!(store.steps(&id).await.len(), 200);
    }

    async fn a_dropped_handle_drops_its_call(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = lets_go(&durable).id(&id).start().await.unwrap();
        reached(&id, 1).await;
        let_pass(&id, [3]);
        reached(&id, 4).await;
        gate(format!("{id}/1 dropped")).pass().await;
        let_pass(&id, [1, 2, 4]);

        assert_eq!(handle.result().await.unwrap(), 25);
        assert_eq!(store.step_names(&id).await, ["3 work", "4 work"]);
        assert_eq!(counted(&format!("{id}/1 ended")), 0);
        assert_eq!(counted(&format!("{id}/2")), 0, "a call that was let go before it began");
    }

    async fn the_end_of_the_workflow_drops_what_still_runs(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = ends_first(&durable).id(&id).start().await.unwrap();
        reached(&id, 1).await;
        let_pass(&id, [2]);

        assert_eq!(handle.result().await.unwrap(), 4);
        gate(format!("{id}/1 dropped")).pass().await;
        let_pass(&id, [1]);
        durable.shutdown(Duration::from_secs(30)).await;

        assert_eq!(store.step_names(&id).await, ["2 work"]);
        assert_eq!(counted(&format!("{id}/1 ended")), 0);
    }

    async fn a_shutdown_drops_what_runs_beside(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        drop(overlaps(&durable).id(&id).start().await.unwrap());
        reached(&id, 1).await;

        durable.shutdown(Duration::ZERO).await;

        gate(format!("{id}/1 dropped")).pass().await;
        assert_eq!(store.status(&id, "status").await, "PENDING");
    }

    async fn a_panic_is_an_error_of_the_call(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        let result = catches(&durable).await.unwrap();

        assert_eq!(result, "step `panics` panicked: out of ink, true");
    }

    async fn a_spawned_call_may_win_a_race(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = races(&durable).id(&id).start().await.unwrap();
        reached(&id, 2).await;
        let_pass(&id, [1]);

        assert_eq!(handle.result().await.unwrap(), 1);
        assert_eq!(store.step_names(&id).await, ["1 work", "3 DBOS.asyncio_wait"]);
    }

    async fn a_foreign_wait_beside_a_spawned_call_is_found(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let refused = waits_for_others(&durable).id(&id).await.unwrap_err();

        assert!(matches!(refused, Error::ForeignWake { .. }), "{refused}");
    }
}
