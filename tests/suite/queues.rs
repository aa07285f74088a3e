//! Queues: limits, order, and whose work is taken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Error, StoreError};
use durable_tests::gates::gate;
use durable_tests::tally::{note, noted};
use futures_util::future::join_all;
use serde_json::json;

const QUICK: Duration = Duration::from_millis(20);
const THREE: Queue = Queue::new("three")
    .worker_concurrency(3)
    .polling_interval(QUICK);
const TWO_OF_ALL: Queue = Queue::new("two of all")
    .concurrency(2)
    .polling_interval(QUICK);
const ONE: Queue = Queue::new("one")
    .worker_concurrency(1)
    .polling_interval(QUICK);
const FREE: Queue = Queue::new("free").polling_interval(QUICK);

/// How many of a test's workflows run at once, and the most there ever were.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

static CROWDS: std::sync::Mutex<Vec<(String, &'static Crowd)>> = std::sync::Mutex::new(Vec::new());

fn crowd(test: &str) -> &'static Crowd {
    let mut crowds = CROWDS.lock().unwrap();
    if let Some((_, crowd)) = crowds.iter().find(|(name, _)| name == test) {
        return crowd;
    }
    let crowd: &'static Crowd = Box::leak(Box::default());
    crowds.push((test.to_owned(), crowd));
    crowd
}

