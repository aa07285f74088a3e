//! Launch: prepare the database, announce this process, recover what it left behind, take work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::completions::{self, Completions};
use super::worker::{self, QueueState};
use super::{Engine, INTERNAL_QUEUE, Phase, Registered, Registry, scheduler};
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::queue::Queue;
use crate::state::States;
use crate::store::{self, Identity, QueueRow, Store};
use crate::task;

/// What a launch needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) workflows: Vec<Registered>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) executor_id: Option<String>,
    pub(crate) application_version: Option<String>,
    pub(crate) application_name: Option<String>,
    pub(crate) states: States,
    /// Instead of every workflow's own.
    pub(crate) max_recovery_attempts: Option<u32>,
}

impl Engine {
    pub(crate) async fn launch(settings: Settings) -> Result<Arc<Self>> {
        let registry = Registry::new(settings.workflows, settings.max_recovery_attempts)?;
        let queues = checked_queues(&settings.queues)?;
        check_application(settings.application_name.as_deref())?;
        // Set in DBOS deployments; the same names mean the same here.
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let identity = Identity {
            executor_id: settings
                .executor_id
                .or_else(|| environment("DBOS__VMID"))
                .unwrap_or_else(|| "local".to_owned()),
            application_version: settings
                .application_version
                .or_else(|| environment("DBOS__APPVERSION"))
                .unwrap_or_else(|| registry.version()),
            application_name: settings.application_name,
        };

        let store = store::open(&settings.url).await?;
        store.migrate().await?;
        store.register(&identity, &queues).await?;
        let recovered = store.reenqueue(&identity).await?;
        if recovered > 0 {
            tracing::info!(
                workflows = recovered,
                "workflows that were interrupted go on"
            );
        }

        let internal = QueueRow {
            name: INTERNAL_QUEUE.to_owned(),
            concurrency: None,
            worker_concurrency: None,
            polling_interval: Duration::from_secs(1),
        };
        let queues: HashMap<_, _> = queues
            .into_iter()
            .chain([internal])
            .map(|row| (row.name.clone(), QueueState::new(row)))
            .collect();
        let engine = Self::new(store, registry, identity, settings.states, queues, false);
        for queue in engine.queues.values() {
            task::spawn(worker::serve(Arc::clone(&engine), Arc::clone(queue)));
        }
        task::spawn(completions::poll(Arc::clone(&engine)));
        task::spawn(scheduler::serve(Arc::clone(&engine)));
        Ok(engine)
    }

    /// Connects without running anything.
    pub(crate) async fn connect(url: &str) -> Result<Arc<Self>> {
        let store = store::open(url).await?;
        store.check_version().await?;
        let identity = Identity {
            executor_id: String::new(),
            application_version: String::new(),
            application_name: None,
        };
        let (registry, states, queues) = Default::default();
        let engine = Self::new(store, registry, identity, states, queues, true);
        task::spawn(completions::poll(Arc::clone(&engine)));
        Ok(engine)
    }

    fn new(
        store: Arc<dyn Store>,
        registry: Registry,
        identity: Identity,
        states: States,
        queues: HashMap<String, Arc<QueueState>>,
        is_client: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            journal: Journal::open(&store),
            store,
            registry,
            identity,
            completions: Completions::default(),
            states: Arc::new(states),
            is_client,
            schedules_changed: Notify::new(),
            queues,
            running: Mutex::default(),
            ended: Notify::new(),
            phase: watch::Sender::new(Phase::Open),
        })
    }
}

/// DBOS refuses other names, and with them every row that bears one.
fn check_application(name: Option<&str>) -> Result<()> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    match name {
        Some(name) if !(3..=256).contains(&name.len()) || !name.bytes().all(allowed) => {
            Err(Error::Setup(format!(
                "`{name}` cannot name an application: give it 3 to 256 characters of a-z, 0-9, `-` and `_`"
            )))
        }
        _ => Ok(()),
    }
}

fn checked_queues(queues: &[Queue]) -> Result<Vec<QueueRow>> {
    let mut rows: Vec<QueueRow> = Vec::new();
    for (index, queue) in queues.iter().enumerate() {
        if let Some(problem) = queue.problem() {
            return Err(Error::Setup(problem));
        }
        match queues
            .iter()
            .take(index)
            .find(|other| other.name() == queue.name())
        {
            None => rows.push(row(queue)),
            Some(other) if other == queue => {}
            Some(_) => {
                return Err(Error::Setup(format!(
                    "queue `{}` is given twice with different limits",
                    queue.name()
                )));
            }
        }
    }
    Ok(rows)
}

fn row(queue: &Queue) -> QueueRow {
    let number = |limit: Option<u32>| limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
    QueueRow {
        name: queue.name().to_owned(),
        concurrency: number(queue.concurrency),
        worker_concurrency: number(queue.worker_concurrency),
        polling_interval: queue.polling_interval,
    }
}
