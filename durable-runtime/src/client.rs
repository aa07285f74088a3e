//! Everything that can be done to workflows from outside, by a program that runs none.

mod events;
mod lifecycle;
mod looks;
mod machines;
mod messages;
mod queues;
mod recover;
mod rename;
mod retention;
mod schedules;
mod streams;
mod transfer;
mod versions;

pub use rename::RenameApplication;
pub use retention::GarbageCollection;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::call::{Caller, Enqueue, WorkflowCaller, sealed};
use crate::engine::Engine;
use crate::error::Result;
use crate::store::LISTING_LIMIT;

/// A connection to a database that holds workflows: starts them on queues, waits for them, looks at them, manages
/// them. It registers nothing, runs nothing and changes no schema. Clones share it.
///
/// ```no_run
/// # async fn example() -> durable_runtime::Result<()> {
/// use durable_runtime::Client;
///
/// let client = Client::connect("postgres://me@db/app").await?.application("shop");
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    engine: Arc<Engine>,
    application: Option<String>,
    listing_limit: Duration,
    /// What keeps the engine alive.
    _guard: Arc<dyn Debug + Send + Sync>,
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

impl Client {
    /// Connects to the database that the URL names, which exists: a missing SQLite file is not made.
    ///
    /// # Errors
    /// The database cannot be opened, or holds no workflows: run a program with workflows, or `dbos migrate`, first.
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        let engine = Engine::connect(&url.into(), true).await?;
        Ok(Self {
            application: None,
            listing_limit: LISTING_LIMIT,
            _guard: Arc::new(Guard {
                engine: Arc::clone(&engine),
            }),
            engine,
        })
    }

    /// Speaks for an application: what is enqueued belongs to it, and only its workflows, and those without an owner,
    /// are listed. Without one, what is enqueued may be taken by any application.
    #[must_use]
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = Some(name.into());
        self
    }

    /// Puts a workflow on a queue by its name, in whatever language it is written.
    ///
    /// ```no_run
    /// # async fn example(client: durable_runtime::Client) -> durable_runtime::Result<()> {
    /// let handle = client.enqueue("greet", "greetings").arg("Ada").start::<String>().await?;
    /// println!("{}", handle.result().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn enqueue(&self, workflow: impl Into<String>, queue: impl Into<String>) -> Enqueue<'_> {
        Enqueue::new(self.caller(), None, workflow.into(), queue.into())
    }

    /// A client that shares the engine of a launched runtime, and keeps it alive.
    pub(crate) fn of(engine: &Arc<Engine>, guard: Arc<dyn Debug + Send + Sync>) -> Self {
        Self {
            engine: Arc::clone(engine),
            application: engine.identity.application_name.clone(),
            listing_limit: LISTING_LIMIT,
            _guard: guard,
        }
    }

    /// How long a listing or a count may take before it ends with [`Error::QueryTimedOut`](crate::Error::QueryTimedOut);
    /// 30 s unless set.
    #[must_use]
    pub fn listing_limit(mut self, limit: Duration) -> Self {
        self.listing_limit = limit;
        self
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn application_name(&self) -> Option<&str> {
        self.application.as_deref()
    }
}

impl sealed::Sealed for &Client {}

#[diagnostic::do_not_recommend]
impl<'c> WorkflowCaller<'c> for &'c Client {
    fn caller(self) -> Caller {
        Caller {
            engine: Arc::clone(&self.engine),
            parent: None,
            application: self.application.clone(),
        }
    }
}
