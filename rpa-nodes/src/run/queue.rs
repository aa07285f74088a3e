//! The queue of runs: they wait on it until a worker has time.

use std::sync::Arc;
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, OnConflict};
use tokio::sync::SetOnce;

use super::durable::{APPLICATION, VERSION, interrupted, run_document};
use super::failure::StartError;
use super::item::work_item;
use super::request::Request;
use super::schedule::{scheduled, watched_since};
use crate::host::Host;

/// What the queue is called in the database.
pub(crate) const QUEUE: &str = "rpa";
/// How many runs a process does at once, unless somebody says otherwise.
const AT_ONCE: u32 = 4;

/// A client of the database that a process works for, for the bodies of steps: there is none before the launch.
#[derive(Debug, Clone, Default)]
pub(super) struct Reception(Arc<SetOnce<Client>>);

impl Reception {
    pub(super) async fn client(&self) -> &Client {
        self.0.wait().await
    }
}

/// The queue, with the number of runs that a process does at once. Without one it stays as it is.
pub(crate) fn queue(at_once: Option<u32>) -> Queue {
    match at_once {
        Some(at_once) => Queue::new(QUEUE)
            .worker_concurrency(at_once)
            .on_conflict(OnConflict::AlwaysUpdate),
        None => Queue::new(QUEUE)
            .worker_concurrency(AT_ONCE)
            .on_conflict(OnConflict::NeverUpdate),
    }
}

/// How a process works on the queue.
#[derive(Debug, Clone)]
pub struct WorkOptions {
    /// The database.
    pub db: String,
    /// What the bodies of steps are given.
    pub host: Host,
    /// How many runs each process of the database does at once; none to leave that as it is, at first 4.
    pub at_once: Option<u32>,
    /// How long runs may go on when the process is asked to end. What is not done then goes on elsewhere, or later.
    pub grace: Duration,
}

/// A runtime that knows all workflows of this program: whatever it takes over from a process that died, it can go on with. It
/// serves these queues, and no others.
pub(super) async fn open(
    db: &str,
    host: Host,
    executor: String,
    queues: &[&str],
    registered: &[Queue],
) -> Result<Durable, StartError> {
    let reception = Reception::default();
    let mut builder = Durable::open(db)
        .application(APPLICATION)
        .version(VERSION)
        .executor_id(executor)
        .listen_queues(queues.iter().copied())
        .register::<run_document>()
        .register::<scheduled>()
        .register::<watched_since>()
        .register::<work_item>()
        .state(host)
        .state(reception.clone());
    for queue in registered {
        builder = builder.queue(queue);
    }
    let durable = builder.launch().await?;
    // It is set once for each launch.
    let _ = reception.0.set(durable.client());
    Ok(durable)
}

/// A runtime for runs that others wait for, or nobody.
pub(crate) async fn launch(options: &WorkOptions, works: bool) -> Result<Durable, StartError> {
    let host = options.host.clone().kept_in(&options.db);
    let executor = format!("rpa-{}", uuid::Uuid::new_v4().simple());
    let queues = if works { &[QUEUE][..] } else { &[] };
    let queue = [queue(options.at_once)];
    open(&options.db, host, executor, queues, &queue).await
}

/// Works on the queue until the process is asked to end.
///
/// # Errors
/// The database cannot be used.
pub async fn work(options: WorkOptions, ready: impl FnOnce()) -> Result<(), StartError> {
    let durable = launch(&options, true).await?;
    ready();
    interrupted().await;
    durable.shutdown(options.grace).await;
    Ok(())
}

/// Puts a run on the queue. It is durable when this returns. Of an id that is known nothing is started.
///
/// # Errors
/// The database cannot be used, the id belongs to a run of something else, or a secret is missing.
pub async fn enqueue(
    mut request: Request,
    id: &str,
    db: &str,
    host: Host,
) -> Result<(), StartError> {
    request.seal(&host.vault)?;
    for name in request.secrets() {
        host.vault.get(&name)?;
    }
    let vault = host.vault.clone();
    let options = WorkOptions {
        db: db.to_owned(),
        host,
        at_once: None,
        grace: Duration::ZERO,
    };
    let durable = launch(&options, false).await?;
    let begun = run_document(&durable, request.clone())
        .id(id)
        .queue(&queue(None))
        .reject_existing()
        .start()
        .await;
    let known = match begun {
        Ok(_) => Ok(()),
        Err(durable_runtime::Error::WorkflowIdInUse { .. }) => {
            super::durable::same(&durable.client(), id, &request, &vault).await
        }
        Err(error) => Err(error.into()),
    };
    durable.shutdown(options.grace).await;
    known
}
