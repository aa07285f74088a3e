//! Triggers that look somewhere again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch as signal;
use tokio::task::JoinSet;

use super::starter::Starter;
use crate::fault::Fault;
use crate::run::StartError;

/// How soon it is looked again after a failure, at the latest.
const SOON: Duration = Duration::from_secs(60);
/// And at the earliest.
const NOT_SOONER: Duration = Duration::from_millis(200);

/// Something that starts a workflow, and is waited for by this process itself.
pub(super) trait Source {
    /// The id of its node.
    fn node(&self) -> &str;

    /// What it waits for, for people.
    fn says(&self) -> String;

    /// Begins to wait.
    fn wait(
        self: Box<Self>,
        starter: Arc<Starter>,
        tasks: &mut JoinSet<()>,
        end: signal::Receiver<()>,
    );
}

/// A look at what may have news.
pub(super) trait Poll: Send + 'static {
    /// Looks, starts a run for all that is news, and gives when to look again.
    fn once(&mut self) -> impl Future<Output = Result<Duration, Missed>> + Send;

    /// How often it looks if nothing goes wrong.
    fn every(&self) -> Duration;

    /// Where it looks, for people.
    fn place(&self) -> String;
}

/// Why news may have been missed: it is looked again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Missed {
    #[error("{0}")]
    Source(Fault),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
}

impl From<Fault> for Missed {
    fn from(fault: Fault) -> Self {
        Self::Source(fault)
    }
}

/// Looks until the end. Where that breaks in, what was not started yet is found by the next server.
pub(super) async fn poll(mut look: impl Poll, mut end: signal::Receiver<()>) {
    loop {
        let looked = tokio::select! {
            _ = end.changed() => return,
            looked = look.once() => looked,
        };
        let next = looked.unwrap_or_else(|error| {
            let soon = look.every().clamp(NOT_SOONER, SOON);
            tracing::warn!(place = look.place(), %error, "a trigger cannot look; it tries again in {soon:?}");
            soon
        });
        tokio::select! {
            _ = end.changed() => return,
            () = tokio::time::sleep(next) => {}
        }
    }
}

/// Does what blocks on a thread that nobody has to wait for at the end of the process.
#[cfg(any(feature = "feeds", feature = "mail"))]
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Whoever asked may have gone.
        let _ = tell.send(work());
    });
    let gone = |_| Fault::of("RuntimeError", "it ended without a result".to_owned());
    told.await.map_err(gone)?
}

/// What was there when a trigger looked for the first time ever, in whatever process: `found` if it is this one.
#[cfg(any(feature = "feeds", feature = "mail"))]
pub(super) async fn first(
    starter: &Starter,
    id: String,
    found: Vec<String>,
) -> Result<Vec<String>, StartError> {
    match crate::run::first_found(starter.durable(), found)
        .id(id)
        .await
    {
        Ok(found) => Ok(found),
        Err(crate::run::RunError::Durable(error)) => Err(error.into()),
        Err(error) => Err(StartError::Run(error)),
    }
}
