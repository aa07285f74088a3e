//! An execution that lost its workflow writes nothing more.

use std::time::Duration;

use durable_runtime::Error;
use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use sqlx::AssertSqlSafe;

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<String> {
    gate(ctx.workflow_id()).pass().await;
    Ok("stale".to_owned())
}

#[step]
async fn after(ctx: StepContext) -> anyhow::Result<()> {
    count(ctx.workflow_id());
    Ok(())
}

#[workflow]
async fn held(ctx: WorkflowContext) -> anyhow::Result<String> {
    let held = hold(&ctx).await?;
    after(&ctx).await?;
    Ok(held)
}

/// Its last step waits, so that only its outcome is left to write.
#[workflow]
async fn held_at_the_end(ctx: WorkflowContext) -> anyhow::Result<String> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(ctx.workflow_id()).pass().await;
    Ok("stale".to_owned())
}

#[transaction]
async fn write_row(ctx: TransactionContext) -> anyhow::Result<()> {
    let id = ctx.workflow_id().to_owned();
    gate(&id).pass().await;
    let sql = AssertSqlSafe(format!("INSERT INTO entries (workflow) VALUES ('{id}')"));
    match ctx.connection() {
        Connection::Sqlite(connection) => sqlx::raw_sql(sql)
            .execute(connection)
            .await?
            .rows_affected(),
        Connection::Postgres(connection) => sqlx::raw_sql(sql)
            .execute(connection)
            .await?
            .rows_affected(),
        _ => unreachable!("there are two databases"),
    };
    Ok(())
}

#[step]
async fn before_row(ctx: StepContext) -> anyhow::Result<()> {
    gate(format!("{}/before", ctx.workflow_id())).pass().await;
    Ok(())
}

#[workflow]
async fn writes(ctx: WorkflowContext) -> anyhow::Result<String> {
    before_row(&ctx).await?;
    write_row(&ctx).await?;
    Ok("stale".to_owned())
}

#[workflow]
async fn child(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow]
async fn starts_a_child(ctx: WorkflowContext) -> anyhow::Result<String> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(ctx.workflow_id()).pass().await;
    child(&ctx).await?;
    Ok("stale".to_owned())
}

/// Drops when the body it lives in is dropped.
struct Witness(String);

impl Drop for Witness {
    fn drop(&mut self) {
        gate(format!("{}/dropped", self.0)).open();
        count(format!("{}/dropped", self.0));
    }
}

#[step]
async fn watched(ctx: StepContext) -> anyhow::Result<()> {
    let id = ctx.workflow_id().to_owned();
    let run = count(&id);
    let _witness = Witness(format!("{id}/{run}"));
    gate(format!("{id}/{run}")).pass().await;
    Ok(())
}

#[workflow]
async fn watches(ctx: WorkflowContext) -> anyhow::Result<()> {
    watched(&ctx).await
}

/// Gives the workflow to another process.
async fn take_over(store: &Store, id: &str) {
    let taken = store
        .execute(
            "UPDATE workflow_status SET owner_xid = 'theirs', executor_id = 'them',
                 recovery_attempts = recovery_attempts + 1
             WHERE workflow_uuid = $1 AND status = 'PENDING'",
            &[id],
        )
        .await;
    assert_eq!(taken, 1, "{id} was pending");
}

/// Ends the workflow as its new owner.
async fn finish_as_new_owner(store: &Store, id: &str) {
    store
        .execute(
            "INSERT INTO workflow_output (workflow_uuid, output) VALUES ($1, '\"theirs\"')",
            &[id],
        )
        .await;
    store
        .execute(
            "UPDATE workflow_status SET status = 'SUCCESS', owner_xid = NULL
             WHERE workflow_uuid = $1 AND owner_xid = 'theirs'",
            &[id],
        )
        .await;
}

/// How long a stale execution may take to find out.
const PATIENCE: Duration = Duration::from_secs(30);

const CANCEL: &str = "UPDATE workflow_status
    SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, completed_at = created_at
    WHERE workflow_uuid = $1";

