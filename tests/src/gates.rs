//! Gates hold a workflow at a known place until its test lets it go on.
//!
//! A gate has a key, usually the id of the workflow that it holds, so that tests which share a
//! process do not meet at one gate.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(30);

static GATES: LazyLock<Mutex<HashMap<String, Arc<Gate>>>> = LazyLock::new(Mutex::default);

/// One gate: closed until it is opened, then open for ever.
#[derive(Debug)]
pub struct Gate {
    key: String,
    arrivals: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

/// The gate of this key.
pub fn gate(key: impl Into<String>) -> Arc<Gate> {
    let key = key.into();
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    let gate = gates.entry(key.clone()).or_insert_with(|| {
        Arc::new(Gate {
            key,
            arrivals: watch::Sender::new(0),
            open: watch::Sender::new(false),
        })
    });
    Arc::clone(gate)
}

impl Gate {
    /// Arrives at the gate and waits until it is open.
    pub async fn pass(&self) {
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
        let mut open = self.open.subscribe();
        // The gates live as long as the process, so their senders do.
        let _ = open.wait_for(|open| *open).await;
    }

    /// Waits until somebody has arrived.
    ///
    /// # Panics
    ///
    /// When nobody arrives within 30 s.
    pub async fn reached(&self) {
        self.reached_by(1).await;
    }

    /// Waits until the gate was arrived at `times` times, counted from the beginning.
    ///
    /// # Panics
    ///
    /// When that does not happen within 30 s.
    pub async fn reached_by(&self, times: usize) {
        let mut arrivals = self.arrivals.subscribe();
        let enough = arrivals.wait_for(|arrivals| *arrivals >= times);
        if tokio::time::timeout(PATIENCE, enough).await.is_err() {
            panic!(
                "the gate `{}` was reached {} times within {PATIENCE:?}, not {times} times",
                self.key,
                self.arrivals()
            );
        }
    }

    /// How often the gate was arrived at.
    pub fn arrivals(&self) -> usize {
        *self.arrivals.borrow()
    }

    /// Lets everybody pass, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}
