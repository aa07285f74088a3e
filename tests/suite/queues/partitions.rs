//! Partitioned queues: limits that hold for each key.

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use futures_util::future::join_all;
use serde_json::json;

use super::{Enqueued, FREE, LONG, QUICK, STATUS, enqueue, most, poll_all, prepare};
use super::{holds_the_queue, signs, visitor};

const ONE_EACH: Queue = Queue::new("one each")
    .partition_concurrency(1)
    .polling_interval(QUICK);
const TWO_EACH: Queue = Queue::new("two each")
    .partition_concurrency(2)
    .polling_interval(QUICK);
const TWO_EACH_HERE: Queue = Queue::new("two each here")
    .partition_worker_concurrency(2)
    .polling_interval(QUICK);
const THREE_OF_ALL: Queue = Queue::new("three of all")
    .concurrency(3)
    .partition_concurrency(2)
    .polling_interval(QUICK);
const ONE_START_EACH: Queue = Queue::new("one start each")
    .partition_limiter(1, LONG)
    .polling_interval(QUICK);

/// Sends `visits` visitors of each key through a queue; they have gone when it returns.
async fn visit(durable: &Durable, queue: &Queue, crowds: &[&str], visits: usize, full: usize) {
    let calls = (0..visits).flat_map(|_| {
        crowds.iter().map(|crowd| {
            visitor(durable, (*crowd).to_owned(), full)
                .queue(queue)
                .partition_key(*crowd)
        })
    });
    for visit in join_all(calls).await {
        visit.unwrap();
    }
}

