//! The table of queues: who writes it, and who serves what is in it.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, Error, OnConflict, StoreError};
use durable_tests::tally::noted;
use serde_json::json;

use super::{Enqueued, FREE, QUICK, STATUS, enqueue, poll_all, signs};

/// What a queue of another application is refused with.
fn assert_owned<T: std::fmt::Debug>(refused: Result<T, Error>, owner: &str) {
    match refused {
        Err(Error::Store(error)) => match error.as_ref() {
            StoreError::Owned {
                kind,
                name,
                owner: found,
            } => {
                assert_eq!(
                    (*kind, name.as_str(), found.as_str()),
                    ("queue", "free", owner)
                );
                assert!(
                    error
                        .to_string()
                        .contains("is already registered by application"),
                    "{error}"
                );
            }
            other => panic!("{other}"),
        },
        other => panic!("{other:?}"),
    }
}

on_both_stores! {
    /// Rules: Q1
    async fn the_row_of_a_queue_has_its_limits(store: Store) {
        let queue = Queue::new("limited")
            .concurrency(7)
            .worker_concurrency(3)
            .polling_interval(Duration::from_millis(250));

        let durable = store.open().queue(&queue).launch().await.unwrap();

        let row = store
            .row(
                "SELECT name, concurrency, worker_concurrency, polling_interval_sec,
                        rate_limit_max, application_name
                 FROM queues",
                &[],
            )
            .await;
        assert_eq!(row, json!(["limited", 7, 3, 0.25, null, null]));
        drop(durable);
    }

    /// Rules: Q2
    async fn a_launch_brings_the_limits_of_a_queue_up_to_date(store: Store) {
        let durable = store.open().queue(&Queue::new("limited").concurrency(7)).launch().await.unwrap();
        durable.shutdown(Duration::ZERO).await;

        let durable = store.open().queue(&Queue::new("limited").worker_concurrency(2)).launch().await.unwrap();

        let row = store.row("SELECT name, concurrency, worker_concurrency FROM queues", &[]).await;
        assert_eq!(row, json!(["limited", null, 2]));
        drop(durable);
    }

    /// Rules: V9
    async fn a_queue_of_another_application_is_refused_at_launch(store: Store) {
        let theirs = store.open().application("theirs").version("t").queue(&FREE).launch().await.unwrap();

        let refused = store.open().application("ours").version("o").queue(&FREE).launch().await;

        assert_owned(refused, "theirs");
        let owner = store.value("SELECT application_name FROM queues", &[]).await;
        assert_eq!(owner, "theirs");
        drop(theirs);
    }

    /// Rules: Q1
    async fn the_row_of_a_queue_has_its_limiter(store: Store) {
        let queue = Queue::new("limited").limiter(5, Duration::from_millis(1500));

        let durable = store.open().application("ours").queue(&queue).launch().await.unwrap();

        let row = store
            .row("SELECT rate_limit_max, rate_limit_period_sec, application_name FROM queues", &[])
            .await;
        assert_eq!(row, json!([5, 1.5, "ours"]));
        let row = durable.queue("limited").await.unwrap().unwrap();
        assert_eq!((row.queue, row.application_name.as_deref()), (queue, Some("ours")));
    }

    /// Rules: Q1, Q3
    async fn a_queue_with_a_problem_is_refused_by_a_client_and_by_a_runtime(store: Store) {
        let durable = store.open().launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap();
        for (queue, problem) in [
            (Queue::new("_dbos_mine"), "names that begin with `_dbos_` are reserved"),
            (Queue::new("q").concurrency(1).worker_concurrency(2), "is more than concurrency (1)"),
            (
                Queue::new("q").partition_concurrency(1).partition_worker_concurrency(2),
                "is more than partition_concurrency (1)",
            ),
            (Queue::new("q").partition_concurrency(0), "a limit of 0"),
            (Queue::new("q").limiter(1, Duration::ZERO), "the period of the limiter"),
            (Queue::new("q").polling_interval(Duration::ZERO), "the polling interval is zero"),
        ] {
            for refused in [client.register_queue(&queue).await, durable.register_queue(&queue).await] {
                match refused {
                    Err(Error::Misuse(text)) => assert!(text.contains(problem), "{text}"),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(client.list_queues().await.unwrap(), []);
    }

    /// Rules: Q2
    async fn an_older_version_leaves_a_queue_as_the_newer_one_made_it(store: Store) {
        let older = store.open().launch().await.unwrap();
        let newer = store.open().executor_id("newer").version("2").queue(&FREE.concurrency(7));
        let newer = newer.launch().await.unwrap();
        store
            .execute(
                "UPDATE application_versions SET version_timestamp = version_timestamp + 1000
                 WHERE version_name = '2'",
                &[],
            )
            .await;
        let limits = |limit| FREE.concurrency(limit);

        let kept = older.register_queue(&limits(1)).await.unwrap();
        let never = newer.register_queue(&limits(2).on_conflict(OnConflict::NeverUpdate)).await.unwrap();
        assert_eq!((&kept.queue, &never.queue), (&limits(7), &limits(7)));

        let updated = newer.register_queue(&limits(3)).await.unwrap();
        let forced = older.register_queue(&limits(4).on_conflict(OnConflict::AlwaysUpdate)).await.unwrap();
        assert_eq!((&updated.queue, &forced.queue), (&limits(3), &limits(4)));
        assert_eq!(forced.created_at_ms, kept.created_at_ms);
        drop((older, newer));
    }

    /// Rules: Q2, Q3
    async fn a_client_always_updates_unless_told_otherwise(store: Store) {
        let durable = store.open().queue(&FREE).launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap();
        let limits = |limit| FREE.concurrency(limit);

        let updated = client.register_queue(&limits(1)).await.unwrap();
        let never = client.register_queue(&limits(2).on_conflict(OnConflict::NeverUpdate)).await.unwrap();
        let refused = client.register_queue(&limits(3).on_conflict(OnConflict::UpdateIfLatestVersion)).await;

        assert_eq!((&updated.queue, &never.queue), (&limits(1), &limits(1)));
        match refused {
            Err(Error::Misuse(text)) => assert!(text.contains("OnConflict::AlwaysUpdate"), "{text}"),
            other => panic!("{other:?}"),
        }
        drop(durable);
    }

    /// Rules: Q1, V9
    async fn a_queue_of_another_application_is_refused_at_run_time(store: Store) {
        let theirs = store.open().application("theirs").version("t").queue(&FREE).launch().await.unwrap();
        let ours = store.open().application("ours").version("o").launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap();

        assert_owned(ours.register_queue(&FREE).await, "theirs");
        assert_owned(client.clone().application("ours").register_queue(&FREE).await, "theirs");

        // Who speaks for no application changes the limits, and leaves the owner.
        let changed = client.register_queue(&FREE.concurrency(2)).await.unwrap();
        assert_eq!(changed.application_name.as_deref(), Some("theirs"));
        let names = |queues: Vec<durable_runtime::RegisteredQueue>| -> Vec<String> {
            queues.iter().map(|row| row.queue.name().to_owned()).collect()
        };
        assert_eq!(names(client.list_queues().await.unwrap()), ["free"]);
        assert!(names(ours.list_queues().await.unwrap()).is_empty());
        assert_eq!(names(theirs.list_queues().await.unwrap()), ["free"]);
    }

    /// Rules: Q1
    async fn a_queue_without_an_owner_becomes_that_of_who_registers_it(store: Store) {
        let nobody = store.open().queue(&FREE).launch().await.unwrap();
        nobody.shutdown(Duration::ZERO).await;

        let ours = store.open().application("ours").version("o").queue(&FREE).launch().await.unwrap();

        let row = ours.queue("free").await.unwrap().unwrap();
        assert_eq!(row.application_name.as_deref(), Some("ours"));
    }

    /// Rules: Q5, Q6
    async fn a_queue_registered_by_a_client_is_served_by_running_processes(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();
        let id = store.id("wf");
        let handle = signs(&durable, store.id("book"), "x".into()).id(&id).queue(&FREE).start().await.unwrap();
        assert_eq!(store.status(&id, "status").await, "ENQUEUED");

        let client = Client::connect(store.url()).await.unwrap();
        client.register_queue(&FREE).await.unwrap();

        handle.result().await.unwrap();
    }

    /// Rules: Q5
    async fn a_queue_that_another_process_registered_is_served(store: Store) {
        let registering = store.open().queue(&FREE).launch().await.unwrap();
        registering.shutdown(Duration::ZERO).await;
        let durable = store.open().register::<signs>().launch().await.unwrap();

        signs(&durable, store.id("book"), "x".into()).queue(&FREE).await.unwrap();
    }

    /// Rules: Q5
    async fn a_queue_of_another_application_is_not_served(store: Store) {
        let theirs = store.open().executor_id("theirs").application("theirs").version("t");
        let theirs = theirs.queue(&Queue::new("theirs")).launch().await.unwrap();
        let ours = store.open().application("ours").register::<signs>().queue(&FREE).launch().await.unwrap();
        let id = store.id("wf");

        enqueue(&store, Enqueued { id: &id, queue: "theirs", ..Enqueued::default() }).await;
        poll_all(&store).await;

        assert_eq!(store.status(&id, "status").await, "ENQUEUED");
        drop((theirs, ours));
    }

    /// Rules: Q5
    async fn a_process_can_listen_to_some_queues_only(store: Store) {
        let quiet = Queue::new("quiet").polling_interval(QUICK);
        let durable = store
            .open()
            .register::<signs>()
            .queue(&FREE)
            .queue(&quiet)
            .listen_queues([FREE.name()])
            .launch()
            .await
            .unwrap();
        let ids = [store.id("quiet"), store.id("internal")];
        for (id, queue) in ids.iter().zip(["quiet", "_dbos_internal_queue"]) {
            enqueue(&store, Enqueued { id, queue, ..Enqueued::default() }).await;
        }

        store.becomes(STATUS, &[&ids[1]], "SUCCESS").await;
        poll_all(&store).await;

        assert_eq!(store.status(&ids[0], "status").await, "ENQUEUED");
        drop(durable);
    }

    /// Rules: Q4, Q6
    async fn what_waits_on_a_deleted_queue_waits_until_it_is_there_again(store: Store) {
        let queue = Queue::named(store.id("made at run time")).polling_interval(QUICK);
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        durable.register_queue(&queue).await.unwrap();
        signs(&durable, store.id("book"), "x".into()).queue(&queue).await.unwrap();

        assert!(durable.delete_queue(queue.name()).await.unwrap());
        assert!(!durable.delete_queue(queue.name()).await.unwrap());
        let book = store.id("book");
        let waiting = signs(&durable, book.clone(), "x".into()).queue(&queue).start().await.unwrap();
        poll_all(&store).await;
        assert_eq!(noted(&book).len(), 0);
        assert_eq!(durable.queue(queue.name()).await.unwrap(), None);
        let client = Client::connect(store.url()).await.unwrap();
        assert_eq!(client.queue(queue.name()).await.unwrap(), None);

        durable.register_queue(&queue).await.unwrap();
        waiting.result().await.unwrap();
        assert!(client.delete_queue(queue.name()).await.unwrap());
    }
}