on_both_stores! {
    /// Rules: R6, L4
    async fn a_stale_execution_records_nothing_and_its_awaiter_gets_the_new_outcome(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&durable).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        take_over(&store, &id).await;
        gate(&id).open();
        finish_as_new_owner(&store, &id).await;

        assert_eq!(handle.result().await.unwrap(), "theirs");
        durable.shutdown(PATIENCE).await;
        assert!(store.steps(&id).await.is_empty());
        assert_eq!(counted(&id), 0, "the step after the fence ran");
    }

    /// Rules: L3, L4
    async fn a_stale_outcome_is_not_written(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held_at_the_end>().launch().await.unwrap();
        let handle = held_at_the_end(&durable).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        take_over(&store, &id).await;
        gate(&id).open();
        // It ends, but does not end the workflow.
        durable.shutdown(PATIENCE).await;
        assert_eq!(store.status(&id, "status").await, "PENDING");
        assert_eq!(store.status(&id, "owner_xid").await, "theirs");
        assert_eq!(store.value("SELECT count(*) FROM workflow_output", &[]).await, 0);
        drop(handle);
    }

    /// Rules: R6, D4
    async fn the_rows_of_a_stale_transaction_are_rolled_back(store: Store) {
        let create = if store.is_postgres() {
            "CREATE TABLE public.entries (workflow TEXT NOT NULL)"
        } else {
            "CREATE TABLE entries (workflow TEXT NOT NULL)"
        };
        store.execute(create, &[]).await;
        let id = store.id("wf");
        let durable = store.open().register::<writes>().launch().await.unwrap();
        let handle = writes(&durable).id(&id).start().await.unwrap();
        if store.is_postgres() {
            // Inside the transaction.
            gate(format!("{id}/before")).open();
            gate(&id).reached().await;
            take_over(&store, &id).await;
        } else {
            // The transaction holds the file's write lock: the takeover comes before it, the step
            // that waits there is refused with it.
            gate(format!("{id}/before")).reached().await;
            take_over(&store, &id).await;
            gate(format!("{id}/before")).open();
        }
        gate(&id).open();
        finish_as_new_owner(&store, &id).await;

        assert_eq!(handle.result().await.unwrap(), "theirs");
        durable.shutdown(PATIENCE).await;
        assert_eq!(store.value("SELECT count(*) FROM entries", &[]).await, 0);
        let recorded = store.step_names(&id).await;
        assert!(!recorded.contains(&"2 write_row".to_owned()), "{recorded:?}");
    }

    /// Rules: R6
    async fn a_stale_execution_starts_no_child(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<starts_a_child>().register::<child>().launch().await.unwrap();
        let handle = starts_a_child(&durable).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        take_over(&store, &id).await;
        gate(&id).open();
        finish_as_new_owner(&store, &id).await;

        assert_eq!(handle.result().await.unwrap(), "theirs");
        durable.shutdown(PATIENCE).await;
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 1);
        assert!(store.steps(&id).await.is_empty());
    }

    /// Rules: R6, V5
    async fn a_launch_of_the_same_executor_takes_over_what_still_runs(store: Store) {
        let id = store.id("wf");
        let first = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&first).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        let second = store.open().register::<held>().launch().await.unwrap();
        gate(&id).reached_by(2).await;
        gate(&id).open();

        let of_second = second.retrieve::<held>(&id).await.unwrap();
        assert_eq!(of_second.result().await.unwrap(), "stale");
        assert_eq!(handle.result().await.unwrap(), "stale");
        first.shutdown(PATIENCE).await;
        assert_eq!(counted(&id), 1, "runs of the step behind the takeover");
        assert_eq!(store.step_names(&id).await, ["1 hold", "2 after"]);
        assert_eq!(store.status(&id, "recovery_attempts").await, 2);
    }

    /// Rules: R2, R9, L8, M3
    async fn a_cancelled_workflow_records_no_later_step(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&durable).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        store.execute(CANCEL, &[&id]).await;
        gate(&id).open();

        let error = handle.result().await.unwrap_err();
        match error.downcast_ref::<Error>() {
            Some(Error::AwaitedCancelled { id: cancelled }) => assert_eq!(*cancelled, id),
            other => panic!("{other:?}"),
        }
        assert!(store.steps(&id).await.is_empty());
        assert_eq!(counted(&id), 0);
        assert_eq!(store.status(&id, "status").await, "CANCELLED");
    }

    /// Rules: S8, L8, M3
    async fn a_cancellation_reaches_the_awaiter_while_a_step_still_runs_and_ends_it(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<watches>().launch().await.unwrap();
        let handle = watches(&durable).id(&id).start().await.unwrap();
        gate(format!("{id}/1")).reached().await;

        store.execute(CANCEL, &[&id]).await;

        // Nobody opens the gate that the step waits at.
        let error = handle.result().await.unwrap_err();
        assert!(
            matches!(error.downcast_ref::<Error>(), Some(Error::AwaitedCancelled { .. })),
            "{error:?}"
        );
        gate(format!("{id}/1/dropped")).pass().await;
        assert!(store.steps(&id).await.is_empty());
    }

    /// Rules: S8, M3
    async fn a_cancellation_ends_a_running_step_that_nobody_awaits(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<watches>().launch().await.unwrap();
        drop(watches(&durable).id(&id).start().await.unwrap());
        gate(format!("{id}/1")).reached().await;

        store.execute(CANCEL, &[&id]).await;

        // Nobody opens the gate that the step waits at.
        gate(format!("{id}/1/dropped")).pass().await;
        assert!(store.steps(&id).await.is_empty());
        assert_eq!(store.status(&id, "status").await, "CANCELLED");
        durable.shutdown(PATIENCE).await;
    }

    async fn a_workflow_resumed_in_its_own_process_ends_its_earlier_run(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<watches>().launch().await.unwrap();
        let handle = watches(&durable).id(&id).start().await.unwrap();
        gate(format!("{id}/1")).reached().await;

        store
            .execute(
                "UPDATE workflow_status SET status = 'ENQUEUED', owner_xid = NULL,
                     queue_name = '_dbos_internal_queue' WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        gate(format!("{id}/2")).reached().await;
        // Nobody opened the first gate: the run that waited there was ended.
        gate(format!("{id}/1/dropped")).pass().await;
        gate(format!("{id}/2")).open();

        handle.result().await.unwrap();
        assert_eq!(counted(&id), 2);
        assert_eq!(store.step_names(&id).await, ["1 watched"]);
    }

    /// Rules: L7
    async fn a_shutdown_stops_a_workflow_that_was_resumed_in_its_own_process(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<watches>().launch().await.unwrap();
        drop(watches(&durable).id(&id).start().await.unwrap());
        gate(format!("{id}/1")).reached().await;
        store
            .execute(
                "UPDATE workflow_status SET status = 'ENQUEUED', owner_xid = NULL,
                     queue_name = '_dbos_internal_queue' WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        gate(format!("{id}/2")).reached().await;
        gate(format!("{id}/1")).open();
        gate(format!("{id}/1/dropped")).pass().await;

        durable.shutdown(Duration::ZERO).await;

        assert_eq!(counted(&format!("{id}/2/dropped")), 1, "the second run was dropped");
        assert_eq!(store.status(&id, "status").await, "PENDING");
    }
}