on_both_stores! {
    /// Rules: Q16
    async fn one_workflow_of_each_partition_runs_at_a_time(store: Store) {
        let keys = [store.id("key"), store.id("key")];
        let keys = [keys[0].as_str(), keys[1].as_str()];
        let launch = |executor: &'static str| {
            store.open().executor_id(executor).register::<visitor>().queue(&ONE_EACH).launch()
        };
        let first = launch("first").await.unwrap();
        let second = if store.is_postgres() { Some(launch("second").await.unwrap()) } else { None };

        visit(&first, &ONE_EACH, &keys, 8, 1).await;

        assert_eq!((most(keys[0]), most(keys[1])), (1, 1));
        drop(second);
    }

    /// Rules: Q16
    async fn partitions_do_not_wait_for_each_other(store: Store) {
        let durable =
            store.open().register::<holds_the_queue>().queue(&ONE_EACH).launch().await.unwrap();
        let ids = [store.id("wf"), store.id("wf"), store.id("wf")];
        let mut handles = Vec::new();
        for id in &ids {
            let call = holds_the_queue(&durable).id(id).queue(&ONE_EACH).partition_key(id);
            handles.push(call.start().await.unwrap());
        }

        for id in &ids {
            gate(id).reached().await;
        }

        for (id, handle) in ids.iter().zip(handles) {
            gate(id).open();
            handle.result().await.unwrap();
        }
    }

    /// Rules: Q16
    async fn a_partition_of_which_somebody_runs_one_is_left_alone(store: Store) {
        prepare(&store).await;
        let theirs = Enqueued {
            id: "theirs",
            queue: "one each",
            application: Some("theirs"),
            key: Some("busy"),
            status: "PENDING",
            ..Enqueued::default()
        };
        enqueue(&store, theirs).await;
        let ids = [store.id("behind"), store.id("beside")];
        for (id, key) in ids.iter().zip(["busy", "idle"]) {
            let key = Some(key);
            enqueue(&store, Enqueued { id, queue: "one each", key, ..Enqueued::default() }).await;
        }

        let durable =
            store.open().register::<signs>().queue(&FREE).queue(&ONE_EACH).launch().await.unwrap();

        store.becomes(STATUS, &[&ids[1]], "SUCCESS").await;
        poll_all(&store).await;
        assert_eq!(store.status(&ids[0], "status").await, "ENQUEUED");
        store.execute("UPDATE workflow_status SET status = 'SUCCESS' WHERE workflow_uuid = 'theirs'", &[]).await;
        store.becomes(STATUS, &[&ids[0]], "SUCCESS").await;
        drop(durable);
    }

    /// Rules: Q16, V7
    async fn the_first_of_a_partition_is_the_first_of_our_version(store: Store) {
        prepare(&store).await;
        let ids = [store.id("older"), store.id("ours")];
        for (id, version) in ids.iter().zip(["0", "1"]) {
            let row = Enqueued {
                id,
                queue: "one each",
                version: Some(version),
                key: Some("k"),
                ..Enqueued::default()
            };
            enqueue(&store, row).await;
        }

        let durable = store.open().register::<signs>().queue(&ONE_EACH).launch().await.unwrap();

        store.becomes(STATUS, &[&ids[1]], "SUCCESS").await;
        assert_eq!(store.status(&ids[0], "status").await, "ENQUEUED");
        drop(durable);
    }

    /// Rules: Q11, Q16
    async fn one_of_each_partition_and_not_more_than_a_process_runs(store: Store) {
        let queue = Queue::new("two at once")
            .partition_concurrency(1)
            .worker_concurrency(2)
            .polling_interval(QUICK);
        let crowd = store.id("crowd");
        let durable = store.open().register::<visitor>().queue(&queue).launch().await.unwrap();

        let visits = (0..12).map(|number| {
            let call = visitor(&durable, crowd.clone(), 2).queue(&queue);
            call.partition_key(format!("key-{}", number % 6))
        });
        for visit in join_all(visits).await {
            visit.unwrap();
        }

        assert_eq!(most(&crowd), 2);
    }

    /// Rules: Q11, Q16
    async fn partition_concurrency_is_reached_and_never_exceeded(store: Store) {
        let keys = [store.id("key"), store.id("key")];
        let keys = [keys[0].as_str(), keys[1].as_str()];
        let launch = |executor: &'static str| {
            store.open().executor_id(executor).register::<visitor>().queue(&TWO_EACH).launch()
        };
        let first = launch("first").await.unwrap();
        let second = if store.is_postgres() { Some(launch("second").await.unwrap()) } else { None };

        visit(&first, &TWO_EACH, &keys, 8, 2).await;

        assert_eq!((most(keys[0]), most(keys[1])), (2, 2));
        drop(second);
    }

    /// Rules: Q11, Q17
    async fn partition_worker_concurrency_holds_for_each_key(store: Store) {
        let keys = [store.id("key"), store.id("key")];
        let keys = [keys[0].as_str(), keys[1].as_str()];
        let durable =
            store.open().register::<visitor>().queue(&TWO_EACH_HERE).launch().await.unwrap();

        visit(&durable, &TWO_EACH_HERE, &keys, 8, 2).await;

        assert_eq!((most(keys[0]), most(keys[1])), (2, 2));
    }

    /// Rules: Q8, Q11
    async fn a_limit_of_all_partitions_together_holds_too(store: Store) {
        let crowd = store.id("crowd");
        let launch = |executor: &'static str| {
            store.open().executor_id(executor).register::<visitor>().queue(&THREE_OF_ALL).launch()
        };
        let first = launch("first").await.unwrap();
        let second = if store.is_postgres() { Some(launch("second").await.unwrap()) } else { None };

        let visits = (0..16).map(|number| {
            let call = visitor(&first, crowd.clone(), 3).queue(&THREE_OF_ALL);
            call.partition_key(format!("key-{}", number % 4))
        });
        for visit in join_all(visits).await {
            visit.unwrap();
        }

        assert_eq!(most(&crowd), 3);
        drop(second);
    }

    /// Rules: Q11, Q12
    async fn a_limiter_of_partitions_counts_each_key(store: Store) {
        let started = "SELECT count(*) FROM workflow_status
                       WHERE queue_partition_key IS NOT NULL AND status = 'SUCCESS'";
        let durable =
            store.open().register::<signs>().queue(&FREE).queue(&ONE_START_EACH).launch().await.unwrap();
        for number in 0..6 {
            let call = signs(&durable, store.id("book"), "x".into()).queue(&ONE_START_EACH);
            drop(call.partition_key(format!("key-{}", number % 2)).start().await.unwrap());
        }

        store.becomes(started, &[], 2).await;
        poll_all(&store).await;
        assert_eq!(store.value(started, &[]).await, 2);
        store
            .execute(
                "UPDATE workflow_status SET started_at_epoch_ms = started_at_epoch_ms - 600000
                 WHERE queue_partition_key = 'key-1'",
                &[],
            )
            .await;

        store.becomes(started, &[], 3).await;
        poll_all(&store).await;
        assert_eq!(store.value(started, &[]).await, 3);
        drop(durable);
    }

    /// Rules: Q15
    async fn what_has_no_key_never_leaves_a_partitioned_queue(store: Store) {
        let queues = [&ONE_EACH, &TWO_EACH, &TWO_EACH_HERE, &THREE_OF_ALL, &ONE_START_EACH];
        let mut open = store.open().register::<signs>().queue(&FREE);
        for queue in queues {
            open = open.queue(queue);
        }
        let durable = open.launch().await.unwrap();
        let mut waiting = Vec::new();
        for queue in queues {
            let call = signs(&durable, store.id("book"), "x".into()).queue(queue);
            waiting.push(call.start().await.unwrap());
        }

        poll_all(&store).await;

        for handle in &waiting {
            assert_eq!(store.status(handle.workflow_id(), "status").await, "ENQUEUED");
        }
        drop(durable);
    }

    /// Rules: Q15
    async fn a_key_does_not_matter_on_other_queues(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();

        let call = signs(&durable, store.id("book"), "x".into()).id("wf").queue(&FREE);
        call.partition_key("k").await.unwrap();

        assert_eq!(store.status("wf", "queue_partition_key").await, "k");
    }

    /// Rules: Q11, Q15
    async fn the_limits_of_a_partitioned_queue_of_an_older_version_hold_for_each_key(store: Store) {
        prepare(&store).await;
        store
            .execute(
                "INSERT INTO queues (name, concurrency, worker_concurrency, partition_queue,
                                     polling_interval_sec, created_at, updated_at)
                 VALUES ('one each', 1, 1, TRUE, 0.02, 1, 1)",
                &[],
            )
            .await;
        let durable = store.open().register::<holds_the_queue>().launch().await.unwrap();
        let ids = [store.id("wf"), store.id("wf")];
        let mut handles = Vec::new();
        for id in &ids {
            let call = holds_the_queue(&durable).id(id).queue(&ONE_EACH).partition_key(id);
            handles.push(call.start().await.unwrap());
        }

        for id in &ids {
            gate(id).reached().await;
        }

        let row = durable.queue("one each").await.unwrap().unwrap();
        let read = Queue::new("one each").partition_concurrency(1).partition_worker_concurrency(1);
        assert_eq!(row.queue, read.polling_interval(QUICK));
        for (id, handle) in ids.iter().zip(handles) {
            gate(id).open();
            handle.result().await.unwrap();
        }
    }

    /// Rules: Q1, Q15
    async fn the_row_of_a_partitioned_queue_says_so_to_older_versions(store: Store) {
        let queue = Queue::new("q")
            .partition_concurrency(4)
            .partition_worker_concurrency(2)
            .partition_limiter(3, LONG);

        let durable = store.open().queue(&queue).launch().await.unwrap();

        let row = store
            .row(
                "SELECT partition_concurrency, partition_worker_concurrency, partition_rate_limit_max,
                        partition_rate_limit_period_sec, partition_queue
                 FROM queues",
                &[],
            )
            .await;
        let flag = if store.is_postgres() { json!(true) } else { row[4].clone() };
        assert_eq!(row, json!([4, 2, 3, 600.0, flag]));
        assert!([json!(true), json!(1)].contains(&flag), "{row}");
        drop(durable);
    }
}
