//! What is done to workflows from outside, and what it means for those that run here.

use super::{Engine, INTERNAL_QUEUE};
use crate::error::{Error, Result};
use crate::store::{ForkRequest, RewindRequest};

impl Engine {
    /// Cancels workflows that have not finished, and what they started if `children`.
    pub(crate) async fn cancel(&self, workflow_ids: &[String], children: bool) -> Result<()> {
        let cancelled = match children {
            true => self.store.cancel_with_children(workflow_ids).await?,
            false => self.store.cancel(workflow_ids).await?,
        };
        self.taken_away(&cancelled);
        Ok(())
    }

    /// Cancels everything unfinished that was created at `cutoff` or before; says which.
    pub(crate) async fn cancel_old(
        &self,
        cutoff: i64,
        application: Option<&str>,
    ) -> Result<Vec<String>> {
        let cancelled = self.store.cancel_old(cutoff, application).await?;
        self.taken_away(&cancelled);
        Ok(cancelled)
    }

    /// Puts workflows that have not finished on a queue, the internal one unless it is given.
    pub(crate) async fn resume(&self, workflow_ids: &[String], queue: Option<&str>) -> Result<()> {
        let queue = queue_or_internal(queue)?;
        let resumed = self.store.resume(workflow_ids, queue).await?;
        self.completions.revived();
        self.taken_away(&resumed);
        self.wake_queue(queue);
        Ok(())
    }

    pub(crate) async fn fork(&self, fork: &ForkRequest) -> Result<()> {
        self.store.fork(fork).await?;
        self.wake_queue(&fork.queue);
        Ok(())
    }

    pub(crate) async fn rewind(&self, rewind: &RewindRequest) -> Result<()> {
        self.store.rewind(rewind).await?;
        self.completions.revived();
        self.wake_queue(&rewind.queue);
        Ok(())
    }

    /// Deletes workflows, and what they started if `children`; says how many were there.
    pub(crate) async fn delete(&self, workflow_ids: &[String], children: bool) -> Result<u64> {
        let deleted = self.store.delete(workflow_ids, children).await?;
        self.taken_away(&deleted);
        Ok(u64::try_from(deleted.len()).unwrap_or(u64::MAX))
    }

    /// Takes note that nobody here runs these workflows any more. Who waits for one learns what became of it.
    fn taken_away(&self, workflow_ids: &[String]) {
        for id in workflow_ids {
            self.ended_elsewhere(id);
        }
        if !workflow_ids.is_empty() {
            self.completions.ask_now();
        }
    }
}

/// The name of a queue that workflows may be put on.
pub(crate) fn queue_or_internal(queue: Option<&str>) -> Result<&str> {
    match queue {
        None => Ok(INTERNAL_QUEUE),
        Some(name) if name.trim().is_empty() || name.contains('\0') => {
            Err(Error::Misuse("a queue needs a name".to_owned()))
        }
        Some(name) => Ok(name),
    }
}
