//! Debounced starts: many calls, one run.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, DuplicationPolicy, Error};
use durable_tests::store::Store;
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

/// Nobody serves it here.
const LATER: Queue = Queue::new("later");
const HOUR: Duration = Duration::from_secs(3600);
const HOUR_MS: i64 = 3_600_000;
const KEYS: &str =
    "SELECT status, queue_name, deduplication_id, is_debounced, debounce_deadline_epoch_ms
                    FROM workflow_status WHERE workflow_uuid = $1";

#[workflow]
async fn reindex(_ctx: WorkflowContext, what: String) -> anyhow::Result<String> {
    Ok(what)
}

#[workflow(name = "reindex-all")]
async fn reindex_all(_ctx: WorkflowContext, what: String) -> anyhow::Result<String> {
    Ok(what)
}

#[workflow]
async fn asks_for(ctx: WorkflowContext, key: String, what: String) -> anyhow::Result<String> {
    let call = reindex(&ctx, what)
        .debounce(key, HOUR)
        .debounce_timeout(HOUR * 24);
    Ok(call.start().await?.workflow_id().to_owned())
}

#[workflow]
async fn asks_twice(ctx: WorkflowContext) -> anyhow::Result<(String, String)> {
    let first = ctx
        .enqueue("reindex", "later")
        .arg("one")
        .debounce("k", HOUR)
        .start::<String>()
        .await?;
    let second = ctx
        .enqueue("reindex", "later")
        .arg("two")
        .debounce("k", HOUR)
        .start::<String>()
        .await?;
    Ok((
        first.workflow_id().to_owned(),
        second.workflow_id().to_owned(),
    ))
}

async fn launched(store: &Store) -> Durable {
    let builder = store.open().register::<reindex>().register::<reindex_all>();
    builder
        .register::<asks_for>()
        .register::<asks_twice>()
        .launch()
        .await
        .unwrap()
}

