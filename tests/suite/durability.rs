//! Effects wait until everything before them is durable; a workflow's code does not.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;

/// Long enough for anything that does not wait for a commit to happen.
const A_WHILE: Duration = Duration::from_millis(150);

#[step]
async fn held(ctx: StepContext) -> anyhow::Result<u8> {
    gate(format!("{}/held", ctx.workflow_id())).pass().await;
    Ok(1)
}

#[step]
async fn next(ctx: StepContext) -> anyhow::Result<u8> {
    gate(format!("{}/next", ctx.workflow_id())).pass().await;
    Ok(2)
}

#[step(pure)]
async fn pure_next(ctx: StepContext) -> anyhow::Result<u8> {
    gate(format!("{}/next", ctx.workflow_id())).pass().await;
    Ok(2)
}

#[workflow]
async fn child(ctx: WorkflowContext) -> anyhow::Result<u8> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(format!("{}/child", ctx.workflow_id())).pass().await;
    Ok(3)
}

#[workflow]
async fn two_steps(ctx: WorkflowContext) -> anyhow::Result<u8> {
    let one = held(&ctx).await?;
    gate(format!("{}/code", ctx.workflow_id())).open();
    Ok(one + next(&ctx).await?)
}

#[workflow]
async fn a_pure_step_follows(ctx: WorkflowContext) -> anyhow::Result<u8> {
    Ok(held(&ctx).await? + pure_next(&ctx).await?)
}

#[workflow]
async fn a_child_follows(ctx: WorkflowContext) -> anyhow::Result<u8> {
    Ok(held(&ctx).await? + child(&ctx).await?)
}

#[workflow]
async fn one_step(ctx: WorkflowContext) -> anyhow::Result<u8> {
    held(&ctx).await
}

fn open(store: &Store) -> durable_runtime::Builder {
    store
        .open()
        .register::<two_steps>()
        .register::<a_pure_step_follows>()
        .register::<a_child_follows>()
        .register::<one_step>()
        .register::<child>()
}

on_both_stores! {
    async fn a_step_begins_only_when_the_one_before_is_durable(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = two_steps(&durable).id(&id).start().await.unwrap();
        let (held, next) = (gate(format!("{id}/held")), gate(format!("{id}/next")));
        held.reached().await;

        let blocked = store.block_writes().await;
        held.open();
        // The workflow's code goes on at once.
        gate(format!("{id}/code")).pass().await;
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(next.arrivals(), 0, "a body ran before the result it may rest on was durable");
        blocked.release().await;
        next.reached().await;

        assert_eq!(store.step_names(&id).await, ["1 held"]);
        next.open();
        assert_eq!(handle.result().await.unwrap(), 3);
    }

    async fn a_pure_step_does_not_wait(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = a_pure_step_follows(&durable).id(&id).start().await.unwrap();
        let (held, next) = (gate(format!("{id}/held")), gate(format!("{id}/next")));
        held.reached().await;

        let blocked = store.block_writes().await;
        held.open();
        next.reached().await;
        assert!(store.steps(&id).await.is_empty());
        blocked.release().await;

        next.open();
        assert_eq!(handle.result().await.unwrap(), 3);
        assert_eq!(store.step_names(&id).await, ["1 held", "2 pure_next"]);
    }

    async fn a_child_begins_only_when_the_call_before_is_durable(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = a_child_follows(&durable).id(&id).start().await.unwrap();
        let (held, child) = (gate(format!("{id}/held")), gate(format!("{id}-2/child")));
        held.reached().await;

        let blocked = store.block_writes().await;
        held.open();
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(child.arrivals(), 0, "a child ran before it was durable");
        blocked.release().await;
        child.reached().await;

        assert_eq!(store.step_names(&id).await, ["1 held", "2 child"]);
        child.open();
        assert_eq!(handle.result().await.unwrap(), 4);
    }

    async fn a_result_is_seen_only_when_it_is_durable(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = one_step(&durable).id(&id).start().await.unwrap();
        let held = gate(format!("{id}/held"));
        held.reached().await;

        let blocked = store.block_writes().await;
        held.open();
        let early = tokio::time::timeout(A_WHILE, handle.result()).await;
        assert!(early.is_err(), "{early:?} was seen before it was durable");
        blocked.release().await;

        assert_eq!(handle.result().await.unwrap(), 1);
    }

    async fn a_start_returns_only_when_it_is_durable(store: Store) {
        let durable = open(&store).launch().await.unwrap();
        let id = store.id("wf");

        let blocked = store.block_writes().await;
        let early = tokio::time::timeout(A_WHILE, one_step(&durable).id(&id).start()).await;
        assert!(early.is_err(), "a start returned before it was durable");
        assert_eq!(gate(format!("{id}/held")).arrivals(), 0, "it ran before it was durable");
        blocked.release().await;

        let handle = one_step(&durable).id(&id).start().await.unwrap();
        gate(format!("{id}/held")).open();
        assert_eq!(handle.result().await.unwrap(), 1);
        assert_eq!(gate(format!("{id}/held")).arrivals(), 1);
    }
}
