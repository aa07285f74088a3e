//! Deadlines: where they come from, and what happens when they have passed.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Builder, Error};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use serde_json::{Value as Json, json};
use sqlx::{Connection as _, PgConnection};

const TIMED: Queue = Queue::new("timed").polling_interval(Duration::from_millis(20));

const LIMIT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(3600);

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

/// Tells when the body that it lives in is dropped.
struct Witness(String);

impl Drop for Witness {
    fn drop(&mut self) {
        gate(format!("{}/dropped", self.0)).open();
    }
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    count(ctx.workflow_id());
    let _witness = Witness(ctx.workflow_id().to_owned());
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn held(ctx: WorkflowContext) -> anyhow::Result<()> {
    hold(&ctx).await
}

/// Starts a child each way, and waits for none.
#[workflow]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<()> {
    let id = ctx.workflow_id().to_owned();
    let named = |name: &str| format!("{id}/{name}");
    drop(held(&ctx).id(named("here")).start().await?);
    drop(held(&ctx).id(named("queued")).queue(&TIMED).start().await?);
    drop(
        held(&ctx)
            .id(named("own"))
            .timeout(2 * LONG)
            .start()
            .await?,
    );
    drop(held(&ctx).id(named("none")).no_timeout().start().await?);
    hold(&ctx).await
}

fn open(store: &Store) -> Builder {
    store.open().register::<held>().register::<parent>()
}

/// A workflow that nobody serves, as another program enqueues it.
async fn enqueue(store: &Store, id: &str, status: &str, column: &str, value: &str) {
    store
        .execute(
            &format!(
                "INSERT INTO workflow_status (workflow_uuid, status, name, queue_name, priority,
                     recovery_attempts, deduplication_id, application_version, serialization, {column})
                 VALUES ($1, $2, 'held', 'timed', 0, 0, $1, '1', 'portable_json', $3)"
            ),
            &[id, status, value],
        )
        .await;
    let input = r#"{"positionalArgs":[],"namedArgs":{}}"#;
    let sql = "INSERT INTO workflow_input (workflow_uuid, inputs) VALUES ($1, $2)";
    store.execute(sql, &[id, input]).await;
}

async fn deadline(store: &Store, id: &str) -> Json {
    store.status(id, "workflow_deadline_epoch_ms").await
}

fn assert_cancelled(error: &anyhow::Error, id: &str) {
    match error.downcast_ref::<Error>() {
        Some(Error::AwaitedCancelled { id: cancelled }) => assert_eq!(cancelled, id),
        other => panic!("{other:?}"),
    }
}

