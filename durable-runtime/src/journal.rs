//! The one write path: records gather in lanes and are committed in batches.
//!
//! A workflow's records go through one lane, so they keep their order. While one batch is on its way to the disk the
//! next one gathers: no timers, no artificial delay, and an idle lane commits a single record at once.
//!
//! - A lost connection retries the batch; a batch that did commit unseen is recognised by its tokens and keys.
//! - A batch with a record that the database refuses is halved until that record stands alone; it fails, and so do the
//!   later records of its workflow in the batch, and everybody else's are committed.
//! - A lane holds a bounded number of records and bytes; who submits more waits.

mod lane;

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use lane::Lane;

use crate::store::{Outcome, Record, Store};

/// The lanes of one store.
#[derive(Debug)]
pub(crate) struct Journal {
    lanes: Vec<Lane>,
}

/// The journal was closed before the records were committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

impl Journal {
    /// Opens as many lanes as the store can commit side by side.
    pub(crate) fn open(store: &Arc<dyn Store>) -> Self {
        Self {
            lanes: (0..store.lanes().max(1))
                .map(|_| Lane::open(Arc::clone(store)))
                .collect(),
        }
    }

    /// Commits records in this order, in one transaction or several, and tells what became of each.
    ///
    /// `workflow_id` chooses the lane. Not cancel safe: the records may be committed after the future is dropped.
    pub(crate) fn submit(
        &self,
        workflow_id: &str,
        records: Vec<Record>,
    ) -> impl Future<Output = Result<Vec<Outcome>, Closed>> + Send + 'static + use<> {
        let mut hasher = DefaultHasher::new();
        workflow_id.hash(&mut hasher);
        let lanes = self.lanes.len().max(1) as u64;
        let index = usize::try_from(hasher.finish() % lanes).unwrap_or(0);
        let queue = self.lanes.get(index).map(Lane::queue);
        async move {
            match queue {
                Some(queue) => queue.submit(records).await,
                None => Err(Closed),
            }
        }
    }

    /// Waits until what was submitted is written about as fast as it comes. Who begins much work at once asks first: what
    /// waits for its commit is held in memory.
    pub(crate) async fn keeps_up(&self) {
        for lane in &self.lanes {
            lane.queue().keeps_up().await;
        }
    }

    /// Commits what was submitted, then ends the lanes.
    pub(crate) async fn close(&self) {
        for lane in &self.lanes {
            lane.close().await;
        }
    }
}
