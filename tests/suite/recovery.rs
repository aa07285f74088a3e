//! What a launch takes up, what it leaves alone, and when it gives up.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, Error};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use serde_json::json;

const KEPT: Queue = Queue::new("kept").polling_interval(Duration::from_millis(20));

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    count(ctx.workflow_id());
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn held(ctx: WorkflowContext) -> anyhow::Result<()> {
    hold(&ctx).await
}

#[workflow(max_recovery_attempts = 2)]
async fn frail(ctx: WorkflowContext) -> anyhow::Result<()> {
    hold(&ctx).await
}

/// Runs a workflow up to its gate, then stops the runtime.
async fn interrupt(store: &Store, id: &str) {
    let durable = store.open().register::<held>().launch().await.unwrap();
    drop(held(&durable).id(id).start().await.unwrap());
    gate(id).reached().await;
    durable.shutdown(Duration::ZERO).await;
}

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    /// Rules: L7, V1, V2, O3, R12
    async fn an_interrupted_workflow_goes_on_over_the_internal_queue(store: Store) {
        let id = store.id("wf");
        interrupt(&store, &id).await;
        assert_eq!(store.status(&id, "status").await, "PENDING");

        let durable = store.open().register::<held>().launch().await.unwrap();
        gate(&id).reached_by(2).await;

        let row = store
            .row(
                "SELECT status, queue_name, recovery_attempts FROM workflow_status
                 WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["PENDING", "_dbos_internal_queue", 2]));
        gate(&id).open();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
        assert_eq!(counted(&id), 2);
    }

    /// Rules: V2
    async fn a_workflow_of_a_queue_goes_on_over_its_queue(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<held>().queue(&KEPT);
        let durable = open().launch().await.unwrap();
        drop(held(&durable).id(&id).queue(&KEPT).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let durable = open().launch().await.unwrap();
        gate(&id).reached_by(2).await;

        assert_eq!(store.status(&id, "queue_name").await, "kept");
        gate(&id).open();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
    }

    /// Rules: V2, Q13, R6
    async fn a_recovered_workflow_has_a_new_owner(store: Store) {
        let id = store.id("wf");
        interrupt(&store, &id).await;
        let before = store.status(&id, "owner_xid").await;

        let durable = store.open().register::<held>().launch().await.unwrap();
        gate(&id).reached_by(2).await;

        let after = store.status(&id, "owner_xid").await;
        assert!(before.is_string() && after.is_string());
        assert_ne!(before, after);
        assert_eq!(store.status(&id, "creator_xid").await, before);
        gate(&id).open();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
    }

    /// Rules: V1
    async fn a_launch_leaves_other_executors_and_other_versions_alone(store: Store) {
        let (own, executor, version) = (store.id("own"), store.id("executor"), store.id("version"));
        for id in [&own, &executor, &version] {
            interrupt(&store, id).await;
        }
        let sql = "UPDATE workflow_status SET status = 'PENDING', executor_id = $1,
            application_version = $2 WHERE workflow_uuid = $3";
        store.execute(sql, &["worker", "1", &own]).await;
        store.execute(sql, &["stranger", "1", &executor]).await;
        store.execute(sql, &["worker", "2", &version]).await;
        let before = [counted(&executor), counted(&version)];

        let durable = store.open().register::<held>().launch().await.unwrap();
        gate(&own).open();
        durable.retrieve::<held>(&own).await.unwrap().result().await.unwrap();

        for id in [&executor, &version] {
            assert_eq!(store.status(id, "status").await, "PENDING");
        }
        assert_eq!([counted(&executor), counted(&version)], before);
    }

    /// Rules: V10, V2
    async fn workflows_of_named_executors_go_on_when_they_are_asked_for(store: Store) {
        let (own, stranger) = (store.id("own"), store.id("stranger"));
        interrupt(&store, &stranger).await;
        let sql = "UPDATE workflow_status SET executor_id = 'stranger' WHERE workflow_uuid = $1";
        store.execute(sql, &[&stranger]).await;
        let durable = store.open().register::<held>().launch().await.unwrap();
        drop(held(&durable).id(&own).start().await.unwrap());
        gate(&own).reached().await;

        let recovered = durable.recover(["stranger", "nobody"]).await.unwrap();
        gate(&stranger).reached_by(2).await;

        assert_eq!(recovered, [stranger.as_str()]);
        assert_eq!(store.status(&stranger, "executor_id").await, "worker");
        // Once it runs here, asking again changes nothing.
        assert!(durable.recover(["stranger"]).await.unwrap().is_empty());
        assert_eq!(counted(&own), 1);
        gate(&own).open();
        gate(&stranger).open();
    }

    /// Rules: V10
    async fn a_client_puts_workflows_back_on_their_queues(store: Store) {
        let id = store.id("wf");
        interrupt(&store, &id).await;
        let client = Client::connect(store.url()).await.unwrap();

        let recovered = client.recover(["worker"]).await.unwrap();

        assert_eq!(recovered, [id.as_str()]);
        let row = store
            .row(
                "SELECT status, queue_name, owner_xid, started_at_epoch_ms, executor_id
                 FROM workflow_status WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["ENQUEUED", "_dbos_internal_queue", null, null, "worker"]));
        // A living executor takes it up; it need not be the same.
        let another = store.open().executor_id("another").register::<held>().launch().await.unwrap();
        gate(&id).open();
        another.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
    }

    /// Rules: V1
    async fn workflows_of_other_applications_are_left_alone(store: Store) {
        let id = store.id("wf");
        interrupt(&store, &id).await;
        store.execute("UPDATE workflow_status SET application_name = 'theirs'", &[]).await;

        let ours = store.open().application("ours").register::<held>().launch().await.unwrap();
        let passed = store.id("passed");
        gate(&passed).open();
        held(&ours).id(&passed).await.unwrap();

        assert_eq!(store.status(&id, "status").await, "PENDING");
        assert_eq!(counted(&id), 1);
    }

    /// Rules: V3, L8
    async fn a_workflow_is_given_up_after_its_recoveries(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<frail>();
        let durable = open().launch().await.unwrap();
        drop(frail(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        for attempt in 2..=3 {
            let durable = open().launch().await.unwrap();
            gate(&id).reached_by(attempt).await;
            durable.shutdown(Duration::ZERO).await;
        }

        let durable = open().launch().await.unwrap();
        let error = durable.retrieve::<frail>(&id).await.unwrap().result().await.unwrap_err();

        match error.downcast_ref::<Error>() {
            Some(Error::AwaitedDeadLetter { id: given_up }) => assert_eq!(*given_up, id),
            other => panic!("{other:?}"),
        }
        assert_eq!(counted(&id), 3);
        let row = store
            .row(
                "SELECT status, recovery_attempts, owner_xid, queue_name, started_at_epoch_ms
                 FROM workflow_status WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["MAX_RECOVERY_ATTEMPTS_EXCEEDED", 4, null, null, null]));
        assert!(store.status(&id, "completed_at").await.is_i64());
    }

    async fn recovery_attempts_given_for_all_hold_whatever_the_attribute_says(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<frail>().max_recovery_attempts(0);
        let durable = open().launch().await.unwrap();
        drop(frail(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let durable = open().launch().await.unwrap();
        let error = durable.retrieve::<frail>(&id).await.unwrap().result().await.unwrap_err();

        match error.downcast_ref::<Error>() {
            Some(Error::AwaitedDeadLetter { id: given_up }) => assert_eq!(*given_up, id),
            other => panic!("{other:?}"),
        }
        assert_eq!(counted(&id), 1);
    }

    /// Rules: V4
    async fn a_workflow_that_was_resumed_runs_with_its_history(store: Store) {
        let id = store.id("wf");
        interrupt(&store, &id).await;
        store
            .execute(
                "UPDATE workflow_status SET status = 'CANCELLED', owner_xid = NULL
                 WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        let durable = store.open().register::<held>().launch().await.unwrap();
        gate(&id).open();

        store
            .execute(
                "UPDATE workflow_status SET status = 'ENQUEUED', recovery_attempts = 0,
                     queue_name = '_dbos_internal_queue' WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        store.becomes(STATUS, &[&id], "SUCCESS").await;

        assert_eq!(store.status(&id, "recovery_attempts").await, 1);
        assert_eq!(store.step_names(&id).await, ["1 hold"]);
        drop(durable);
    }

    /// Rules: V4
    async fn a_workflow_that_was_given_up_runs_again_when_it_is_resumed(store: Store) {
        let id = store.id("wf");
        interrupt(&store, &id).await;
        store
            .execute(
                "UPDATE workflow_status
                 SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', owner_xid = NULL,
                     queue_name = NULL, recovery_attempts = 102 WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        let durable = store.open().register::<held>().launch().await.unwrap();
        gate(&id).open();

        store
            .execute(
                "UPDATE workflow_status SET status = 'ENQUEUED', recovery_attempts = 0,
                     queue_name = '_dbos_internal_queue' WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        store.becomes(STATUS, &[&id], "SUCCESS").await;

        assert_eq!(store.status(&id, "recovery_attempts").await, 1);
        assert_eq!(counted(&id), 2);
        drop(durable);
    }

    async fn a_dropped_runtime_closes_its_database(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        drop(held(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;

        drop(durable);

        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let open = open_connections(&store).await;
            if open == 0 {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "{open} connections stay open");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Connections to the database other than the one that asks.
async fn open_connections(store: &Store) -> usize {
    match store.path() {
        Some(path) => std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .filter(|file| *file == path)
            .count(),
        None => {
            let sql = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            usize::try_from(store.value(sql, &[]).await.as_u64().unwrap()).unwrap()
        }
    }
}
