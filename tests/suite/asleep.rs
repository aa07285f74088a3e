//! Workflows that sleep for long leave memory, and nobody can tell but by the memory.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Builder, Error, ForeignWakes, join, select};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::json;

const HOUR: u64 = 3_600_000;
/// Long enough to leave memory on a busy machine, short enough to wait for the end.
const NAP: u64 = 4_000;

const ONE: Queue = Queue::new("one")
    .worker_concurrency(1)
    .polling_interval(Duration::from_millis(20));

/// Counts how often the code of a workflow begins, and tells when it leaves memory.
struct InMemory(String);

impl InMemory {
    fn new(ctx: &WorkflowContext) -> Self {
        let id = ctx.workflow_id();
        Self(format!("{id}/{}", count(id)))
    }
}

impl Drop for InMemory {
    fn drop(&mut self) {
        gate(format!("{}/left", self.0)).open();
    }
}

/// Waits until the code that began as the `run`th is dropped.
async fn has_left(id: &str, run: usize) {
    gate(format!("{id}/{run}/left")).pass().await;
}

#[step]
async fn work(ctx: StepContext) -> anyhow::Result<usize> {
    Ok(count(format!("{}/work", ctx.workflow_id())))
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    count(format!("{}/hold", ctx.workflow_id()));
    gate(format!("{}/hold", ctx.workflow_id())).pass().await;
    Ok(())
}

#[workflow]
async fn dozes(ctx: WorkflowContext, ms: u64) -> anyhow::Result<usize> {
    let _here = InMemory::new(&ctx);
    let before = work(&ctx).await?;
    ctx.sleep(Duration::from_millis(ms)).await;
    let after = work(&ctx).await?;
    Ok(10 * before + after)
}

/// Sleeps twice at once, and once more.
#[workflow]
async fn dozes_twice(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let _here = InMemory::new(&ctx);
    let nap = Duration::from_millis(NAP);
    join!(ctx.sleep(nap), ctx.sleep(Duration::from_millis(1)));
    let first = select! { &ctx;
        () = ctx.sleep(10 * nap) => 1,
        () = ctx.sleep(nap) => 2,
    };
    Ok(first)
}

async fn nap(ctx: &WorkflowContext) {
    ctx.sleep(Duration::from_millis(1500)).await;
    gate(format!("{}/slept", ctx.workflow_id())).open();
}

/// Sleeps beside a step.
#[workflow]
async fn sleeps_beside_a_step(ctx: WorkflowContext) -> anyhow::Result<()> {
    let _here = InMemory::new(&ctx);
    let (held, ()) = join!(hold(&ctx), nap(&ctx));
    held
}

/// Sleeps while a spawned step runs.
#[workflow]
async fn sleeps_beside_a_spawned_step(ctx: WorkflowContext) -> anyhow::Result<()> {
    let _here = InMemory::new(&ctx);
    let held = ctx.spawn(hold(&ctx));
    nap(&ctx).await;
    held.await
}

/// Waits for a message at most, which no sleep is.
#[workflow]
async fn receives(ctx: WorkflowContext) -> anyhow::Result<Option<u32>> {
    let _here = InMemory::new(&ctx);
    Ok(ctx.recv(None, Duration::from_millis(HOUR)).await?)
}

async fn at_a_gate(ctx: &WorkflowContext) {
    gate(format!("{}/foreign", ctx.workflow_id())).pass().await;
}

/// Sleeps beside something that no replay could wait for again.
#[workflow]
async fn sleeps_beside_others(ctx: WorkflowContext) -> anyhow::Result<()> {
    let _here = InMemory::new(&ctx);
    join!(at_a_gate(&ctx), ctx.sleep(Duration::from_millis(1500)));
    Ok(())
}

async fn in_a_set(ctx: &WorkflowContext) {
    let mut set = FuturesUnordered::new();
    set.push(ctx.sleep(Duration::from_millis(1500)));
    while set.next().await.is_some() {}
}

/// Sleeps within something that keeps the waker.
#[workflow]
async fn sleeps_in_a_set(ctx: WorkflowContext) -> anyhow::Result<()> {
    let _here = InMemory::new(&ctx);
    in_a_set(&ctx).await;
    Ok(())
}

#[workflow]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let id = format!("{}/child", ctx.workflow_id());
    let child = dozes(&ctx, NAP).id(id).start().await?;
    child.result().await
}

fn open(store: &Store) -> Builder {
    let open = store.open().sleep_in_memory(Duration::ZERO).queue(&ONE);
    let open = open.register::<dozes>().register::<dozes_twice>();
    let open = open.register::<sleeps_beside_a_step>().register::<parent>();
    let open = open.register::<sleeps_beside_a_spawned_step>();
    let open = open
        .register::<sleeps_beside_others>()
        .register::<sleeps_in_a_set>();
    open.register::<receives>()
}

