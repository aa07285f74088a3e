//! The queue of runs: they wait on it until a worker has time.

use std::sync::{Arc, Weak};
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, OnConflict};
use tokio::sync::SetOnce;

use super::durable::{APPLICATION, VERSION, interrupted, run_document};
use super::failure::StartError;
use super::first::first_found;
use super::item::work_item;
use super::request::Request;
use super::schedule::{scheduled, watched_since};
use crate::browser::Browsers;
use crate::host::Host;

/// How often it is looked whether runs are over that left browsers open.
const BEHIND: Duration = Duration::from_secs(2);

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
        .register::<first_found>()
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
    let browsers = Arc::downgrade(&host.browsers);
    let durable = open(&options.db, host, executor, queues, &queue).await?;
    if works {
        tokio::spawn(close_behind(durable.client(), browsers));
    }
    Ok(durable)
}

/// Closes the browsers that runs left open, once they are over, for as long as there is somebody who works on runs.
async fn close_behind(client: Client, browsers: Weak<Browsers>) {
    loop {
        tokio::time::sleep(BEHIND).await;
        let Some(open) = browsers.upgrade() else {
            return;
        };
        for browser in open.ids() {
            let open = Arc::clone(&open);
            if let Some(run) = run_of(&browser)
                && is_over(&client, run).await
            {
                // To end a browser takes a moment; what remains of one that would not end goes with the program.
                tokio::task::spawn_blocking(move || open.close(&browser));
            }
        }
    }
}

/// The run that opened a browser: its id is that of a visit, `<run>/<node>/<number>`.
fn run_of(browser: &str) -> Option<&str> {
    browser.rsplitn(3, '/').nth(2)
}

/// True when a run has ended, and all that began it: they share their browsers.
async fn is_over(client: &Client, run: &str) -> bool {
    let mut run = run.to_owned();
    loop {
        match client.status(&run).await {
            Ok(status) if !status.status.is_finished() => return false,
            Ok(status) => match status.parent_workflow_id {
                Some(parent) => run = parent,
                None => return true,
            },
            // Deleted.
            Err(durable_runtime::Error::NoSuchWorkflow { .. }) => return true,
            Err(error) => {
                tracing::warn!(%error, run, "cannot see whether a run is over; its browser stays open");
                return false;
            }
        }
    }
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
