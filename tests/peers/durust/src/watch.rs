//! Who waits for a workflow: the library tells of each commit, and has no call that awaits a result.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use durust::{RunId, WorkerEvent};
use tokio::sync::oneshot;

/// The commits of each workflow, and who waits for how many.
#[derive(Default)]
pub struct Watch {
    runs: Mutex<HashMap<RunId, Commits>>,
    ids: AtomicU64,
}

#[derive(Default)]
struct Commits {
    done: u64,
    waiting: Option<(u64, oneshot::Sender<()>)>,
}

impl Watch {
    /// An id for a workflow that no other has.
    pub fn next_id(&self) -> String {
        self.ids.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Takes note of what a worker tells.
    pub fn event(&self, event: &WorkerEvent<'_>) {
        match event {
            WorkerEvent::WorkflowTaskCommitted { run_id } => {
                let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
                let commits = runs.entry((*run_id).clone()).or_default();
                commits.done += 1;
                if let Some((wanted, told)) = commits.waiting.take() {
                    if commits.done < wanted {
                        commits.waiting = Some((wanted, told));
                    } else {
                        told.send(()).ok();
                    }
                }
            }
            WorkerEvent::WorkflowTaskFailed { error, .. } => {
                eprintln!("a workflow failed: {error}")
            }
            WorkerEvent::ActivityTaskFailed { failure, .. } => {
                eprintln!("a step failed: {failure:?}");
            }
            WorkerEvent::LoopError { error, .. } => eprintln!("a worker stumbled: {error}"),
            _ => {}
        }
    }

    /// Waits until a workflow has made so many commits.
    pub async fn committed(&self, run_id: RunId, wanted: u64) -> Result<()> {
        let (told, heard) = oneshot::channel();
        {
            let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            let commits = runs.entry(run_id).or_default();
            if commits.done >= wanted {
                return Ok(());
            }
            commits.waiting = Some((wanted, told));
        }
        Ok(heard.await?)
    }
}
