//! A workflow on its way through a queue.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::tally::noted;
use serde_json::json;

use super::{
    Enqueued, FREE, LONG, ONE, QUICK, STATUS, enqueue, hold, holds_the_queue, sign, signs,
};

#[workflow]
async fn enqueues(ctx: WorkflowContext, book: String) -> anyhow::Result<()> {
    let child = signs(&ctx, book, "child".into())
        .queue(&FREE)
        .start()
        .await?;
    child.result().await
}

#[workflow]
async fn signs_and_holds(ctx: WorkflowContext, book: String) -> anyhow::Result<()> {
    sign(&ctx, book, "x".into()).await?;
    hold(&ctx).await
}

on_both_stores! {
    /// Rules: Q6
    async fn an_enqueued_workflow_waits_without_an_owner(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();

        drop(signs(&durable, "book".into(), "x".into()).id("wf").queue(&FREE).priority(7).start().await.unwrap());

        let row = store
            .row(
                "SELECT status, queue_name, priority, recovery_attempts, owner_xid, executor_id,
                        application_version, started_at_epoch_ms, serialization
                 FROM workflow_status WHERE workflow_uuid = 'wf'",
                &[],
            )
            .await;
        assert_eq!(
            row,
            json!(["ENQUEUED", "free", 7, 0, null, "worker", "1", null, "portable_json"])
        );
    }

    /// Rules: Q13
    async fn a_finished_workflow_keeps_its_queue_and_its_time_of_start(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();

        signs(&durable, store.id("book"), "x".into()).id("wf").queue(&FREE).await.unwrap();

        assert_eq!(store.status("wf", "queue_name").await, "free");
        assert!(store.status("wf", "started_at_epoch_ms").await.is_i64());
        assert_eq!(store.status("wf", "recovery_attempts").await, 1);
        assert!(store.status("wf", "owner_xid").await.is_null());
    }

    async fn the_next_workflow_is_taken_in_the_commit_that_ends_the_one_before(store: Store) {
        let [first, second, third] = ["first", "second", "third"].map(|name| store.id(name));
        let durable = store.open().register::<holds_the_queue>().queue(&ONE).launch().await.unwrap();
        for id in [&first, &second, &third] {
            drop(holds_the_queue(&durable).id(id).queue(&ONE).start().await.unwrap());
        }
        gate(&first).reached().await;

        gate(&first).open();
        gate(&second).reached().await;

        if store.is_postgres() {
            let writers = store
                .value(
                    "SELECT count(DISTINCT xmin::text) FROM workflow_status WHERE workflow_uuid IN ($1, $2)",
                    &[&first, &second],
                )
                .await;
            assert_eq!(writers, 1, "the end of the one and the start of the other are one transaction");
        }
        assert_eq!(store.status(&third, "status").await, "ENQUEUED");
        gate(&second).open();
        gate(&third).open();
        store.becomes(STATUS, &[&third], "SUCCESS").await;
    }

    async fn a_successor_with_a_history_goes_on_where_it_stopped(store: Store) {
        let [first, second] = ["first", "second"].map(|name| store.id(name));
        let open = || store.open().register::<holds_the_queue>().register::<signs_and_holds>().queue(&ONE);
        let durable = open().launch().await.unwrap();
        drop(signs_and_holds(&durable, second.clone()).id(&second).start().await.unwrap());
        gate(&second).reached().await;
        durable.shutdown(Duration::ZERO).await;
        // It waits behind another one, as if it had been enqueued.
        store
            .execute(
                "UPDATE workflow_status SET status = 'ENQUEUED', queue_name = 'one', owner_xid = NULL,
                     executor_id = NULL, priority = 1 WHERE workflow_uuid = $1",
                &[&second],
            )
            .await;
        enqueue(&store, Enqueued { id: &first, name: "holds_the_queue", queue: "one", ..Enqueued::default() }).await;
        store
            .execute(
                "UPDATE workflow_status SET inputs = '{\"positionalArgs\":[],\"namedArgs\":{}}' WHERE workflow_uuid = $1",
                &[&first],
            )
            .await;

        let durable = open().launch().await.unwrap();
        gate(&first).reached().await;
        gate(&second).open();
        gate(&first).open();

        let handle = durable.retrieve::<signs_and_holds>(&second).await.unwrap();
        handle.result().await.unwrap();
        assert_eq!(noted(&second), ["x"], "its first step ran once");
    }

    /// Rules: Q14
    async fn a_workflow_that_nobody_registered_ends_with_an_error_that_names_it(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        enqueue(&store, Enqueued { name: "stranger", ..Enqueued::default() }).await;

        store.becomes(STATUS, &["wf"], "ERROR").await;

        let error = store
            .value("SELECT error FROM workflow_output WHERE workflow_uuid = 'wf'", &[])
            .await;
        let error = error.as_str().unwrap();
        assert!(error.contains("`stranger`") && error.contains("registered: signs"), "{error}");
        assert!(error.contains(r#""code":4"#), "{error}");
        drop(durable);
    }

    /// Rules: Q13
    async fn a_workflow_that_is_taken_belongs_to_who_took_it(store: Store) {
        let id = store.id("wf");
        let durable = store
            .open()
            .application("ours")
            .register::<holds_the_queue>()
            .queue(&FREE)
            .launch()
            .await
            .unwrap();
        let row = Enqueued {
            id: &id, name: "holds_the_queue", queue: "later", version: None, ..Enqueued::default()
        };
        enqueue(&store, row).await;
        store
            .execute(
                "UPDATE workflow_status
                 SET inputs = '{\"positionalArgs\": [], \"namedArgs\": {}}', queue_name = 'free'",
                &[],
            )
            .await;

        gate(&id).reached().await;

        let row = store
            .row(
                "SELECT status, executor_id, application_version, application_name, queue_name,
                        recovery_attempts, owner_xid IS NULL, started_at_epoch_ms = updated_at
                 FROM workflow_status",
                &[],
            )
            .await;
        let (no, yes) = if store.is_postgres() { (json!(false), json!(true)) } else { (json!(0), json!(1)) };
        assert_eq!(row, json!(["PENDING", "worker", "1", "ours", "free", 1, no, yes]));
        gate(&id).open();
        store.becomes(STATUS, &[&id], "SUCCESS").await;
        drop(durable);
    }

    /// Rules: Q13, T2
    async fn time_on_a_queue_does_not_count_for_a_timeout(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();
        let call = signs(&durable, store.id("book"), "x".into()).id("wf").queue(&FREE);
        let handle = call.timeout(LONG).start().await.unwrap();
        assert_eq!(store.status("wf", "workflow_timeout_ms").await, 600_000);
        assert!(store.status("wf", "workflow_deadline_epoch_ms").await.is_null());

        durable.register_queue(&FREE).await.unwrap();
        handle.result().await.unwrap();

        let after = store
            .value("SELECT workflow_deadline_epoch_ms - started_at_epoch_ms FROM workflow_status", &[])
            .await;
        assert_eq!(after, 600_000);
    }

    /// Rules: T2
    async fn a_deadline_that_is_set_stays(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();
        let call = signs(&durable, store.id("book"), "x".into()).id("wf").queue(&FREE);
        let handle = call.timeout(LONG).start().await.unwrap();
        store
            .execute("UPDATE workflow_status SET workflow_deadline_epoch_ms = 9999999999999", &[])
            .await;

        durable.register_queue(&FREE).await.unwrap();
        handle.result().await.unwrap();

        assert_eq!(store.status("wf", "workflow_deadline_epoch_ms").await, 9_999_999_999_999_i64);
    }

    /// Rules: T7
    async fn a_deadline_beyond_all_time_is_the_last_moment_there_is(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();
        let call = signs(&durable, store.id("book"), "x".into()).id("wf").queue(&FREE);
        let handle = call.timeout(Duration::MAX).start().await.unwrap();

        durable.register_queue(&FREE).await.unwrap();
        handle.result().await.unwrap();

        assert_eq!(store.status("wf", "workflow_deadline_epoch_ms").await, i64::MAX);
    }

    /// Rules: Q14
    async fn a_workflow_without_arguments_does_not_hold_its_place(store: Store) {
        let one = Queue::new("free").worker_concurrency(1).polling_interval(QUICK);
        let durable = store.open().register::<signs>().queue(&one).launch().await.unwrap();
        let (empty, next) = (store.id("empty"), store.id("next"));
        enqueue(&store, Enqueued { id: &empty, queue: "later", ..Enqueued::default() }).await;
        store.execute("UPDATE workflow_status SET inputs = NULL, queue_name = 'free'", &[]).await;
        enqueue(&store, Enqueued { id: &next, ..Enqueued::default() }).await;

        store.becomes(STATUS, &[&empty], "ERROR").await;

        store.becomes(STATUS, &[&next], "SUCCESS").await;
        drop(durable);
    }

    /// Rules: Q13
    async fn a_workflow_that_was_resumed_or_forked_has_its_history(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let book = store.id("book");
        signs(&durable, book.clone(), "x".into()).id("wf").queue(&FREE).await.unwrap();
        assert_eq!(noted(&book), ["x"]);

        // As a resume leaves it: nothing of the row tells that it ran, but its steps are there.
        store
            .execute(
                "UPDATE workflow_status SET status = 'ENQUEUED', recovery_attempts = 0,
                     started_at_epoch_ms = NULL, completed_at = NULL",
                &[],
            )
            .await;
        store.becomes(STATUS, &["wf"], "SUCCESS").await;

        assert_eq!(store.status("wf", "recovery_attempts").await, 1);
        assert_eq!(noted(&book), ["x"]);
        drop(durable);
    }

    /// Rules: Q25
    async fn a_child_on_a_queue_is_a_child(store: Store) {
        let durable = store.open().register::<enqueues>().register::<signs>().queue(&FREE);
        let durable = durable.launch().await.unwrap();

        enqueues(&durable, store.id("book")).id("parent").await.unwrap();

        assert_eq!(store.step_names("parent").await, ["1 signs", "2 DBOS.getResult"]);
        assert_eq!(store.steps("parent").await[0][4], "parent-1");
        assert_eq!(store.status("parent-1", "parent_workflow_id").await, "parent");
        assert_eq!(store.status("parent-1", "queue_name").await, "free");
    }
}