on_both_stores! {
    /// Rules: T1, T2, T4, T5, M1, M4
    async fn a_workflow_is_cancelled_at_its_deadline(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let error = held(&durable).id(&id).timeout(LIMIT).await.unwrap_err();

        assert_cancelled(&error, &id);
        gate(format!("{id}/dropped")).pass().await;
        let row = store
            .row(
                "SELECT status, owner_xid, queue_name, deduplication_id, started_at_epoch_ms,
                     workflow_timeout_ms, recovery_attempts, executor_id,
                     updated_at = completed_at FROM workflow_status WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        let same = if store.is_postgres() { json!(true) } else { json!(1) };
        assert_eq!(row, json!(["CANCELLED", null, null, null, null, 300, 1, "worker", same]));
        let times = store
            .row(
                "SELECT workflow_deadline_epoch_ms - created_at,
                     completed_at - workflow_deadline_epoch_ms
                 FROM workflow_status WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        let (from_start, late) = (times[0].as_i64().unwrap(), times[1].as_i64().unwrap());
        // The row is created a little later than the deadline is set.
        assert!((200..=300).contains(&from_start), "the deadline is {from_start} ms after the start");
        assert!((0..800).contains(&late), "cancelled {late} ms late");
    }

    /// Rules: T4
    async fn a_workflow_that_ends_before_its_deadline_is_left_alone(store: Store) {
        let (quick, slow) = (store.id("quick"), store.id("slow"));
        let durable = open(&store).launch().await.unwrap();
        gate(&quick).open();

        held(&durable).id(&quick).timeout(LIMIT).await.unwrap();
        held(&durable).id(&slow).timeout(LIMIT).await.unwrap_err();

        assert_eq!(store.status(&quick, "status").await, "SUCCESS");
    }

    /// Rules: T2
    async fn the_time_on_a_queue_does_not_count(store: Store) {
        let id = store.id("wf");
        let elsewhere = store.open().executor_id("elsewhere").register::<held>().launch().await.unwrap();
        drop(held(&elsewhere).id(&id).queue(&TIMED).timeout(LONG).start().await.unwrap());
        assert_eq!(deadline(&store, &id).await, Json::Null);
        assert_eq!(store.status(&id, "workflow_timeout_ms").await, 3_600_000);

        let durable = open(&store).queue(&TIMED).launch().await.unwrap();
        gate(&id).reached().await;

        let from_start = store.status(&id, "workflow_deadline_epoch_ms - started_at_epoch_ms").await;
        assert_eq!(from_start, 3_600_000);
        gate(&id).open();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
        drop(elsewhere);
    }

    /// Rules: T2, T4, T5
    async fn a_workflow_of_a_queue_is_cancelled_so_long_after_it_was_taken_off(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).queue(&TIMED).launch().await.unwrap();

        let error = held(&durable).id(&id).queue(&TIMED).timeout(LIMIT).await.unwrap_err();

        assert_cancelled(&error, &id);
        assert_eq!(counted(&id), 1);
        gate(format!("{id}/dropped")).pass().await;
    }

    /// Rules: T1, T3
    async fn a_child_has_the_deadline_of_its_parent_unless_it_says_otherwise(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = parent(&durable).id(&id).timeout(LONG).start().await.unwrap();
        gate(&id).reached().await;

        let inherited = deadline(&store, &id).await;
        assert!(inherited.is_i64());
        for child in ["here", "queued"] {
            let child = format!("{id}/{child}");
            assert_eq!(deadline(&store, &child).await, inherited, "{child}");
            assert_eq!(store.status(&child, "workflow_timeout_ms").await, Json::Null);
        }
        let own = deadline(&store, &format!("{id}/own")).await;
        assert!(own.as_i64() > inherited.as_i64().map(|parent| parent + 3_000_000), "{own}");
        assert_eq!(deadline(&store, &format!("{id}/none")).await, Json::Null);
        gate(&id).open();
        handle.result().await.unwrap();
    }

    /// Rules: T3, T4
    async fn a_child_is_cancelled_with_its_parent_at_their_deadline(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        parent(&durable).id(&id).timeout(LIMIT).await.unwrap_err();

        for child in ["here", "queued"] {
            store.becomes(STATUS, &[&format!("{id}/{child}")], "CANCELLED").await;
        }
        for child in ["own", "none"] {
            let child = format!("{id}/{child}");
            assert_eq!(store.status(&child, "status").await, "PENDING");
            gate(child).open();
        }
    }

    /// Rules: T4
    async fn what_waits_is_cancelled_at_its_deadline_too(store: Store) {
        let durable = open(&store).launch().await.unwrap();
        for status in ["ENQUEUED", "DELAYED", "PENDING"] {
            let id = store.id(status);
            enqueue(&store, &id, status, "workflow_deadline_epoch_ms", "1").await;

            store.becomes(STATUS, &[&id], "CANCELLED").await;

            assert_eq!(store.status(&id, "queue_name").await, Json::Null);
            assert_eq!(store.status(&id, "deduplication_id").await, Json::Null);
        }
        drop(durable);
    }

    /// Rules: T4
    async fn the_deadlines_of_other_applications_are_theirs(store: Store) {
        let (ours, theirs) = (store.id("ours"), store.id("theirs"));
        let durable = open(&store).application("our-app").launch().await.unwrap();
        enqueue(&store, &theirs, "ENQUEUED", "workflow_deadline_epoch_ms", "9999999999999").await;
        let sql = "UPDATE workflow_status SET application_name = 'their-app', workflow_deadline_epoch_ms = 1";
        store.execute(sql, &[]).await;
        enqueue(&store, &ours, "ENQUEUED", "workflow_deadline_epoch_ms", "2").await;

        store.becomes(STATUS, &[&ours], "CANCELLED").await;

        // The earlier deadline would have come first.
        assert_eq!(store.status(&theirs, "status").await, "ENQUEUED");
        drop(durable);
    }

    /// Rules: T4
    async fn thousands_of_deadlines_at_one_moment_are_all_kept(store: Store) {
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;
        store
            .execute(
                "WITH RECURSIVE numbers (number) AS (
                     SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 2500)
                 INSERT INTO workflow_status (workflow_uuid, status, name, priority,
                     workflow_deadline_epoch_ms)
                 SELECT 'wf-' || number, 'PENDING', 'held', 0, number FROM numbers",
                &[],
            )
            .await;

        let durable = open(&store).launch().await.unwrap();

        let cancelled = "SELECT count(*) FROM workflow_status WHERE status = 'CANCELLED'";
        store.becomes(cancelled, &[], 2500).await;
        drop(durable);
    }

    /// Rules: T6
    async fn after_a_resume_the_time_begins_anew(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).queue(&TIMED).launch().await.unwrap();
        held(&durable).id(&id).timeout(LIMIT).await.unwrap_err();
        let before = deadline(&store, &id).await;

        store
            .execute(
                "UPDATE workflow_status SET status = 'ENQUEUED', queue_name = 'timed',
                     recovery_attempts = 0, workflow_deadline_epoch_ms = NULL, completed_at = NULL
                 WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        gate(&id).reached_by(2).await;

        let again = store.status(&id, "workflow_deadline_epoch_ms - started_at_epoch_ms").await;
        assert_eq!(again, 300);
        assert!(deadline(&store, &id).await.as_i64() > before.as_i64());
        store.becomes(STATUS, &[&id], "CANCELLED").await;
    }

    /// Rules: T7
    async fn a_timeout_beyond_all_time_is_the_end_of_time(store: Store) {
        let (here, queued) = (store.id("here"), store.id("queued"));
        let durable = open(&store).queue(&TIMED).launch().await.unwrap();

        drop(held(&durable).id(&here).timeout(Duration::MAX).start().await.unwrap());
        drop(held(&durable).id(&queued).queue(&TIMED).timeout(Duration::MAX).start().await.unwrap());
        gate(&queued).reached().await;

        assert_eq!(deadline(&store, &here).await, i64::MAX);
        assert_eq!(deadline(&store, &queued).await, i64::MAX);
        gate(&here).open();
        gate(&queued).open();
    }

    async fn a_workflow_that_goes_on_elsewhere_keeps_its_deadline(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        drop(held(&durable).id(&id).timeout(Duration::from_secs(2)).start().await.unwrap());
        gate(&id).reached().await;
        let before = deadline(&store, &id).await;
        durable.shutdown(Duration::ZERO).await;

        let durable = open(&store).launch().await.unwrap();
        let error = durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap_err();

        assert_cancelled(&error, &id);
        assert_eq!(deadline(&store, &id).await, before);
    }
}

