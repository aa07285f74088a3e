//! Patches: changed code for new runs, the old way for those under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;

#[step]
async fn old_way(_ctx: StepContext) -> anyhow::Result<String> {
    Ok("old".to_owned())
}

#[step]
async fn new_way(_ctx: StepContext) -> anyhow::Result<String> {
    Ok("new".to_owned())
}

#[step]
async fn wait(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// The same name in three versions of a program.
mod before {
    use super::*;
    #[workflow(name = "ship", version = "1")]
    pub async fn ship(ctx: WorkflowContext) -> anyhow::Result<String> {
        let way = old_way(&ctx).await?;
        wait(&ctx).await?;
        Ok(way)
    }
}

mod patched {
    use super::*;
    #[workflow(name = "ship", version = "1")]
    pub async fn ship(ctx: WorkflowContext) -> anyhow::Result<String> {
        let way = if ctx.patch("by-air") {
            new_way(&ctx).await?
        } else {
            old_way(&ctx).await?
        };
        wait(&ctx).await?;
        Ok(way)
    }
}

mod deprecated {
    use super::*;
    #[workflow(name = "ship", version = "1")]
    pub async fn ship(ctx: WorkflowContext) -> anyhow::Result<String> {
        ctx.deprecate_patch("by-air");
        let way = new_way(&ctx).await?;
        wait(&ctx).await?;
        Ok(way)
    }
}

/// Runs `W` until it waits, stops the program, and lets `V` finish it.
async fn handed_over<W, V>(store: &Store) -> String
where
    W: durable_runtime::Workflow<Input = ()>,
    V: durable_runtime::Workflow<Input = (), Output = String, Error = anyhow::Error>,
{
    let id = store.id("wf");
    let first = store.open().register::<W>().launch().await.unwrap();
    let start = durable_runtime::Client::connect(store.url()).await.unwrap();
    let queue = "_dbos_internal_queue";
    let call = start.enqueue("ship", queue).id(&id).version("1");
    drop(call.start::<String>().await.unwrap());
    gate(&id).reached().await;
    first.shutdown(Duration::ZERO).await;
    gate(&id).open();
    let second = store.open().register::<V>().launch().await.unwrap();
    second
        .retrieve::<V>(&id)
        .await
        .unwrap()
        .result()
        .await
        .unwrap()
}

static FIRST: AtomicBool = AtomicBool::new(true);

/// Asks for a patch while two calls are under way that end in another order each time.
#[workflow]
async fn asks_between_calls(ctx: WorkflowContext) -> anyhow::Result<String> {
    let slow = old_way(&ctx);
    let patched = ctx.patch("between");
    let quick = new_way(&ctx);
    let (slow, quick) = match FIRST.swap(false, Ordering::SeqCst) {
        true => durable_runtime::join!(slow, quick),
        false => {
            let quick = quick.await;
            (slow.await, quick)
        }
    };
    wait(&ctx).await?;
    Ok(format!("{patched} {} {}", slow?, quick?))
}

on_both_stores! {
    /// Rules: P4
    async fn a_new_run_takes_the_new_way_and_is_marked(store: Store) {
        let durable = store.open().register::<patched::ship>().launch().await.unwrap();
        gate("marked").open();

        assert_eq!(patched::ship(&durable).id("marked").await.unwrap(), "new");

        let names = store.step_names("marked").await;
        assert_eq!(names, ["1 DBOS.patch-by-air", "2 new_way", "3 wait"]);
        let row = store.row("SELECT output, error, serialization FROM operation_outputs WHERE function_id = 1", &[]).await;
        assert_eq!(row, serde_json::json!([null, null, null]));
    }

    /// Rules: P4
    async fn a_run_of_the_old_code_goes_on_the_old_way(store: Store) {
        assert_eq!(handed_over::<before::ship, patched::ship>(&store).await, "old");
    }

    /// Rules: P4
    async fn a_marked_run_goes_on_the_new_way(store: Store) {
        assert_eq!(handed_over::<patched::ship, patched::ship>(&store).await, "new");
    }

    /// Rules: P5
    async fn a_deprecated_patch_passes_over_the_mark_of_a_marked_run(store: Store) {
        assert_eq!(handed_over::<patched::ship, deprecated::ship>(&store).await, "new");
    }

    /// Rules: P5
    async fn a_deprecated_patch_leaves_no_mark(store: Store) {
        let durable = store.open().register::<deprecated::ship>().launch().await.unwrap();
        gate("unmarked").open();

        deprecated::ship(&durable).id("unmarked").await.unwrap();

        assert_eq!(store.step_names("unmarked").await, ["1 new_way", "2 wait"]);
    }

    /// Rules: P6
    async fn a_patch_is_decided_at_its_call_whatever_is_under_way(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<asks_between_calls>().launch().await.unwrap();
        drop(asks_between_calls(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<asks_between_calls>().launch().await.unwrap();
        let result = durable.retrieve::<asks_between_calls>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(result, "true old new");
        assert_eq!(store.step_names(&id).await, ["1 old_way", "2 DBOS.patch-between", "3 new_way", "4 wait"]);
    }
}
