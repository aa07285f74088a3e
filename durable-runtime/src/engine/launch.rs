//! Launch: prepare the database, announce this process, recover what it left behind, take work.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::asleep::{self, Asleep};
use super::completions::{self, Completions};
use super::lease::{self, Tenancy};
use super::notify::{self, Notifier};
use super::queues::{self, Queues};
use super::timers::{self, Timers};
use super::{Engine, ForeignWakes, Phase, Registered, Registry, scheduler};
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::queue::Queue;
use crate::state::States;
use crate::store::{self, Identity, ReadOnly, Recovery, Store, Synchronous};
use crate::{ids, task};

/// What a launch needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) workflows: Vec<Registered>,
    pub(crate) queues: Vec<Queue>,
    /// Serves no other queues than these.
    pub(crate) listen: Option<Vec<String>>,
    pub(crate) executor_id: Option<String>,
    pub(crate) application_version: Option<String>,
    pub(crate) application_name: Option<String>,
    pub(crate) states: States,
    /// Processes tell each other what they write, where the database lets them.
    pub(crate) listen_notify: bool,
    /// Instead of every workflow's own.
    pub(crate) max_recovery_attempts: Option<u32>,
    pub(crate) run_migrations: bool,
    pub(crate) foreign_wakes: ForeignWakes,
    /// Longer sleeps leave memory.
    pub(crate) sleep_in_memory: Duration,
    pub(crate) synchronous: Synchronous,
}

impl Settings {
    /// The workflows, which are taken out.
    pub(crate) fn registry(&mut self) -> Result<Registry> {
        let workflows = std::mem::take(&mut self.workflows);
        Registry::new(workflows, self.max_recovery_attempts)
    }

    fn identity(&mut self, registry: &Registry) -> Result<Identity> {
        if let Some(name) = &self.application_name {
            check_application_name(name)?;
        }
        // Set in DBOS deployments; the same names mean the same here.
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (executor_id, version) = (self.executor_id.take(), self.application_version.take());
        Ok(Identity {
            executor_id: executor_id
                .or_else(|| environment("DBOS__VMID"))
                .unwrap_or_else(|| "local".to_owned()),
            application_version: version
                .or_else(|| environment("DBOS__APPVERSION"))
                .unwrap_or_else(|| registry.version()),
            application_name: self.application_name.take(),
        })
    }
}

impl Engine {
    pub(crate) async fn launch(settings: Settings) -> Result<Arc<Self>> {
        let mut settings = settings;
        let registry = settings.registry()?;
        let queues = checked_queues(&settings.queues)?;
        let identity = settings.identity(&registry)?;

        let store =
            store::open(&settings.url, settings.run_migrations, settings.synchronous).await?;
        if settings.run_migrations {
            store.migrate().await?;
            store.create_own_tables().await?;
        } else {
            store.check_version().await?;
            store.check_own_tables().await?;
        }
        store
            .register(&identity, &registry.kept_machines()?, &queues)
            .await?;
        let lease = ids::token();
        store
            .acquire_lease(&identity, &lease, lease::LENGTH_MS)
            .await?;
        store.forget_leases().await?;
        let executor_ids = [identity.executor_id.clone()];
        let recovered = store
            .reenqueue(&Recovery::of(&executor_ids, &identity))
            .await?;
        if !recovered.is_empty() {
            tracing::info!(
                workflows = recovered.len(),
                "workflows that were interrupted go on"
            );
        }

        let queues = Queues::new(settings.listen);
        let notifier = Notifier::new(store.is_shared() && settings.listen_notify, false);
        let engine = Self::new(
            store,
            registry,
            identity,
            settings.states,
            queues,
            notifier,
            Some(Running {
                foreign_wakes: settings.foreign_wakes,
                sleep_in_memory: settings.sleep_in_memory,
            }),
        );
        engine.rescan_queues().await?;
        task::spawn(queues::scan(Arc::clone(&engine)));
        engine.keep_in_touch(settings.listen_notify);
        task::spawn(timers::serve(Arc::clone(&engine)));
        task::spawn(asleep::serve(Arc::clone(&engine)));
        task::spawn(scheduler::serve(Arc::clone(&engine)));
        let keeper = lease::keep(Arc::clone(&engine), lease);
        *engine.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        Ok(engine)
    }