const SLEEPS: &str = "
    SELECT count(*) FROM operation_outputs WHERE workflow_uuid = $1 AND function_name = 'DBOS.sleep'";

on_both_stores! {
    /// Rules: P1
    async fn a_workflow_leaves_memory_while_it_sleeps_and_goes_on_at_its_time(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let handle = dozes(&durable, NAP).id(&id).start().await.unwrap();
        has_left(&id, 1).await;

        let columns = "SELECT status, executor_id, recovery_attempts, owner_xid FROM workflow_status";
        let asleep = store.row(columns, &[]).await;
        assert_eq!((&asleep[0], &asleep[1], &asleep[2]), (&json!("PENDING"), &json!("worker"), &json!(1)));
        assert_eq!(counted(&id), 1);
        assert_eq!(handle.result().await.unwrap(), 12, "the first step ran once");
        assert_eq!(counted(&id), 2);
        assert_eq!(store.status(&id, "recovery_attempts").await, 1, "it was not recovered");
        let row = store
            .row("SELECT completed_at_epoch_ms FROM operation_outputs WHERE function_name = 'DBOS.sleep'", &[])
            .await;
        let ended = store.status(&id, "completed_at").await.as_i64().unwrap();
        assert!(row[0].as_i64().unwrap() <= ended, "it does not end before its time");
        drop(durable);
    }

    async fn a_workflow_whose_sleeps_are_all_that_it_waits_for_leaves_memory(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let handle = dozes_twice(&durable).id(&id).start().await.unwrap();
        has_left(&id, 1).await;
        has_left(&id, 2).await;

        assert_eq!(handle.result().await.unwrap(), 2);
        assert_eq!(counted(&id), 3);
        drop(durable);
    }

    async fn a_workflow_with_a_step_in_flight_stays_in_memory(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let handle = sleeps_beside_a_step(&durable).id(&id).start().await.unwrap();
        gate(format!("{id}/slept")).pass().await;
        gate(format!("{id}/hold")).open();

        handle.result().await.unwrap();
        assert_eq!((counted(&id), counted(&format!("{id}/hold"))), (1, 1));
        drop(durable);
    }

    async fn a_workflow_with_a_spawned_step_in_flight_stays_in_memory(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let handle = sleeps_beside_a_spawned_step(&durable).id(&id).start().await.unwrap();
        gate(format!("{id}/slept")).pass().await;
        gate(format!("{id}/hold")).open();

        handle.result().await.unwrap();
        assert_eq!((counted(&id), counted(&format!("{id}/hold"))), (1, 1));
        drop(durable);
    }

    async fn a_workflow_that_waits_for_a_message_stays_in_memory(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let handle = receives(&durable).id(&id).start().await.unwrap();
        store.becomes(SLEEPS, &[&id], 1).await;
        durable.client().send(&id, None, &7).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), Some(7));
        assert_eq!(counted(&id), 1);
        drop(durable);
    }

    async fn a_workflow_that_waits_for_something_foreign_stays_in_memory(store: Store) {
        let (id, set) = (store.id("wf"), store.id("set"));
        let durable = open(&store).foreign_wakes(ForeignWakes::Warn).launch().await.unwrap();

        let handle = sleeps_beside_others(&durable).id(&id).start().await.unwrap();
        let other = sleeps_in_a_set(&durable).id(&set).start().await.unwrap();
        other.result().await.unwrap();
        gate(format!("{id}/foreign")).open();

        handle.result().await.unwrap();
        assert_eq!((counted(&id), counted(&set)), (1, 1));
        drop(durable);
    }

    async fn where_foreign_waits_are_ignored_nothing_leaves_memory(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).foreign_wakes(ForeignWakes::Ignore).launch().await.unwrap();

        dozes(&durable, 1500).id(&id).await.unwrap();

        assert_eq!(counted(&id), 1);
        drop(durable);
    }

    async fn a_short_sleep_stays_in_memory(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).sleep_in_memory(Duration::from_secs(2)).launch().await.unwrap();

        dozes(&durable, 1500).id(&id).await.unwrap();

        assert_eq!(counted(&id), 1);
        drop(durable);
    }

    /// Rules: M3
    async fn a_workflow_that_is_cancelled_while_it_sleeps_is_gone_at_once(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = dozes(&durable, HOUR).id(&id).start().await.unwrap();
        has_left(&id, 1).await;

        handle.cancel().await.unwrap();

        let error = handle.result().await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::AwaitedCancelled { .. })), "{error:?}");
        durable.shutdown(Duration::from_secs(3600)).await;
        assert_eq!(counted(&id), 1, "nothing was left to wait for");
    }

    /// Rules: M3
    async fn a_workflow_that_another_process_takes_away_while_it_sleeps_is_let_go(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = dozes(&durable, HOUR).id(&id).start().await.unwrap();
        has_left(&id, 1).await;

        // As other SDKs do it: nobody is told.
        store
            .execute(
                "UPDATE workflow_status SET status = 'CANCELLED', owner_xid = NULL WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;

        let error = handle.result().await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::AwaitedCancelled { .. })), "{error:?}");
        durable.shutdown(Duration::from_secs(3600)).await;
    }

    /// Rules: T4
    async fn a_deadline_that_passes_during_a_sleep_cancels(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let handle = dozes(&durable, HOUR).id(&id).timeout(Duration::from_millis(NAP)).start().await.unwrap();
        has_left(&id, 1).await;

        let error = handle.result().await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::AwaitedCancelled { .. })), "{error:?}");
        assert_eq!(store.status(&id, "status").await, "CANCELLED");
        durable.shutdown(Duration::from_secs(3600)).await;
    }

    /// Rules: Q11
    async fn a_workflow_keeps_its_place_in_its_queue_while_it_sleeps(store: Store) {
        let (first, second) = (store.id("first"), store.id("second"));
        let durable = open(&store).launch().await.unwrap();
        let sleeper = dozes(&durable, HOUR).id(&first).queue(&ONE).start().await.unwrap();
        has_left(&first, 1).await;
        let next = dozes(&durable, NAP).id(&second).queue(&ONE).start().await.unwrap();
        dozes(&durable, 1).id(store.id("other")).await.unwrap();
        assert_eq!(store.status(&second, "status").await, "ENQUEUED");

        sleeper.cancel().await.unwrap();

        assert_eq!(next.result().await.unwrap(), 12);
        assert_eq!(counted(&second), 2);
        drop(durable);
    }

    /// Rules: M5
    async fn a_workflow_that_is_resumed_while_it_sleeps_runs_again_and_sleeps_on(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = dozes(&durable, NAP).id(&id).start().await.unwrap();
        has_left(&id, 1).await;
        let owner = store.status(&id, "owner_xid").await;

        durable.client().resume(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 12);
        assert_eq!(counted(&format!("{id}/work")), 2);
        assert_ne!(store.status(&id, "queue_name").await, json!(null));
        assert_ne!(owner, json!(null));
        drop(durable);
    }

    /// Rules: V2
    async fn a_workflow_that_sleeps_through_a_shutdown_goes_on_at_the_next_launch(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        drop(dozes(&durable, NAP).id(&id).start().await.unwrap());
        has_left(&id, 1).await;
        durable.shutdown(Duration::ZERO).await;
        assert_eq!(store.status(&id, "status").await, "PENDING");

        let durable = open(&store).launch().await.unwrap();
        let handle = durable.retrieve::<dozes>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 12);
        drop(durable);
    }

    async fn a_shutdown_waits_for_what_sleeps(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = dozes(&durable, NAP).id(&id).start().await.unwrap();
        has_left(&id, 1).await;

        durable.shutdown(Duration::from_secs(60)).await;

        assert_eq!(store.status(&id, "status").await, "SUCCESS");
        assert_eq!(handle.result().await.unwrap(), 12);
    }

    /// Rules: V5
    async fn a_second_launch_of_an_executor_takes_away_what_sleeps(store: Store) {
        let id = store.id("wf");
        let first = open(&store).launch().await.unwrap();
        let handle = dozes(&first, NAP).id(&id).start().await.unwrap();
        has_left(&id, 1).await;

        let second = open(&store).launch().await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 12);
        assert_eq!(counted(&format!("{id}/work")), 2);
        // Only one of them had to wait for it.
        first.shutdown(Duration::from_secs(3600)).await;
        second.shutdown(Duration::from_secs(3600)).await;
    }

    async fn a_parent_waits_for_a_child_that_sleeps(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        assert_eq!(parent(&durable).id(&id).await.unwrap(), 12);

        assert_eq!(counted(&format!("{id}/child")), 2);
        drop(durable);
    }

    async fn very_many_sleep_and_wake_up_together(store: Store) {
        const COUNT: usize = 1200;
        let prefix = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let ids: Vec<_> = (0..COUNT).map(|n| format!("{prefix}/{n}")).collect();
        let mut starts = FuturesUnordered::new();
        for id in &ids {
            starts.push(dozes(&durable, 2 * NAP).id(id).start());
        }
        let mut handles = Vec::new();
        while let Some(handle) = starts.next().await {
            handles.push(handle.unwrap());
        }

        for handle in handles {
            assert_eq!(handle.result().await.unwrap(), 12);
        }
        let begun: usize = ids.iter().map(|id| counted(id)).sum();
        assert!(begun > COUNT, "some left memory: {begun} began");
    }
}
