//! Calls that run beside the code of their workflow: the driver polls them whenever the code waits.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::Execution;

type Spawned = BoxFuture<'static, ()>;

/// The calls that were spawned and not yet taken by the driver; `None` once it takes no more.
pub(super) struct Arrivals {
    calls: Mutex<Option<Vec<Spawned>>>,
    /// How many the driver has.
    running: AtomicUsize,
}

impl Arrivals {
    pub(super) fn new() -> Self {
        Self {
            calls: Mutex::new(Some(Vec::new())),
            running: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Spawned>>> {
        // Nothing of a user's runs under this lock.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when no call runs beside the code, or is about to.
    pub(super) fn is_idle(&self) -> bool {
        let arrived = self.lock().as_ref().is_some_and(|calls| !calls.is_empty());
        !arrived && self.running.load(Ordering::Acquire) == 0
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
        let running = &self.execution.spawned.running;
        running.store(self.running.len(), Ordering::Release);
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        // A call holds its execution: what is left here would keep both for ever.
        let left = self.execution.spawned.lock().take();
        drop(left);
    }
}
