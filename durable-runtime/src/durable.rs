//! The runtime as a program sees it: open, register, launch, shut down.

mod recover;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::call::{Caller, WorkflowCaller, WorkflowHandle, registered, sealed};
use crate::client::Client;
use crate::engine::{Engine, ForeignWakes, IN_MEMORY, Settings};
use crate::error::Result;
use crate::queue::Queue;
use crate::state::States;
use crate::store::{Synchronous, WorkflowStatus};
use crate::workflow::Workflow;

/// A launched runtime. Workflows are called with a reference to it; clones share it.
///
/// When the last clone is dropped, running workflows stop where they are and go on at the next launch. Use
/// [`shutdown`](Self::shutdown) to let them finish first.
#[derive(Debug, Clone)]
pub struct Durable {
    guard: Arc<Guard>,
}

#[derive(Debug)]
struct Guard {
    engine: Arc<Engine>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

impl Durable {
    /// A runtime on the database that the URL names: `sqlite://app.db` (a file, made when it is missing) or
    /// `postgres://user:password@host:port/database`.
    pub fn open(url: impl Into<String>) -> Builder {
        Builder {
            settings: Settings {
                url: url.into(),
                workflows: Vec::new(),
                queues: Vec::new(),
                listen: None,
                executor_id: None,
                application_version: None,
                application_name: None,
                states: States::default(),
                listen_notify: true,
                max_recovery_attempts: None,
                run_migrations: true,
                foreign_wakes: ForeignWakes::default(),
                sleep_in_memory: IN_MEMORY,
                synchronous: Synchronous::default(),
            },
        }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.guard.engine
    }

    /// A client on the same database: lists, cancels, resumes, forks and otherwise manages workflows and schedules. It
    /// keeps this runtime alive as a clone does.
    #[must_use]
    pub fn client(&self) -> Client {
        let guard = Arc::clone(&self.guard);
        Client::of(self.engine(), guard)
    }

    /// The handle of a workflow that was started before, here or elsewhere.
    ///
    /// # Errors
    /// No workflow has the id, or it is a run of another workflow than `W`.
    pub async fn retrieve<W: Workflow>(
        &self,
        workflow_id: impl Into<String>,
    ) -> Result<WorkflowHandle<W>> {
        self.client().retrieve(workflow_id).await
    }

    /// The state of a workflow.
    ///
    /// # Errors
    /// No workflow has the id, or the database cannot be read.
    pub async fn status(&self, workflow_id: &str) -> Result<WorkflowStatus> {
        self.client().status(workflow_id).await
    }

    /// The runs of `W` that have not finished, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn active<W: Workflow>(&self) -> Result<Vec<WorkflowStatus>> {
        self.client().active::<W>().await
    }

    /// Takes no new work, lets running workflows finish for at most `grace`, stops the rest, commits everything
    /// recorded, releases the lease of this process and closes the database. What was stopped stays pending, and goes on
    /// within seconds where another executor of this application and version lives, or at the next launch of one.
    pub async fn shutdown(self, grace: Duration) {
        shut_down(Arc::clone(self.engine()), grace).await;
    }
}

impl sealed::Sealed for &Durable {}

#[diagnostic::do_not_recommend]
impl<'c> WorkflowCaller<'c> for &'c Durable {
    fn caller(self) -> Caller {
        Caller {
            engine: Arc::clone(self.engine()),
            parent: None,
            application: None,
        }
    }
}