    /// Learns what others write, and tells them what is written here.
    fn keep_in_touch(self: &Arc<Self>, listens: bool) {
        task::spawn(completions::poll(Arc::clone(self)));
        if self.notifier.is_shared() {
            task::spawn(notify::listen(Arc::clone(self)));
            task::spawn(notify::tell(Arc::clone(self)));
        } else if listens {
            task::spawn(notify::watch(Arc::clone(self)));
        }
    }

    /// Connects without running anything.
    pub(crate) async fn connect(url: &str, listen_notify: bool) -> Result<Arc<Self>> {
        let store = store::open(url, false, Synchronous::default()).await?;
        store.check_version().await?;
        let identity = Identity {
            executor_id: String::new(),
            application_version: String::new(),
            application_name: None,
        };
        let (registry, states, queues) = Default::default();
        let notifier = Notifier::new(store.is_shared() && listen_notify, true);
        let engine = Self::new(store, registry, identity, states, queues, notifier, None);
        engine.keep_in_touch(listen_notify);
        Ok(engine)
    }

    /// Opens the database for dry runs, which only read it: an engine that announces, recovers and runs nothing. Also
    /// gives the store itself, for listings.
    pub(crate) async fn rehearse(settings: Settings) -> Result<(Arc<Self>, Arc<dyn Store>)> {
        let mut settings = settings;
        let registry = settings.registry()?;
        checked_queues(&settings.queues)?;
        let identity = settings.identity(&registry)?;
        let store = store::open(&settings.url, false, settings.synchronous).await?;
        store.check_version().await?;
        let read_only = Arc::new(ReadOnly(Arc::clone(&store)));
        let queues = Queues::default();
        let notifier = Notifier::new(false, true);
        let states = settings.states;
        let engine = Self::new(
            read_only,
            registry,
            identity,
            states,
            queues,
            notifier,
            Some(Running {
                foreign_wakes: ForeignWakes::Ignore,
                sleep_in_memory: Duration::MAX,
            }),
        );
        Ok((engine, store))
    }

    fn new(
        store: Arc<dyn Store>,
        registry: Registry,
        identity: Identity,
        states: States,
        queues: Queues,
        notifier: Notifier,
        // A client runs no workflows.
        running: Option<Running>,
    ) -> Arc<Self> {
        let is_client = running.is_none();
        let running = running.unwrap_or_default();
        Arc::new(Self {
            journal: Journal::open(&store),
            store,
            registry,
            identity,
            completions: Completions::default(),
            notifier,
            states: Arc::new(states),
            is_client,
            foreign_wakes: running.foreign_wakes,
            schedules_changed: Notify::new(),
            queues,
            running: Mutex::default(),
            asleep: Asleep::default(),
            sleep_in_memory: running.sleep_in_memory,
            timers: Timers::default(),
            tenancy: Tenancy::default(),
            keeper: Mutex::default(),
            ended: Notify::new(),
            phase: watch::Sender::new(Phase::Open),
        })
    }
}

/// How workflows run here.
#[derive(Default)]
struct Running {
    foreign_wakes: ForeignWakes,
    sleep_in_memory: Duration,
}

/// The names that DBOS accepts.
fn check_application_name(name: &str) -> Result<()> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if (3..=256).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::Setup(format!(
        "`{name}` cannot be the name of an application: it has 3 to 256 lowercase letters, digits, dashes and underscores"
    )))
}

/// The queues, each once, in the order of their names: two launches that write the same rows do not deadlock.
fn checked_queues(queues: &[Queue]) -> Result<Vec<Queue>> {
    let mut checked: Vec<Queue> = Vec::new();
    for queue in queues {
        if let Some(problem) = queue.problem() {
            return Err(Error::Setup(problem));
        }
        match checked.iter().find(|other| other.name() == queue.name()) {
            None => checked.push(queue.clone()),
            Some(other) if other == queue => {}
            Some(_) => {
                return Err(Error::Setup(format!(
                    "queue `{}` is given twice with different limits",
                    queue.name()
                )));
            }
        }
    }
    checked.sort_by(|left, right| left.name().cmp(right.name()));
    Ok(checked)
}
