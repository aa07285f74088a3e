//! Queues: limits, order, and whose work is taken.

mod claims;
mod deduplication;
mod limiter;
mod limits;
mod partitions;
mod priority;
mod registration;
mod versions;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::note;
use serde_json::json;

const QUICK: Duration = Duration::from_millis(20);
/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);
const ONE: Queue = Queue::new("one")
    .worker_concurrency(1)
    .polling_interval(QUICK);
const FREE: Queue = Queue::new("free").polling_interval(QUICK);

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";
const FINISHED: &str = "SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'";

/// How many of a test's workflows run at once, and the most there ever were.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

static CROWDS: std::sync::Mutex<Vec<(String, &'static Crowd)>> = std::sync::Mutex::new(Vec::new());

fn crowd(name: &str) -> &'static Crowd {
    let mut crowds = CROWDS.lock().unwrap();
    if let Some((_, crowd)) = crowds.iter().find(|(known, _)| known == name) {
        return crowd;
    }
    let crowd: &'static Crowd = Box::leak(Box::default());
    crowds.push((name.to_owned(), crowd));
    crowd
}

/// The most that ever were in a crowd at once.
fn most(name: &str) -> usize {
    crowd(name).most.load(Ordering::SeqCst)
}

/// Stays inside until `full` are inside at once or the gate of the crowd is open.
#[step]
async fn crowded(_ctx: StepContext, name: String, full: usize) -> anyhow::Result<()> {
    let crowd = crowd(&name);
    let inside = crowd.now.fetch_add(1, Ordering::SeqCst) + 1;
    crowd.most.fetch_max(inside, Ordering::SeqCst);
    if inside >= full {
        gate(&name).open();
    }
    gate(&name).pass().await;
    // Give a queue that lets too many in the time to show it.
    tokio::time::sleep(Duration::from_millis(5)).await;
    crowd.now.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

#[workflow]
async fn visitor(ctx: WorkflowContext, crowd: String, full: usize) -> anyhow::Result<()> {
    crowded(&ctx, crowd, full).await
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

/// What another program writes when it puts a workflow on a queue.
struct Enqueued<'a> {
    id: &'a str,
    name: &'a str,
    queue: &'a str,
    version: Option<&'a str>,
    application: Option<&'a str>,
    key: Option<&'a str>,
    status: &'a str,
}

impl Default for Enqueued<'_> {
    fn default() -> Self {
        Self {
            id: "wf",
            name: "signs",
            queue: "free",
            version: Some("1"),
            application: None,
            key: None,
            status: "ENQUEUED",
        }
    }
}

/// Puts a workflow on a queue as another program would.
async fn enqueue(store: &Store, row: Enqueued<'_>) {
    let or_null =
        |value: Option<&str>| value.map_or("NULL".to_owned(), |value| format!("'{value}'"));
    let (version, application) = (or_null(row.version), or_null(row.application));
    let (key, queue, status) = (or_null(row.key), row.queue, row.status);
    store
        .execute(
            &format!(
                "INSERT INTO workflow_status (workflow_uuid, status, name, application_version,
                     recovery_attempts, queue_name, priority, serialization, inputs,
                     application_name, queue_partition_key)
                 VALUES ($1, '{status}', $2, {version}, 0, '{queue}', 0, 'portable_json', $3,
                         {application}, {key})"
            ),
            &[
                row.id,
                row.name,
                &json!({"positionalArgs": [row.id, "x"], "namedArgs": {}}).to_string(),
            ],
        )
        .await;
}

/// Makes the tables, for what is to be there before the first process is.
async fn prepare(store: &Store) {
    store.open().launch().await.unwrap().shutdown(QUICK).await;
}

/// Waits until a workflow went through the queue `free`, so that this process polled its queues meanwhile: what a
/// test finds untouched afterwards was left alone.
async fn poll_all(store: &Store) {
    for _ in 0..3 {
        let id = store.id("polled");
        enqueue(
            store,
            Enqueued {
                id: &id,
                ..Enqueued::default()
            },
        )
        .await;
        store.becomes(STATUS, &[&id], "SUCCESS").await;
    }
}
