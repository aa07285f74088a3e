//! Calls that run beside the code of their workflow: the driver polls them whenever the code waits.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::Execution;

type Spawned = BoxFuture<'static, ()>;

/// The calls that were spawned and not yet taken by the driver; `None` once it takes no more.
pub(super) struct Arrivals(Mutex<Option<Vec<Spawned>>>);

impl Arrivals {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Spawned>>> {
        // Nothing of a user's runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Spawned> {
        self.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").finish_non_exhaustive()
    }
}

impl Execution {
    /// Lets a call run beside the code, to its end or that of the workflow.
    pub(crate) fn spawn(&self, call: Spawned) {
        let mut call = Some(call);
        if let Some(arrivals) = self.spawned.lock().as_mut() {
            arrivals.extend(call.take());
        }
        // After the end of the workflow it is dropped, outside of the lock.
    }
}

/// What runs beside the code. Dropped, it drops all of it.
pub(super) struct Beside<'e> {
    execution: &'e Execution,
    running: FuturesUnordered<Spawned>,
}

impl<'e> Beside<'e> {
    pub(super) fn new(execution: &'e Execution) -> Self {
        Self {
            execution,
            running: FuturesUnordered::new(),
        }
    }

    /// Polls what is there. A call that ends wakes the code by its handle.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        self.running.extend(self.execution.spawned.take());
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(context) {}
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        // A call holds its execution: what is left here would keep both for ever.
        let left = self.execution.spawned.lock().take();
        drop(left);
    }
}
