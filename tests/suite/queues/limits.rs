//! How many run at once: here, everywhere, and after a limit changed.

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::tally::noted;
use futures_util::future::join_all;
use serde_json::json;

use super::{Enqueued, LONG, ONE, QUICK, STATUS, enqueue, most, poll_all, prepare};
use super::{FREE, holds_the_queue, signs, visitor};

const THREE: Queue = Queue::new("three")
    .worker_concurrency(3)
    .polling_interval(QUICK);
const TWO_OF_ALL: Queue = Queue::new("two of all")
    .concurrency(2)
    .polling_interval(QUICK);

on_both_stores! {
    /// Rules: Q11, Q17
    async fn worker_concurrency_is_reached_and_never_exceeded(store: Store) {
        let test = store.id("crowd");
        let durable = store.open().register::<visitor>().queue(&THREE).launch().await.unwrap();

        let visits = (0..24).map(|_| visitor(&durable, test.clone(), 3).queue(&THREE));
        for visit in join_all(visits).await {
            visit.unwrap();
        }

        assert_eq!(most(&test), 3);
    }

    /// Rules: Q8, Q11
    async fn concurrency_holds_for_all_processes_together(store: Store) {
        let test = store.id("crowd");
        let launch = |executor: &'static str| {
            store.open().executor_id(executor).register::<visitor>().queue(&TWO_OF_ALL).launch()
        };
        let first = launch("worker").await.unwrap();
        // A SQLite file serves one process.
        let second = if store.is_postgres() { Some(launch("second worker").await.unwrap()) } else { None };

        let visits = (0..16).map(|_| visitor(&first, test.clone(), 2).queue(&TWO_OF_ALL));
        for visit in join_all(visits).await {
            visit.unwrap();
        }

        assert_eq!(most(&test), 2);
        let ended = store.rows("SELECT status, count(*) FROM workflow_status GROUP BY status", &[]).await;
        assert_eq!(ended, [json!(["SUCCESS", 16])]);
        drop(second);
    }

    /// Rules: Q5, Q8
    async fn two_processes_share_the_work_of_a_queue(store: Store) {
        let test = store.id("crowd");
        let first = store.open().executor_id("first").register::<visitor>().queue(&ONE).launch().await.unwrap();
        let second = store.open().executor_id("second").register::<visitor>().queue(&ONE).launch().await.unwrap();

        // Each process runs one at a time, so two inside are one of each.
        let visits = (0..4).map(|_| visitor(&first, test.clone(), 2).queue(&ONE));
        for visit in join_all(visits).await {
            visit.unwrap();
        }

        let executors = store
            .rows("SELECT DISTINCT executor_id FROM workflow_status ORDER BY executor_id", &[])
            .await;
        assert_eq!(executors, [json!(["first"]), json!(["second"])]);
        drop(second);
    }

    /// Rules: Q11
    async fn concurrency_counts_what_any_executor_and_version_runs(store: Store) {
        prepare(&store).await;
        let theirs = Enqueued {
            id: "theirs",
            queue: "two of all",
            version: Some("0"),
            status: "PENDING",
            ..Enqueued::default()
        };
        enqueue(&store, theirs).await;
        let durable =
            store.open().register::<holds_the_queue>().queue(&TWO_OF_ALL).launch().await.unwrap();
        let ids = [store.id("first"), store.id("second")];
        let mut handles = Vec::new();
        for id in &ids {
            let call = holds_the_queue(&durable).id(id).queue(&TWO_OF_ALL);
            handles.push(call.start().await.unwrap());
        }

        gate(&ids[0]).reached().await;
        assert_eq!(store.status(&ids[1], "status").await, "ENQUEUED");
        store.execute("UPDATE workflow_status SET status = 'SUCCESS' WHERE workflow_uuid = 'theirs'", &[]).await;

        gate(&ids[1]).reached().await;
        for (id, handle) in ids.iter().zip(handles) {
            gate(id).open();
            handle.result().await.unwrap();
        }
    }

    /// Rules: Q17
    async fn a_workflow_that_was_cancelled_elsewhere_frees_its_place(store: Store) {
        let blocker = store.id("blocker");
        let durable = store
            .open()
            .register::<signs>()
            .register::<holds_the_queue>()
            .queue(&ONE)
            .launch()
            .await
            .unwrap();
        let blocked = holds_the_queue(&durable).id(&blocker).queue(&ONE).start().await.unwrap();
        gate(&blocker).reached().await;
        let next = signs(&durable, store.id("book"), "x".into()).queue(&ONE).start().await.unwrap();

        store
            .execute(
                "UPDATE workflow_status SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL
                 WHERE workflow_uuid = $1",
                &[&blocker],
            )
            .await;

        next.result().await.unwrap();
        blocked.result().await.unwrap_err();
        assert!(gate(&blocker).arrivals() == 1, "it was held to the end");
    }

    /// Rules: Q26
    async fn one_poll_takes_all_that_the_limits_allow(store: Store) {
        prepare(&store).await;
        let queue = Queue::new("rare").worker_concurrency(2).polling_interval(LONG);
        let ids: Vec<_> = (0..50).map(|_| store.id("wf")).collect();
        for id in &ids {
            enqueue(&store, Enqueued { id, queue: "rare", ..Enqueued::default() }).await;
        }

        let durable = store.open().register::<signs>().queue(&queue).launch().await.unwrap();

        for id in &ids {
            store.becomes(STATUS, &[id], "SUCCESS").await;
        }
        drop(durable);
    }

    /// Rules: Q7
    async fn a_polling_interval_is_kept(store: Store) {
        let rare = Queue::new("rare").polling_interval(LONG);
        let durable =
            store.open().register::<signs>().queue(&FREE).queue(&rare).launch().await.unwrap();
        let id = store.id("wf");

        enqueue(&store, Enqueued { id: &id, queue: "rare", ..Enqueued::default() }).await;
        poll_all(&store).await;

        assert_eq!(store.status(&id, "status").await, "ENQUEUED");
        // What is enqueued here is taken at once, and the other with it.
        signs(&durable, store.id("book"), "x".into()).queue(&rare).await.unwrap();
        store.becomes(STATUS, &[&id], "SUCCESS").await;
    }

    /// Rules: Q4
    async fn a_changed_limit_counts_from_the_next_poll(store: Store) {
        let queue = Queue::new("changing").worker_concurrency(1).polling_interval(QUICK);
        let durable =
            store.open().register::<holds_the_queue>().queue(&queue).launch().await.unwrap();
        let ids = [store.id("first"), store.id("second")];
        let mut handles = Vec::new();
        for id in &ids {
            handles.push(holds_the_queue(&durable).id(id).queue(&queue).start().await.unwrap());
        }
        gate(&ids[0]).reached().await;
        assert_eq!(store.status(&ids[1], "status").await, "ENQUEUED");

        store.execute("UPDATE queues SET worker_concurrency = 2", &[]).await;

        gate(&ids[1]).reached().await;
        for (id, handle) in ids.iter().zip(handles) {
            gate(id).open();
            handle.result().await.unwrap();
        }
    }

    /// Rules: Q4, Q11
    async fn a_limit_of_nothing_pauses_a_queue(store: Store) {
        let durable =
            store.open().register::<signs>().queue(&FREE).queue(&TWO_OF_ALL).launch().await.unwrap();
        let book = store.id("book");
        store.execute("UPDATE queues SET concurrency = 0 WHERE name = 'two of all'", &[]).await;
        poll_all(&store).await;

        let call = signs(&durable, book.clone(), "x".into()).queue(&TWO_OF_ALL);
        let paused = call.start().await.unwrap();
        poll_all(&store).await;
        assert_eq!(noted(&book).len(), 0);
        store.execute("UPDATE queues SET concurrency = NULL WHERE name = 'two of all'", &[]).await;

        paused.result().await.unwrap();
    }
}