/// A runtime that is not launched yet.
#[derive(Debug)]
#[must_use = "nothing runs before `launch`"]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// Makes a workflow known: its name as a type, `.register::<my_workflow>()`. A workflow that is found in the
    /// database and not registered ends with an error that names it.
    pub fn register<W: Workflow>(mut self) -> Self {
        self.settings.workflows.push(registered::<W>());
        self
    }

    /// Registers a queue at launch: its limits are written to the database, as its
    /// [`on_conflict`](Queue::on_conflict) says. Every process of the application serves every registered queue, unless
    /// it is told to [listen](Self::listen_queues) to some.
    pub fn queue(mut self, queue: &Queue) -> Self {
        self.settings.queues.push(queue.clone());
        self
    }

    /// Serves these queues only, by their names; without names, none. What is recovered, resumed or forked without a
    /// queue of its own is always taken.
    ///
    /// ```no_run
    /// # async fn example() -> durable_runtime::Result<()> {
    /// use durable_runtime::{Durable, Queue};
    ///
    /// const GPU: Queue = Queue::new("gpu").worker_concurrency(1);
    ///
    /// let worker = Durable::open("sqlite://app.db").queue(&GPU).listen_queues([GPU.name()]).launch().await?;
    /// # let _ = worker;
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen_queues<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let listen = self.settings.listen.get_or_insert_default();
        listen.extend(names.into_iter().map(Into::into));
        self
    }

    /// Gives steps and transactions something that is not data: a client, a model, a pool. They get it with
    /// [`StepContext::state`](crate::StepContext::state), by its type.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.settings.states.insert(value);
        self
    }

    /// Who this process is. At launch it takes up what an earlier process of the same id left unfinished, at once; what
    /// processes of other ids leave behind is taken over when their lease runs out, 6 s after they died. Two processes
    /// must not share an id: the later launch takes away what the other runs. Unless set: the environment variable `DBOS__VMID`, else `local`.
    pub fn executor_id(mut self, id: impl Into<String>) -> Self {
        self.settings.executor_id = Some(id.into());
        self
    }

    /// The version of the code. A workflow goes on only under the version that started it. Unless set: the environment
    /// variable `DBOS__APPVERSION`, else a hash of the registered workflows' code.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.settings.application_version = Some(version.into());
        self
    }

    /// How often a workflow that keeps crashing is taken up again before it is given up. Holds for every workflow,
    /// whatever its attribute says; with 0 the first interruption is the last.
    pub fn max_recovery_attempts(mut self, n: u32) -> Self {
        self.settings.max_recovery_attempts = Some(n);
        self
    }

    /// The application that owns what this process writes; others sharing the database leave it alone. Its name has 3 to
    /// 256 lowercase letters, digits, dashes and underscores.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.settings.application_name = Some(name.into());
        self
    }

    /// Whether processes tell each other what they write, with PostgreSQL's LISTEN and NOTIFY; they do unless told
    /// otherwise. Without, everything is found by asking the database, once a second: for a database, or a connection
    /// pooler in transaction mode, that has no notifications. With SQLite a process sees that another one wrote to the
    /// file, unless told otherwise; on a network drive, where that is not seen, it asks once a second too.
    pub fn use_listen_notify(mut self, use_it: bool) -> Self {
        self.settings.listen_notify = use_it;
        self
    }

    /// Whether [`launch`](Self::launch) may create or change tables; it may, unless this says otherwise. Without, the
    /// database, or the file, must exist and hold them already: the role of a deployment may not be allowed more.
    pub fn run_migrations(mut self, run: bool) -> Self {
        self.settings.run_migrations = run;
        self
    }

    /// What happens when the code of a workflow waits for something that is no durable call: a timer, a socket, a
    /// channel, a lock, a task, a thread. Nothing of such a wait is recorded, so a replay may go another way. Unless set:
    /// [`ForeignWakes::Refuse`] in debug builds, [`ForeignWakes::Warn`] in release builds.
    ///
    /// Bodies of steps and transactions wait for whatever they like.
    ///
    /// ```no_run
    /// # async fn example() -> durable_runtime::Result<()> {
    /// use durable_runtime::{Durable, ForeignWakes};
    ///
    /// let strict = Durable::open("sqlite://app.db").foreign_wakes(ForeignWakes::Refuse).launch().await?;
    /// # let _ = strict;
    /// # Ok(())
    /// # }
    /// ```
    pub fn foreign_wakes(mut self, foreign: ForeignWakes) -> Self {
        self.settings.foreign_wakes = foreign;
        self
    }

    /// How long a workflow may [sleep](crate::WorkflowContext::sleep) in memory, 10 s unless set. One that does nothing
    /// but sleep for longer leaves memory, and is taken up again from its records shortly before its time: a replay, as
    /// after a crash, and not counted as a recovery. What its code holds meanwhile is dropped. The more calls a workflow
    /// has made, and the larger its records, the longer the sleep has to be: 10 ms a call, 10 ms a kibibyte.
    ///
    /// It stays for any sleep where [`ForeignWakes::Ignore`] lets its code wait for what it likes, and with
    /// [`Duration::MAX`].
    ///
    /// ```no_run
    /// # async fn example() -> durable_runtime::Result<()> {
    /// use std::time::Duration;
    /// use durable_runtime::Durable;
    ///
    /// let durable = Durable::open("sqlite://app.db").sleep_in_memory(Duration::from_secs(60)).launch().await?;
    /// # let _ = durable;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sleep_in_memory(mut self, longest: Duration) -> Self {
        self.settings.sleep_in_memory = longest;
        self
    }

    /// What a commit to a SQLite file outlives: the loss of power unless set. With [`Synchronous::Normal`] no commit of this
    /// process waits for the disk, and workflows that the power interrupts may go on from an earlier record: a step whose
    /// record was lost runs again, and a workflow whose start was lost is not there. A process that is killed loses nothing
    /// either way.
    ///
    /// PostgreSQL is asked for the same with its own `synchronous_commit`, for a role or a database.
    ///
    /// ```no_run
    /// # async fn example() -> durable_runtime::Result<()> {
    /// use durable_runtime::{Durable, Synchronous};
    ///
    /// let quick = Durable::open("sqlite://app.db").synchronous(Synchronous::Normal).launch().await?;
    /// # let _ = quick;
    /// # Ok(())
    /// # }
    /// ```
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.settings.synchronous = synchronous;
        self
    }

    pub(crate) fn into_settings(self) -> Settings {
        self.settings
    }

    /// Opens the database, prepares its tables, takes up interrupted workflows and begins to serve the queues.
    ///
    /// # Errors
    /// The settings contradict each other; the database cannot be opened or prepared; a queue belongs to another
    /// application.
    pub async fn launch(self) -> Result<Durable> {
        let engine = launched(self.settings).await?;
        Ok(Durable {
            guard: Arc::new(Guard { engine }),
        })
    }
}

// A future is compiled where it is polled, unless it was boxed before: in this crate once, and not with each program.

fn launched(settings: Settings) -> BoxFuture<'static, Result<Arc<Engine>>> {
    Engine::launch(settings).boxed()
}

fn shut_down(engine: Arc<Engine>, grace: Duration) -> BoxFuture<'static, ()> {
    async move { engine.shutdown(grace).await }.boxed()
}