/// Rules: T8
#[tokio::test]
async fn one_process_of_an_application_at_a_time_looks_for_deadlines() {
    let store = Store::postgres().await;
    let durable = open(&store).application("our-app").launch().await.unwrap();
    let peer = store.open().version("2").application("their-app");
    let peer = peer.register::<held>().launch().await.unwrap();
    let mut holder = PgConnection::connect(store.url()).await.unwrap();
    sqlx::raw_sql(
        "BEGIN; SELECT pg_advisory_xact_lock(('x' || left(encode(sha256(
             'dbos.background_job.dbos.our-app.background_jobs'), 'hex'), 16))::bit(64)::bigint)",
    )
    .execute(&mut holder)
    .await
    .unwrap();
    let (ours, theirs) = (store.id("ours"), store.id("theirs"));
    enqueue(&store, &ours, "ENQUEUED", "workflow_deadline_epoch_ms", "1").await;
    let sql = "UPDATE workflow_status SET application_name = 'our-app'";
    store.execute(sql, &[]).await;
    enqueue(
        &store,
        &theirs,
        "ENQUEUED",
        "workflow_deadline_epoch_ms",
        "1",
    )
    .await;
    let sql = "UPDATE workflow_status SET application_name = 'their-app' WHERE workflow_uuid = $1";
    store.execute(sql, &[&theirs]).await;

    store.becomes(STATUS, &[&theirs], "CANCELLED").await;
    assert_eq!(store.status(&ours, "status").await, "ENQUEUED");
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    store.becomes(STATUS, &[&ours], "CANCELLED").await;
    drop((durable, peer));
}
