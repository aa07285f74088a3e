//! What becomes of the workflows of a process that is gone, while others live.

use std::time::{Duration, Instant};

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::journey::{Hold, traces};
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use serde_json::json;

use crate::kill::{Scene, Worker};

const KEPT: Queue = Queue::new("kept").polling_interval(Duration::from_millis(20));

/// Within this time the workflows of a killed process run elsewhere.
const TAKEOVER: Duration = Duration::from_secs(10);

/// Tells when the body that it lives in is dropped.
struct Witness(String);

impl Drop for Witness {
    fn drop(&mut self) {
        gate(format!("{}/dropped", self.0)).open();
    }
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    let run = count(ctx.workflow_id());
    let _witness = Witness(format!("{}/{run}", ctx.workflow_id()));
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// Holds a connection of the pool.
#[transaction]
async fn occupy(ctx: TransactionContext, key: String) -> anyhow::Result<()> {
    assert!(!ctx.workflow_id().is_empty());
    gate(key).pass().await;
    Ok(())
}

#[workflow]
async fn occupies(ctx: WorkflowContext, key: String) -> anyhow::Result<()> {
    occupy(&ctx, key).await
}

#[workflow]
async fn held(ctx: WorkflowContext) -> anyhow::Result<()> {
    hold(&ctx).await
}

/// Begins a workflow as an executor that then ends without having finished it.
async fn leave_behind(builder: durable_runtime::Builder, id: &str) {
    let durable = builder.register::<held>().launch().await.unwrap();
    drop(held(&durable).id(id).start().await.unwrap());
    gate(id).reached().await;
    durable.shutdown(Duration::ZERO).await;
}

const LEASE_IS_ALIVE: &str = "
    SELECT count(*) FROM durable_executors
    WHERE executor_id = $1 AND lease_until_epoch_ms > ";

fn now_ms(store: &Store) -> &'static str {
    if store.is_postgres() {
        "(EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint"
    } else {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    }
}

