//! The runtime as a program sees it: open, register, launch, shut down.

use std::sync::Arc;
use std::time::Duration;

use crate::call::{Caller, WorkflowCaller, WorkflowHandle, registered, sealed};
use crate::client::Client;
use crate::engine::{Engine, Settings};
use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::state::States;
use crate::store::WorkflowStatus;
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
                executor_id: None,
                application_version: None,
                application_name: None,
                states: States::default(),
                max_recovery_attempts: None,
            },
        }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.guard.engine
    }

    /// What can be done to workflows and schedules from outside, on the connections of this runtime and for its
    /// application. It does not keep the runtime alive.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::of(self.engine())
    }

    /// The handle of a workflow that was started before, here or elsewhere.
    ///
    /// # Errors
    /// No workflow has the id, or it is a run of another workflow than `W`.
    pub async fn retrieve<W: Workflow>(
        &self,
        workflow_id: impl Into<String>,
    ) -> Result<WorkflowHandle<W>> {
        let id = workflow_id.into();
        let status = self.status(&id).await?;
        if status.name != W::NAME {
            return Err(Error::ConflictingWorkflow {
                id,
                existing: status.name,
                wanted: W::NAME.to_owned(),
            });
        }
        Ok(WorkflowHandle::outside(Arc::clone(self.engine()), id))
    }

    /// The state of a workflow.
    ///
    /// # Errors
    /// No workflow has the id, or the database cannot be read.
    pub async fn status(&self, workflow_id: &str) -> Result<WorkflowStatus> {
        let status = self.engine().store.workflow(workflow_id).await?;
        status.ok_or_else(|| Error::NoSuchWorkflow {
            id: workflow_id.to_owned(),
        })
    }

    /// The runs of `W` that have not finished, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn active<W: Workflow>(&self) -> Result<Vec<WorkflowStatus>> {
        Ok(self.engine().store.active(W::NAME).await?)
    }

    /// Takes no new work, lets running workflows finish for at most `grace`, stops the rest, commits everything
    /// recorded and closes the database. What was stopped goes on at the next launch with the same executor id.
    pub async fn shutdown(self, grace: Duration) {
        self.engine().shutdown(grace).await;
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

    /// Serves a queue: its limits are written to the database, its workflows are run here.
    pub fn queue(mut self, queue: &Queue) -> Self {
        self.settings.queues.push(queue.clone());
        self
    }

    /// Gives steps and transactions something that is not data: a client, a model, a pool. They get it with
    /// [`StepContext::state`](crate::StepContext::state), by its type.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.settings.states.insert(value);
        self
    }

    /// Who this process is. At launch it takes up what an earlier process of the same id left unfinished, so two
    /// processes must not share one. Unless set: the environment variable `DBOS__VMID`, else `local`.
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
    /// 256 characters of `a-z`, `0-9`, `-` and `_`.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.settings.application_name = Some(name.into());
        self
    }

    /// Opens the database, prepares its tables, takes up interrupted workflows and begins to serve the queues.
    ///
    /// # Errors
    /// The settings contradict each other; the database cannot be opened or prepared; a queue belongs to another
    /// application.
    pub async fn launch(self) -> Result<Durable> {
        let engine = Engine::launch(self.settings).await?;
        Ok(Durable {
            guard: Arc::new(Guard { engine }),
        })
    }
}
