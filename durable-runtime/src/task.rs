//! The one place that spawns, so that a simulation can take scheduling over.

use std::future::Future;

pub(crate) use tokio::task::JoinHandle;
/// Lets everything that is ready run first.
pub(crate) use tokio::task::yield_now;

/// Runs `future` beside the caller on the current runtime.
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future)
}