on_both_stores! {
    async fn a_lease_lasts_until_the_shutdown(store: Store) {
        let alive = format!("{LEASE_IS_ALIVE}{}", now_ms(&store));
        let durable = store.open().register::<held>().launch().await.unwrap();
        assert_eq!(store.value(&alive, &["worker"]).await, 1);

        durable.shutdown(Duration::ZERO).await;

        assert_eq!(store.value(&alive, &["worker"]).await, 0);
    }

    async fn a_lease_is_renewed(store: Store) {
        let durable = store.open().register::<held>().launch().await.unwrap();
        let until = store.value("SELECT lease_until_epoch_ms FROM durable_executors", &[]).await;
        let renewed = format!("SELECT count(*) FROM durable_executors WHERE lease_until_epoch_ms > {until}");

        store.becomes(&renewed, &[], 1).await;

        drop(durable);
    }

    async fn a_dropped_runtime_releases_its_lease(store: Store) {
        let alive = format!("{LEASE_IS_ALIVE}{}", now_ms(&store));
        let durable = store.open().register::<held>().launch().await.unwrap();
        assert_eq!(store.value(&alive, &["worker"]).await, 1);

        drop(durable);

        store.becomes(&alive, &["worker"], 0).await;
    }

    /// Rules: V2
    async fn a_workflow_whose_executor_has_no_lease_any_more_goes_on_elsewhere(store: Store) {
        let id = store.id("wf");
        leave_behind(store.open(), &id).await;
        let before = store.status(&id, "owner_xid").await;

        let another = store.open().executor_id("another").register::<held>().launch().await.unwrap();
        gate(&id).reached_by(2).await;

        let row = store
            .row(
                "SELECT status, executor_id, queue_name, recovery_attempts FROM workflow_status
                 WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["PENDING", "another", "_dbos_internal_queue", 2]));
        assert_ne!(store.status(&id, "owner_xid").await, before);
        gate(&id).open();
        another.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
    }

    /// Rules: V2
    async fn a_workflow_of_a_queue_is_taken_over_over_its_queue(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().queue(&KEPT).launch().await.unwrap();
        drop(held(&durable).id(&id).queue(&KEPT).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let another = store.open().executor_id("another").register::<held>().queue(&KEPT);
        let another = another.launch().await.unwrap();
        gate(&id).reached_by(2).await;

        assert_eq!(store.status(&id, "queue_name").await, "kept");
        gate(&id).open();
        another.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
    }

    async fn a_takeover_crosses_no_version_and_no_application_and_leaves_strangers_alone(store: Store) {
        let ours = store.id("ours");
        let (version, application, stranger) =
            (store.id("version"), store.id("application"), store.id("stranger"));
        let open = |executor: &str| store.open().application("our-app").executor_id(executor);
        // The stranger first: a process of the same version would take over what the others leave.
        leave_behind(open("b"), &stranger).await;
        store.execute("UPDATE workflow_status SET executor_id = 'c'", &[]).await;
        leave_behind(open("a"), &ours).await;
        leave_behind(open("a").version("2"), &version).await;
        leave_behind(open("a").version("3").application("their-app"), &application).await;
        store.execute("UPDATE application_versions SET application_name = NULL", &[]).await;
        let other_application =
            "UPDATE workflow_status SET application_version = '1' WHERE application_version = '3'";
        store.execute(other_application, &[]).await;

        let survivor = open("survivor").register::<held>().launch().await.unwrap();
        gate(&ours).reached_by(2).await;

        for left in [&version, &application, &stranger] {
            assert_eq!(store.status(left, "status").await, "PENDING");
            assert_eq!(counted(left), 1, "{left}");
        }
        gate(&ours).open();
        drop(survivor);
    }

    async fn a_lease_is_forgotten_when_nothing_is_left_of_its_executor(store: Store) {
        let id = store.id("wf");
        leave_behind(store.open().executor_id("busy").version("2"), &id).await;
        let durable = store.open().register::<held>().launch().await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        store
            .execute(
                "INSERT INTO durable_executors VALUES ('idle', '', '1', 'gone', 0, 0);
                 UPDATE durable_executors SET lease_until_epoch_ms = 0",
                &[],
            )
            .await;

        let durable = store.open().register::<held>().launch().await.unwrap();

        let left = store.rows("SELECT executor_id FROM durable_executors ORDER BY 1", &[]).await;
        assert_eq!(left, [json!(["busy"]), json!(["worker"])]);
        drop(durable);
    }

    /// Rules: V5
    async fn a_second_launch_of_an_executor_takes_away_what_the_first_runs(store: Store) {
        let id = store.id("wf");
        let first = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&first).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        let second = store.open().register::<held>().launch().await.unwrap();
        gate(&id).reached_by(2).await;
        gate(format!("{id}/1/dropped")).pass().await;
        gate(&id).open();

        second.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
        handle.result().await.unwrap();
        assert_eq!(counted(&id), 2);
        assert_eq!(store.step_names(&id).await, ["1 hold"]);
        drop((first, second));
    }

    async fn a_lease_that_another_process_had_is_taken_again_when_that_one_is_gone(store: Store) {
        let (own, theirs) = (store.id("own"), store.id("theirs"));
        let durable = store.open().register::<held>().launch().await.unwrap();
        drop(held(&durable).id(&own).start().await.unwrap());
        gate(&own).reached().await;
        let owner = store.status(&own, "owner_xid").await;
        store
            .execute("UPDATE durable_executors SET lease_token = 'theirs', lease_until_epoch_ms = 9000000000000", &[])
            .await;
        // What the other process would have left under the same executor id.
        drop(held(&durable).id(&theirs).start().await.unwrap());
        gate(&theirs).reached().await;
        store.execute("UPDATE workflow_status SET owner_xid = 'theirs' WHERE workflow_uuid = $1", &[&theirs]).await;
        gate(format!("{theirs}/1/dropped")).pass().await;

        store.execute("UPDATE durable_executors SET lease_until_epoch_ms = 0", &[]).await;
        gate(&theirs).reached_by(2).await;

        let lease = store.value("SELECT lease_token FROM durable_executors", &[]).await;
        assert_ne!(lease, "theirs");
        assert_eq!(store.status(&own, "owner_xid").await, owner);
        assert_eq!(counted(&own), 1);
        drop(durable);
    }

    async fn nobody_is_taken_for_dead_while_nobody_could_renew(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let another = store.open().executor_id("another").register::<held>().launch().await.unwrap();
        drop(held(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        let owner = store.status(&id, "owner_xid").await;
        let alive = format!(
            "SELECT count(*) FROM durable_executors WHERE lease_until_epoch_ms > {}",
            now_ms(&store)
        );

        let blocked = store.block_writes().await;
        store.becomes(&alive, &[], 0).await;
        blocked.release().await;
        store.becomes(&alive, &[], 2).await;

        assert_eq!(store.status(&id, "owner_xid").await, owner);
        gate(&id).open();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
        assert_eq!(counted(&id), 1);
        drop(another);
    }

    /// Rules: M3
    async fn an_execution_that_was_cancelled_elsewhere_stops_in_the_middle_of_a_step(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        drop(held(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;

        store
            .execute(
                "UPDATE workflow_status SET status = 'CANCELLED', owner_xid = NULL
                 WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;

        gate(format!("{id}/1/dropped")).pass().await;
        assert!(store.steps(&id).await.is_empty());
        drop(durable);
    }

    async fn the_workflows_of_a_killed_process_run_elsewhere_within_10_seconds(store: Store) {
        let scene = Scene::set(store).await;
        let url = scene.store.url();
        let mut doomed =
            Worker::start_as("doomed", url, "visit", &scene.id, &scene.effects, Hold::AfterTransaction);
        scene.store.becomes("SELECT count(*) FROM entries", &[], 1).await;
        let mut survivor =
            Worker::start_as("survivor", url, "none", "-", &scene.effects, Hold::Nowhere);
        scene.store
            .becomes("SELECT count(*) FROM durable_executors WHERE executor_id = 'survivor'", &[], 1)
            .await;

        doomed.kill();
        let killed = Instant::now();
        let sql = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";
        scene.store.becomes(sql, &[&scene.id], "SUCCESS").await;
        let took = killed.elapsed();

        println!("the workflow of a killed process had ended elsewhere after {took:.1?}");
        assert!(took < TAKEOVER, "{took:?}");
        assert_eq!(scene.store.status(&scene.id, "executor_id").await, "survivor");
        // The step and the transaction that were committed did not run again.
        assert_eq!(traces(&scene.effects), ["1", "2", "3"]);
        assert_eq!(scene.entries().await, [2]);
        survivor.kill();
    }

    /// Rules: R6
    async fn a_process_that_stood_still_finds_its_workflow_done_by_another(store: Store) {
        let scene = Scene::set(store).await;
        let url = scene.store.url();
        let still =
            Worker::start_as("still", url, "visit", &scene.id, &scene.effects, Hold::AfterTransaction);
        scene.store.becomes("SELECT count(*) FROM entries", &[], 1).await;

        still.signal("-STOP");
        let mut survivor =
            Worker::start_as("survivor", url, "none", "-", &scene.effects, Hold::Nowhere);
        let sql = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";
        scene.store.becomes(sql, &[&scene.id], "SUCCESS").await;
        still.signal("-CONT");

        // It waits for a result that its own execution will never have, and gets that of the other.
        still.end().await;
        assert_eq!(traces(&scene.effects), ["1", "2", "3"]);
        survivor.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_renewed_while_transactions_hold_every_other_connection() {
    const CONNECTIONS: usize = 16;
    let store = Store::postgres().await;
    let durable = store.open().register::<occupies>().launch().await.unwrap();
    let key = store.id("all");
    for _ in 0..2 * CONNECTIONS {
        drop(occupies(&durable, key.clone()).start().await.unwrap());
    }
    gate(&key).reached_by(CONNECTIONS).await;

    let until = "SELECT lease_until_epoch_ms FROM durable_executors";
    let until = store.value(until, &[]).await;
    let renewed =
        format!("SELECT count(*) FROM durable_executors WHERE lease_until_epoch_ms > {until}");
    store.becomes(&renewed, &[], 1).await;

    assert_eq!(gate(&key).arrivals(), CONNECTIONS);
    gate(&key).open();
}
