//! What is done to workflows, and what it means for those that run here.
//!
//! Where a `record` can be given, it is that of the call that does it, and written in the same transaction. `Err` inside
//! the result then tells that nothing happened, because the record was not accepted.

use super::{Engine, INTERNAL_QUEUE, Stop};
use crate::error::{Error, Result};
use crate::store::{Channel, ForkRequest, Outcome, Record, RewindRequest};

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
    pub(crate) async fn resume(
        &self,
        workflow_ids: &[String],
        queue: Option<&str>,
        record: Option<&Record>,
    ) -> Result<Result<(), Outcome>> {
        let queue = queue_or_internal(queue)?;
        let resumed = self.store.resume(workflow_ids, queue, record).await?;
        Ok(resumed.map(|resumed| {
            self.completions.revived();
            self.taken_away(&resumed);
            self.enqueued(queue);
        }))
    }

    pub(crate) async fn fork(
        &self,
        fork: &ForkRequest,
        record: Option<&Record>,
    ) -> Result<Result<(), Outcome>> {
        let forked = self.store.fork(fork, record).await?;
        Ok(forked.inspect(|()| self.enqueued(&fork.queue)))
    }

    pub(crate) async fn rewind(
        &self,
        rewind: &RewindRequest,
        record: Option<&Record>,
    ) -> Result<Result<(), Outcome>> {
        let rewound = self.store.rewind(rewind, record).await?;
        Ok(rewound.inspect(|()| {
            self.completions.revived();
            self.enqueued(&rewind.queue);
        }))
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
            let execution = {
                let running = self.running();
                self.asleep.forget(id);
                running.get(id).cloned()
            };
            if let Some(execution) = execution {
                execution.stop(Stop::Fenced);
            }
        }
        for id in workflow_ids {
            self.notifier.wrote(Channel::Completions, id.clone());
        }
        if !workflow_ids.is_empty() {
            workflow_ids
                .iter()
                .for_each(|id| self.completions.ask_about(id));
            self.ended.notify_waiters();
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