/// Stays inside until `full` are inside at once or the gate of the test is open.
#[step]
async fn crowded(_ctx: StepContext, test: String, full: usize) -> anyhow::Result<()> {
    let crowd = crowd(&test);
    let inside = crowd.now.fetch_add(1, Ordering::SeqCst) + 1;
    crowd.most.fetch_max(inside, Ordering::SeqCst);
    if inside >= full {
        gate(&test).open();
    }
    gate(&test).pass().await;
    // Give a queue that lets too many in the time to show it.
    tokio::time::sleep(Duration::from_millis(5)).await;
    crowd.now.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

#[workflow]
async fn visitor(ctx: WorkflowContext, test: String, full: usize) -> anyhow::Result<()> {
    crowded(&ctx, test, full).await
}

#[step]
async fn sign(_ctx: StepContext, book: String, name: String) -> anyhow::Result<()> {
    note(book, name);
    Ok(())
}

#[workflow]
async fn signs(ctx: WorkflowContext, book: String, name: String) -> anyhow::Result<()> {
    sign(&ctx, book, name).await
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn holds_the_queue(ctx: WorkflowContext) -> anyhow::Result<()> {
    hold(&ctx).await
}

/// Puts a workflow on the queue `free` as another program would.
async fn enqueue(store: &durable_tests::store::Store, id: &str, name: &str, version: Option<&str>) {
    enqueue_for(store, id, name, version, None).await;
}

/// The same, for an application.
async fn enqueue_for(
    store: &durable_tests::store::Store,
    id: &str,
    name: &str,
    version: Option<&str>,
    application: Option<&str>,
) {
    let application = application.map_or("NULL".to_owned(), |name| format!("'{name}'"));
    let version = version.map_or("NULL".to_owned(), |version| format!("'{version}'"));
    store
        .execute(
            &format!(
                "INSERT INTO workflow_status (workflow_uuid, status, name, application_version,
                     recovery_attempts, queue_name, priority, serialization, inputs,
                     application_name)
                 VALUES ($1, 'ENQUEUED', $2, {version}, 0, 'free', 0, 'portable_json', $3,
                         {application})"
            ),
            &[
                id,
                name,
                &json!({"positionalArgs": [id, "x"], "namedArgs": {}}).to_string(),
            ],
        )
        .await;
}

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    /// Rules: Q11
    async fn worker_concurrency_is_reached_and_never_exceeded(store: Store) {
        let test = store.id("crowd");
        let durable = store.open().register::<visitor>().queue(&THREE).launch().await.unwrap();

        let visits = (0..24).map(|_| visitor(&durable, test.clone(), 3).queue(&THREE));
        for visit in join_all(visits).await {
            visit.unwrap();
        }

        assert_eq!(crowd(&test).most.load(Ordering::SeqCst), 3);
    }

    /// Rules: Q11
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

        assert_eq!(crowd(&test).most.load(Ordering::SeqCst), 2);
        let ended = store.rows("SELECT status, count(*) FROM workflow_status GROUP BY status", &[]).await;
        assert_eq!(ended, [json!(["SUCCESS", 16])]);
        drop(second);
    }

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

    /// Rules: Q9
    async fn a_queue_is_first_in_first_out(store: Store) {
        let book = store.id("book");
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
        let mut handles = Vec::new();
        for number in 1..=12 {
            let id = format!("signs-{number}");
            handles.push(signs(&durable, book.clone(), id.clone()).id(id).queue(&ONE).start().await.unwrap());
        }

        gate(&blocker).open();
        blocked.result().await.unwrap();
        for handle in &handles {
            handle.result().await.unwrap();
        }

        let expected: Vec<_> = (1..=12).map(|number| format!("signs-{number}")).collect();
        assert_eq!(noted(&book), expected);
    }

    /// Rules: Q9, Q18
    async fn the_lowest_priority_number_goes_first_and_none_before_all(store: Store) {
        let book = store.id("book");
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
        let mut handles = Vec::new();
        for priority in [5, 1, 3] {
            let call = signs(&durable, book.clone(), priority.to_string());
            handles.push(call.queue(&ONE).priority(priority).start().await.unwrap());
        }
        handles.push(signs(&durable, book.clone(), "none".into()).queue(&ONE).start().await.unwrap());

        gate(&blocker).open();
        blocked.result().await.unwrap();
        for handle in &handles {
            handle.result().await.unwrap();
        }

        assert_eq!(noted(&book), ["none", "1", "3", "5"]);
    }

    /// Rules: L2, Q6
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

    /// Rules: L3, Q13
    async fn a_finished_workflow_keeps_its_queue_and_its_time_of_start(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();

        signs(&durable, store.id("book"), "x".into()).id("wf").queue(&FREE).await.unwrap();

        assert_eq!(store.status("wf", "queue_name").await, "free");
        assert!(store.status("wf", "started_at_epoch_ms").await.is_i64());
        assert_eq!(store.status("wf", "recovery_attempts").await, 1);
        assert!(store.status("wf", "owner_xid").await.is_null());
    }

    /// Rules: L11, Q14
    async fn a_workflow_that_nobody_registered_ends_with_an_error_that_names_it(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        enqueue(&store, "wf", "stranger", Some("1")).await;

        store.becomes(STATUS, &["wf"], "ERROR").await;

        let error = store
            .value("SELECT error FROM workflow_output WHERE workflow_uuid = 'wf'", &[])
            .await;
        let error = error.as_str().unwrap();
        assert!(error.contains("`stranger`") && error.contains("registered: signs"), "{error}");
        assert!(error.contains(r#""code":4"#), "{error}");
        drop(durable);
    }

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

        match refused {
            Err(Error::Store(error)) => match error.as_ref() {
                StoreError::Owned { kind, name, owner } => {
                    assert_eq!((*kind, name.as_str(), owner.as_str()), ("queue", "free", "theirs"));
                }
                other => panic!("{other}"),
            },
            other => panic!("{other:?}"),
        }
        let owner = store.value("SELECT application_name FROM queues", &[]).await;
        assert_eq!(owner, "theirs");
        drop(theirs);
    }

    /// Rules: V7, Q10, Q13
    async fn only_work_of_our_version_or_of_none_is_taken(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let (older, unversioned) = (store.id("older"), store.id("unversioned"));
        enqueue(&store, &older, "signs", Some("0")).await;
        enqueue(&store, &unversioned, "signs", None).await;

        store.becomes(STATUS, &[&unversioned], "SUCCESS").await;

        assert_eq!(store.status(&unversioned, "application_version").await, "1");
        assert_eq!(store.status(&older, "status").await, "ENQUEUED");
        assert_eq!((noted(&unversioned).len(), noted(&older).len()), (1, 0));
        drop(durable);
    }

    /// Rules: V7, V8
    async fn work_of_no_version_waits_for_the_latest_version(store: Store) {
        let older = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let newer = store.open().executor_id("newer").version("2").register::<signs>().queue(&FREE);
        let newer = newer.launch().await.unwrap();
        store
            .execute(
                "UPDATE application_versions SET version_timestamp = version_timestamp + 1000
                 WHERE version_name = '2'",
                &[],
            )
            .await;
        let id = store.id("wf");
        enqueue(&store, &id, "signs", None).await;

        store.becomes(STATUS, &[&id], "SUCCESS").await;

        assert_eq!(store.status(&id, "application_version").await, "2");
        assert_eq!(store.status(&id, "executor_id").await, "newer");
        drop((older, newer));
    }

    /// Rules: Q10
    async fn work_of_another_application_is_left_alone(store: Store) {
        let durable = store
            .open()
            .application("ours")
            .register::<signs>()
            .queue(&FREE)
            .launch()
            .await
            .unwrap();
        let (theirs, nobodys) = (store.id("theirs"), store.id("nobodys"));
        enqueue_for(&store, &theirs, "signs", Some("1"), Some("theirs")).await;
        enqueue(&store, &nobodys, "signs", Some("1")).await;

        store.becomes(STATUS, &[&nobodys], "SUCCESS").await;

        assert_eq!(store.status(&nobodys, "application_name").await, "ours");
        assert_eq!(store.status(&theirs, "status").await, "ENQUEUED");
        assert!(noted(&theirs).is_empty());
        drop(durable);
    }
}
