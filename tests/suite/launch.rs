//! Opening, launching and shutting down: what is refused, and what the others learn.

use std::str::FromStr;
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, Durable, Error, Status, StoreError};
use durable_tests::gates::gate;
use durable_tests::journey::Hold;
use durable_tests::store::Store;
use serde_json::json;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::kill::Scene;

const SERVED: Queue = Queue::new("served");

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn held(ctx: WorkflowContext, _note: String) -> anyhow::Result<()> {
    hold(&ctx).await
}

mod namesake {
    use durable_runtime::prelude::*;

    #[workflow(name = "held")]
    pub async fn another(_ctx: WorkflowContext) -> anyhow::Result<()> {
        Ok(())
    }
}

on_both_stores! {
    async fn a_launch_and_a_shutdown_can_be_spawned(store: Store) {
        let launching = store.open().register::<held>().launch();
        let durable = tokio::spawn(launching).await.unwrap().unwrap();
        let again = durable.clone();

        tokio::spawn(durable.shutdown(Duration::ZERO)).await.unwrap();

        let refused = held(&again, "x".into()).start().await.unwrap_err().to_string();
        assert!(refused.contains("shut"), "{refused}");
    }

    async fn an_awaiter_learns_that_the_runtime_stops(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&durable, "x".into()).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        let (result, ()) = tokio::join!(handle.result(), durable.shutdown(Duration::ZERO));

        let error = result.unwrap_err();
        match error.downcast_ref::<Error>() {
            Some(Error::ShuttingDown { id: stopped }) => assert_eq!(*stopped, id),
            other => panic!("{other:?}"),
        }
    }

    async fn a_runtime_that_was_shut_down_starts_nothing(store: Store) {
        let durable = store.open().register::<held>().launch().await.unwrap();
        durable.clone().shutdown(Duration::ZERO).await;

        let refused = held(&durable, "x".into()).start().await.unwrap_err().to_string();

        assert!(refused.contains("shutting down"), "{refused}");
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 0);
    }

    async fn active_workflows_are_listed_with_their_arguments(store: Store) {
        let durable = store.open().register::<held>().launch().await.unwrap();
        let (first, second, done) = (store.id("first"), store.id("second"), store.id("done"));
        gate(&done).open();
        held(&durable, "done".into()).id(&done).await.unwrap();
        drop(held(&durable, "one".into()).id(&first).start().await.unwrap());
        tokio::time::sleep(Duration::from_millis(2)).await;
        drop(held(&durable, "two".into()).id(&second).start().await.unwrap());

        let active = durable.active::<held>().await.unwrap();

        let ids: Vec<_> = active.iter().map(|workflow| workflow.workflow_id.as_str()).collect();
        assert_eq!(ids, [first.as_str(), second.as_str()]);
        assert!(active.iter().all(|workflow| workflow.status == Status::Pending));
        assert_eq!(
            active[1].input.as_deref(),
            Some(r#"{"positionalArgs":["two"],"namedArgs":{}}"#)
        );
        gate(&first).open();
        gate(&second).open();
    }

    /// Rules: O2
    async fn two_workflows_of_one_name_are_refused(store: Store) {
        let refused = store.open().register::<held>().register::<namesake::another>().launch().await;

        let error = refused.unwrap_err().to_string();
        assert!(error.contains("two workflows are named `held`"), "{error}");
        assert_eq!(error.matches("suite/launch.rs:").count(), 2, "{error}");
    }

    /// Rules: O2
    async fn a_workflow_can_be_registered_twice(store: Store) {
        let durable = store.open().register::<held>().register::<held>().launch().await.unwrap();
        let id = store.id("wf");
        gate(&id).open();

        held(&durable, "x".into()).id(&id).await.unwrap();

        assert_eq!(store.status(&id, "status").await, "SUCCESS");
    }

    /// Rules: V8, V9
    async fn a_version_of_another_application_is_refused(store: Store) {
        let theirs = store.open().application("theirs").launch().await.unwrap();

        let refused = store.open().application("ours").launch().await.unwrap_err();

        let text = refused.to_string();
        assert!(text.contains("application version `1`") && text.contains("`theirs`"), "{text}");
        drop(theirs);
    }

    /// Rules: V6, V8
    async fn the_version_follows_the_registered_workflows(store: Store) {
        let open = || Durable::open(store.url()).executor_id("worker");
        let versions = "SELECT count(*) FROM application_versions";
        for _ in 0..2 {
            open().register::<held>().launch().await.unwrap().shutdown(Duration::ZERO).await;
        }
        assert_eq!(store.value(versions, &[]).await, 1, "versions of one program");

        open().register::<namesake::another>().launch().await.unwrap().shutdown(Duration::ZERO).await;

        assert_eq!(store.value(versions, &[]).await, 2, "versions of two programs");
    }

    /// Rules: V8
    async fn a_launch_registers_its_version_and_claims_one_that_nobody_owns(store: Store) {
        let versions = "SELECT version_name, version_timestamp, application_name
                        FROM application_versions";
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;
        let first = store.row(versions, &[]).await;
        assert_eq!((&first[0], &first[2]), (&json!("1"), &json!(null)));

        let ours = store.open().application("ours").launch().await.unwrap();

        let claimed = store.row(versions, &[]).await;
        assert_eq!(claimed, json!(["1", first[1], "ours"]));
        drop(ours);
    }

    /// Rules: V5
    async fn an_executor_without_an_id_is_local(store: Store) {
        let durable = Durable::open(store.url()).version("1").register::<held>();
        let durable = durable.launch().await.unwrap();
        let id = store.id("wf");
        gate(&id).open();

        held(&durable, "x".into()).id(&id).await.unwrap();

        assert_eq!(store.status(&id, "executor_id").await, "local");
    }

    /// Rules: V5, V6
    async fn executor_and_version_come_from_the_environment(store: Store) {
        let scene = Scene::set(store).await;

        // Its program sets neither, and its environment both.
        scene.worker("visit", Hold::Nowhere).end().await;

        assert_eq!(scene.store.status(&scene.id, "executor_id").await, "worker");
        assert_eq!(scene.store.status(&scene.id, "application_version").await, "1");
    }

    /// Rules: O1
    async fn a_launch_has_registered_and_recovered_when_it_returns(store: Store) {
        let id = store.id("wf");
        let launched = || store.open().register::<held>().queue(&SERVED).launch();
        let durable = launched().await.unwrap();
        drop(held(&durable, "x".into()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        store.execute("DELETE FROM application_versions", &[]).await;
        store.execute("DELETE FROM queues", &[]).await;

        let durable = launched().await.unwrap();

        assert_eq!(store.value("SELECT version_name FROM application_versions", &[]).await, "1");
        assert_eq!(store.value("SELECT name FROM queues", &[]).await, "served");
        assert_eq!(store.status(&id, "queue_name").await, "_dbos_internal_queue");
        gate(&id).open();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
    }

    /// Rules: O4
    async fn the_name_of_the_application_is_on_everything_it_writes(store: Store) {
        let durable = store.open().application("ours").register::<held>().queue(&SERVED);
        let durable = durable.launch().await.unwrap();
        let id = store.id("wf");
        gate(&id).open();

        held(&durable, "x".into()).id(&id).await.unwrap();

        for table in ["workflow_status", "operation_outputs", "queues", "application_versions"] {
            let sql = format!("SELECT application_name FROM {table}");
            assert_eq!(store.value(&sql, &[]).await, "ours", "{table}");
        }
    }

    /// Rules: O4
    async fn the_name_of_an_application_has_3_to_256_small_letters_digits_dashes_and_underscores(store: Store) {
        let (longest, too_long) = ("a".repeat(256), "a".repeat(257));
        for name in ["", "ab", "Shop", "my shop", "caf\u{e9}", too_long.as_str()] {
            let refused = store.open().application(name).launch().await.unwrap_err().to_string();
            assert!(refused.contains("cannot be the name of an application"), "{refused}");
        }
        for name in ["abc", "my-shop_2", longest.as_str()] {
            let durable = store.open().version(name).application(name).launch().await.unwrap();
            durable.shutdown(Duration::ZERO).await;
        }
    }

    async fn a_launch_that_may_not_migrate_uses_what_is_there(store: Store) {
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;

        let durable = store.open().run_migrations(false).register::<held>().launch().await.unwrap();

        let id = store.id("wf");
        gate(&id).open();
        held(&durable, "x".into()).id(&id).await.unwrap();
    }

    async fn a_launch_that_may_not_migrate_says_what_is_missing(store: Store) {
        let durable = store.open().launch().await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        store.execute("DROP TABLE durable_migrations", &[]).await;
        let refused = store.open().run_migrations(false).launch().await.unwrap_err().to_string();
        assert!(refused.contains("lacks tables of this library"), "{refused}");

        store.execute("UPDATE dbos_migrations SET version = 124", &[]).await;
        let refused = store.open().run_migrations(false).launch().await.unwrap_err().to_string();
        assert!(refused.contains("at schema version 124, and 125 is needed"), "{refused}");
    }

    async fn an_empty_database_stays_empty_for_who_may_not_migrate(store: Store) {
        let launched = store.open().run_migrations(false).launch().await;
        let connected = Client::connect(store.url()).await;

        assert!(launched.is_err() && connected.is_err());
        if let Some(path) = store.path() {
            assert!(!path.exists(), "a file was made");
        } else {
            let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'dbos'";
            assert_eq!(store.value(tables, &[]).await, 0);
        }
    }

    async fn many_processes_start_at_once_on_an_empty_database(store: Store) {
        let launch = |number: usize| store.open().executor_id(format!("executor-{number}")).launch();

        let (first, second, third) = tokio::join!(launch(1), launch(2), launch(3));

        let launched = [first.unwrap(), second.unwrap(), third.unwrap()];
        let executors = store.value("SELECT count(*) FROM durable_executors", &[]).await;
        assert_eq!(executors, launched.len());
    }

    /// Rules: V8
    async fn processes_that_bring_a_new_version_at_the_same_moment_all_start(store: Store) {
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;
        for version in 2..10 {
            let launch = |number: usize| {
                let executor = format!("executor-{number}");
                store.open().application("ours").version(version.to_string()).executor_id(executor).launch()
            };
            let blocked = store.block_writes().await;
            let launches: Vec<_> = (0..6).map(|number| tokio::spawn(launch(number))).collect();
            if store.is_postgres() {
                let waiting = "SELECT count(*) FROM pg_locks
                               WHERE NOT granted AND relation = 'application_versions'::regclass";
                store.becomes(waiting, &[], 6).await;
            }
            blocked.release().await;

            for launch in launches {
                launch.await.unwrap().unwrap().shutdown(Duration::ZERO).await;
            }
        }
        let versions = "SELECT count(*) FROM application_versions WHERE application_name = 'ours'";
        assert_eq!(store.value(versions, &[]).await, 8);
    }

    async fn a_database_is_used_by_one_launch_after_the_other(store: Store) {
        for round in 0..3 {
            let durable = store.open().register::<held>().launch().await.unwrap();
            let id = store.id("wf");
            gate(&id).open();
            held(&durable, round.to_string()).id(&id).await.unwrap();
            durable.shutdown(Duration::from_secs(5)).await;
        }

        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 3);
    }
}

#[tokio::test]
async fn a_url_that_names_no_database_is_refused() {
    for url in ["", "mysql://root@localhost/app", "app.db"] {
        let refused = Durable::open(url).launch().await;

        match refused {
            Err(Error::Store(error)) => {
                assert!(
                    matches!(error.as_ref(), StoreError::UnknownUrl { .. }),
                    "{error}"
                );
            }
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_database_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite://app?mode=memory"] {
        let refused = Durable::open(url).launch().await.unwrap_err();

        assert!(
            refused.to_string().contains("cannot survive a crash"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_password_does_not_appear_in_an_error() {
    let server = Store::postgres().await;
    let url = PgConnectOptions::from_str(server.url())
        .unwrap()
        .password("s3cret")
        .database("missing")
        .to_url_lossy();

    let refused = Durable::open(url).launch().await.unwrap_err();

    let text = format!("{refused} {refused:?}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(text.contains("/missing"), "{text}");
}

/// Rules: Q1, Q3
#[tokio::test]
async fn limits_that_contradict_each_other_are_refused() {
    let store = Store::sqlite();
    for (queue, problem) in [
        (Queue::new(" "), "needs a name"),
        (Queue::new("_dbos_mine"), "reserved"),
        (Queue::new("q").concurrency(0), "limit of 0"),
        (
            Queue::new("q").concurrency(1).worker_concurrency(2),
            "is more than concurrency",
        ),
        (
            Queue::new("q").polling_interval(Duration::ZERO),
            "polling interval is zero",
        ),
    ] {
        let refused = store
            .open()
            .queue(&queue)
            .launch()
            .await
            .unwrap_err()
            .to_string();

        assert!(refused.contains(problem), "{refused}");
    }
}