async fn input(store: &Store, id: &str) -> Json {
    let sql = "SELECT inputs FROM workflow_input WHERE workflow_uuid = $1";
    let text = store.value(sql, &[id]).await;
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

fn arguments(text: &str) -> Json {
    json!({"positionalArgs": [text], "namedArgs": {}})
}

/// When the workflow is due, counted in milliseconds from when it was made.
async fn delay(store: &Store, id: &str) -> i64 {
    let made = store.status(id, "created_at").await.as_i64().unwrap();
    store
        .status(id, "delay_until_epoch_ms")
        .await
        .as_i64()
        .unwrap()
        - made
}

/// The same time, give or take what the test itself takes.
fn about(found: i64, expected: i64) -> bool {
    (found - expected).abs() < 60_000
}

fn deduplicated<T>(result: durable_runtime::Result<T>) -> (String, String) {
    match result {
        Err(Error::Deduplicated {
            queue,
            deduplication_id,
            ..
        }) => (queue, deduplication_id),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was started"),
    }
}

on_both_stores! {
    /// Rules: B1
    async fn the_first_call_waits_for_its_period_under_its_key(store: Store) {
        let durable = launched(&store).await;

        let plain = reindex(&durable, "a".into()).debounce("k", HOUR).start().await.unwrap();
        let queued = reindex(&durable, "a".into()).queue(&LATER).debounce("k", HOUR).debounce_timeout(HOUR * 3);
        let queued = queued.start().await.unwrap();

        let yes: Json = if store.is_postgres() { true.into() } else { 1.into() };
        let row = store.row(KEYS, &[plain.workflow_id()]).await;
        assert_eq!(row, json!(["DELAYED", "_dbos_internal_queue", "reindex-k", yes, null]));
        assert!(about(delay(&store, plain.workflow_id()).await, HOUR_MS));
        let row = store.row(KEYS, &[queued.workflow_id()]).await;
        assert_eq!(row.as_array().unwrap()[..4], [json!("DELAYED"), json!("later"), json!("reindex-k"), yes]);
        let deadline = row[4].as_i64().unwrap();
        let made = store.status(queued.workflow_id(), "created_at").await.as_i64().unwrap();
        assert!(about(deadline - made, 3 * HOUR_MS));
        drop(durable);
    }

    /// Rules: B1
    async fn a_start_is_not_put_off_beyond_its_limit(store: Store) {
        let durable = launched(&store).await;

        let call = reindex(&durable, "a".into()).debounce("k", HOUR * 5).debounce_timeout(HOUR * 2);
        let handle = call.start().await.unwrap();

        let id = handle.workflow_id();
        assert!(about(delay(&store, id).await, 2 * HOUR_MS));
        let deadline = store.status(id, "debounce_deadline_epoch_ms").await;
        assert_eq!(store.status(id, "delay_until_epoch_ms").await, deadline);
        // A later call has no say in the limit.
        let call = reindex(&durable, "b".into()).debounce("k", HOUR * 5).debounce_timeout(HOUR * 9);
        assert_eq!(call.start().await.unwrap().workflow_id(), id);
        assert_eq!(store.status(id, "delay_until_epoch_ms").await, deadline);
        drop(durable);
    }

    /// Rules: B2
    async fn a_later_call_puts_the_waiting_one_off_and_gives_it_its_arguments(store: Store) {
        let durable = launched(&store).await;
        let first = reindex(&durable, "a".into()).debounce("k", HOUR).start().await.unwrap();

        let second = reindex(&durable, "b".into()).debounce("k", HOUR * 2).start().await.unwrap();

        let id = first.workflow_id();
        assert_eq!(second.workflow_id(), id);
        assert_eq!(input(&store, id).await, arguments("b"));
        assert!(about(delay(&store, id).await, 2 * HOUR_MS));
        let shorter = reindex(&durable, "c".into()).debounce("k", Duration::from_secs(60));
        assert_eq!(shorter.start().await.unwrap().workflow_id(), id);
        assert!(about(delay(&store, id).await, 60_000), "it may also come nearer");
        let count = store.value("SELECT COUNT(*) FROM workflow_status", &[]).await;
        assert_eq!(count, 1);
        drop(durable);
    }

    /// Rules: B2
    async fn what_python_pickled_is_replaced_in_portable_json(store: Store) {
        let durable = launched(&store).await;
        let first = reindex(&durable, "a".into()).debounce("k", HOUR).start().await.unwrap();
        store.execute("UPDATE workflow_status SET serialization = 'py_pickle'", &[]).await;

        drop(reindex(&durable, "b".into()).debounce("k", HOUR).start().await.unwrap());

        assert_eq!(store.status(first.workflow_id(), "serialization").await, "portable_json");
        drop(durable);
    }

    /// Rules: B2, B3
    async fn of_many_calls_at_once_one_starts_and_the_others_put_it_off(store: Store) {
        let durable = launched(&store).await;

        let calls = (0..20).map(|n| reindex(&durable, n.to_string()).debounce("k", HOUR).start());
        let handles = join_all(calls).await;

        let mut ids: Vec<_> = handles.iter().map(|handle| handle.as_ref().unwrap().workflow_id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        drop(handles);
        drop(durable);
    }

    /// Rules: B2
    async fn another_key_or_queue_is_another_start(store: Store) {
        let durable = launched(&store).await;
        let first = reindex(&durable, "a".into()).debounce("k", HOUR).start().await.unwrap();

        let key = reindex(&durable, "a".into()).debounce("l", HOUR).start().await.unwrap();
        let queue = reindex(&durable, "a".into()).queue(&LATER).debounce("k", HOUR).start().await.unwrap();

        assert_ne!(first.workflow_id(), key.workflow_id());
        assert_ne!(first.workflow_id(), queue.workflow_id());
        drop(durable);
    }

    /// Rules: B3
    async fn a_key_held_by_something_else_is_an_error(store: Store) {
        let durable = launched(&store).await;
        let plain = reindex(&durable, "a".into()).queue(&LATER).deduplication_id("reindex-k").start();
        let plain = plain.await.unwrap();

        let refused = reindex(&durable, "b".into()).queue(&LATER).debounce("k", HOUR).start().await;
        assert_eq!(deduplicated(refused), ("later".into(), "reindex-k".into()));
        assert_eq!(input(&store, plain.workflow_id()).await, arguments("a"));

        // `reindex-all` with `x` and `reindex` with `all-x` share a key.
        let other = reindex_all(&durable, "a".into()).debounce("x", HOUR).start().await.unwrap();
        let refused = reindex(&durable, "b".into()).debounce("all-x", HOUR).start().await;
        assert_eq!(deduplicated(refused), ("_dbos_internal_queue".into(), "reindex-all-x".into()));
        assert_eq!(input(&store, other.workflow_id()).await, arguments("a"));
        drop(durable);
    }

    /// Rules: B2, B3
    async fn a_start_of_another_application_is_not_put_off(store: Store) {
        let durable = launched(&store).await;
        let (ours, theirs, nobodys) = (
            Client::connect(store.url()).await.unwrap().application("ours"),
            Client::connect(store.url()).await.unwrap().application("theirs"),
            Client::connect(store.url()).await.unwrap(),
        );
        let call = async |client: &Client, key: &str, what: &str| {
            let call = client.enqueue("reindex", "later").arg(what).debounce(key, HOUR);
            call.start::<String>().await.map(|handle| handle.workflow_id().to_owned())
        };
        let held = call(&theirs, "k", "a").await.unwrap();
        let free = call(&nobodys, "l", "a").await.unwrap();

        let refused = call(&ours, "k", "b").await;
        let taken = call(&ours, "l", "b").await.unwrap();

        assert_eq!(deduplicated(refused).1, "reindex-k");
        assert_eq!(input(&store, &held).await, arguments("a"));
        assert_eq!((taken.as_str(), input(&store, &taken).await), (free.as_str(), arguments("b")));
        assert_eq!(store.status(&taken, "application_name").await, "ours");
        drop(durable);
    }

    /// Rules: B4
    async fn when_its_time_has_come_it_runs_and_the_next_call_starts_another(store: Store) {
        let durable = launched(&store).await;
        let soon = Duration::from_millis(300);
        let first = reindex(&durable, "a".into()).debounce("k", soon).start().await.unwrap();
        let second = reindex(&durable, "b".into()).debounce("k", soon).start().await.unwrap();

        assert_eq!(first.result().await.unwrap(), "b");

        assert_eq!(second.workflow_id(), first.workflow_id());
        assert!(store.status(first.workflow_id(), "deduplication_id").await.is_null());
        let third = reindex(&durable, "c".into()).debounce("k", HOUR).start().await.unwrap();
        assert_ne!(third.workflow_id(), first.workflow_id());
        drop(durable);
    }

    /// Rules: B5
    async fn what_a_debounced_start_decides_itself_cannot_be_given(store: Store) {
        let durable = launched(&store).await;
        let call = || reindex(&durable, "a".into()).queue(&LATER).debounce("k", HOUR);

        let refusals = [
            (call().deduplication_id("x").start().await, "`deduplication_id`"),
            (call().delay(HOUR).start().await, "`delay`"),
            (call().priority(1).start().await, "`priority`"),
            (call().partition_key("x").start().await, "`partition_key`"),
            (call().duplication_policy(DuplicationPolicy::ReturnExisting).start().await, "`duplication_policy`"),
            (call().reject_existing().start().await, "`reject_existing`"),
            (reindex(&durable, "a".into()).debounce_timeout(HOUR).start().await, "needs a key"),
        ];

        for (refused, reason) in refusals {
            match refused {
                Err(Error::Misuse(message)) => assert!(message.contains(reason), "{message}"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(store.value("SELECT COUNT(*) FROM workflow_status", &[]).await, 0);
        drop(durable);
    }

    /// Rules: B6, N2, N3
    async fn in_a_workflow_the_look_for_the_key_and_the_start_are_recorded(store: Store) {
        let durable = launched(&store).await;

        let started = asks_for(&durable, "k".into(), "a".into()).id("one").await.unwrap();
        let put_off = asks_for(&durable, "k".into(), "b".into()).id("two").await.unwrap();

        assert_eq!((started.as_str(), put_off.as_str()), ("one-2", "one-2"));
        assert_eq!(
            store.step_names("one").await,
            ["1 DBOS.debounce_delayed_workflow", "2 reindex"]
        );
        let nobody = json!({
            "bounced_workflow_id": null, "holder_workflow_id": null, "holder_is_debounced": false,
            "holder_workflow_name": null, "holder_application_name": null
        });
        let step = &store.steps("one").await[0];
        assert_eq!(serde_json::from_str::<Json>(step[2].as_str().unwrap()).unwrap(), nobody);
        assert_eq!(store.step_names("two").await, ["1 DBOS.debounce_delayed_workflow"]);
        assert!(store.steps("two").await[0][2].as_str().unwrap().contains(r#""bounced_workflow_id":"one-2""#));
        assert_eq!(input(&store, "one-2").await, arguments("b"));
        assert_eq!(store.status("one-2", "parent_workflow_id").await, "one");
        drop(durable);
    }

    /// Rules: T3
    async fn a_debounced_start_does_not_inherit_the_deadline_of_who_calls_it(store: Store) {
        let durable = launched(&store).await;

        let call = asks_for(&durable, "k".into(), "a".into()).id("wf").timeout(HOUR);
        let child = call.await.unwrap();

        assert!(store.status("wf", "workflow_deadline_epoch_ms").await.is_i64());
        assert!(store.status(&child, "workflow_deadline_epoch_ms").await.is_null());
        drop(durable);
    }

    /// Rules: B6
    async fn a_replay_puts_nothing_off_again(store: Store) {
        let durable = launched(&store).await;
        let ids = asks_twice(&durable).id("wf").await.unwrap();
        assert_eq!(ids, ("wf-2".to_owned(), "wf-2".to_owned()));
        assert_eq!(input(&store, "wf-2").await, arguments("two"));
        durable.shutdown(Duration::ZERO).await;
        store
            .execute(
                "UPDATE workflow_input SET inputs = '\"untouched\"' WHERE workflow_uuid = 'wf-2';
                 UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid = 'wf';
                 DELETE FROM workflow_output WHERE workflow_uuid = 'wf'",
                &[],
            )
            .await;

        let durable = launched(&store).await;

        let replayed = durable.retrieve::<asks_twice>("wf").await.unwrap().result().await.unwrap();
        assert_eq!(replayed, ids);
        assert_eq!(input(&store, "wf-2").await, json!("untouched"));
        assert_eq!(
            store.step_names("wf").await,
            ["1 DBOS.debounce_delayed_workflow", "2 reindex", "3 DBOS.debounce_delayed_workflow"]
        );
        drop(durable);
    }

    /// Rules: B6
    async fn what_is_not_recorded_was_not_put_off(store: Store) {
        let durable = launched(&store).await;
        let held = reindex(&durable, "a".into()).debounce("k", HOUR).start().await.unwrap();
        if store.is_postgres() {
            store
                .execute(
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                     AS 'BEGIN RAISE EXCEPTION ''no records today''; END';
                     CREATE TRIGGER refuse BEFORE INSERT ON operation_outputs
                     FOR EACH ROW EXECUTE FUNCTION refuse()",
                    &[],
                )
                .await;
        } else {
            store
                .execute(
                    "CREATE TRIGGER refuse BEFORE INSERT ON operation_outputs
                     BEGIN SELECT RAISE(ABORT, 'no records today'); END",
                    &[],
                )
                .await;
        }

        let refused = asks_for(&durable, "k".into(), "b".into()).await;

        let refused = format!("{:#}", refused.unwrap_err());
        assert!(refused.contains("no records today"), "{refused}");
        assert_eq!(input(&store, held.workflow_id()).await, arguments("a"));
        drop(durable);
    }
}
