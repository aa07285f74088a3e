//! Serves one queue: takes as much off it as its limits allow.

use std::sync::Arc;

use super::served_queue::ServedQueue;
use super::{Engine, Phase};
use crate::error::StoreError;
use crate::queue::Queue;
use crate::store::{Claim, ClaimedWorkflow, Reached, SWEEP};
use crate::{clock, ids, task};

/// What one claim takes at most.
const CLAIM_LIMIT: usize = 1024;

/// Serves one queue until it is gone or the runtime shuts down.
pub(super) async fn serve(engine: Arc<Engine>, queue: Arc<ServedQueue>) {
    let worker = Worker { engine, queue };
    loop {
        tokio::select! {
            () = worker.queue.woken() => {}
            () = worker.engine.reached(Phase::Draining) => return,
        }
        // Workflows whose outcomes were committed together end together: one claim fills the places of all.
        task::yield_now().await;
        // A workflow that ends while this looks may leave room that it did not see.
        worker.queue.set_hungry(true);
        match worker.take_all().await {
            Ok(more) => worker.queue.set_hungry(more),
            Err(error) if error.is_lock_conflict() => {
                tracing::debug!("another process is taking work off the same queue");
            }
            Err(error) if error.is_serialization_conflict() => {
                worker.queue.back_off(clock::instant());
            }
            Err(error) => {
                let queue = worker.queue.name();
                tracing::warn!(queue, %error, "cannot take work off a queue; trying again");
            }
        }
        if worker.queue.is_forgotten() {
            return;
        }
    }
}

struct Worker {
    engine: Arc<Engine>,
    queue: Arc<ServedQueue>,
}

impl Worker {
    /// Takes and begins as much as there is room for. True when a limit may have kept something back.
    async fn take_all(&self) -> Result<bool, StoreError> {
        self.settle_unanswered().await?;
        let Some(queue) = self.queue.limits() else {
            return Ok(false);
        };
        if queue.is_one_per_partition() {
            self.sweep(&queue).await?;
            return Ok(true);
        }
        if queue.is_partitioned() {
            self.take_from_partitions(&queue).await?;
            return Ok(true);
        }
        Ok(self.take(&queue, None).await?.is_some())
    }

    /// Takes as much as there is room for; gives the limit that ended it.
    async fn take(
        &self,
        queue: &Queue,
        partition: Option<&str>,
    ) -> Result<Option<Reached>, StoreError> {
        while self.engine.phase() == Phase::Open {
            let free = self.queue.free(partition).min(CLAIM_LIMIT);
            if free == 0 {
                return Ok(Some(Reached::Asked));
            }
            let token = ids::token();
            let claim = self.claim(queue, partition, free, &token);
            let taken = self.answered(self.engine.store.claim(&claim).await, &token)?;
            self.begin_all(&token, taken.workflows).await;
            // There may be more: ask again as long as there is room.
            if taken.reached != Some(Reached::Asked) {
                return Ok(taken.reached);
            }
        }
        Ok(None)
    }

    /// Takes one workflow of every partition that has none running.
    async fn sweep(&self, queue: &Queue) -> Result<(), StoreError> {
        let most = usize::try_from(SWEEP).unwrap_or(usize::MAX);
        while self.engine.phase() == Phase::Open {
            let free = self.queue.free(None).min(most);
            if free == 0 {
                break;
            }
            let token = ids::token();
            let claim = self.claim(queue, None, free, &token);
            let taken = self.answered(self.engine.store.sweep(&claim).await, &token)?;
            let count = taken.len();
            self.begin_all(&token, taken).await;
            if count < free {
                break;
            }
        }
        Ok(())
    }

    /// Takes what each partition allows, one after the other.
    async fn take_from_partitions(&self, queue: &Queue) -> Result<(), StoreError> {
        let engine = &self.engine;
        let keys = engine.store.partitions(queue, &engine.identity).await?;
        for key in keys {
            if self.queue.free(None) == 0 {
                break;
            }
            match self.take(queue, Some(&key)).await {
                Ok(Some(Reached::Queue)) => break,
                Ok(_) => {}
                // Another process is at this partition: the others may be free.
                Err(error) if error.is_lock_conflict() || error.is_serialization_conflict() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn claim<'a>(
        &'a self,
        queue: &'a Queue,
        partition: Option<&'a str>,
        limit: usize,
        token: &'a str,
    ) -> Claim<'a> {
        Claim {
            queue,
            partition,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            identity: &self.engine.identity,
            token,
        }
    }

    /// Keeps the token of a claim that may have taken something although it failed: the next look begins that first.
    fn answered<T>(&self, claimed: Result<T, StoreError>, token: &str) -> Result<T, StoreError> {
        claimed.inspect_err(|error| {
            if !error.is_lock_conflict() && !error.is_serialization_conflict() {
                self.queue.keep_unanswered(token);
            }
        })
    }

    async fn settle_unanswered(&self) -> Result<(), StoreError> {
        while let Some(token) = self.queue.unanswered() {
            let claimed = self
                .engine
                .store
                .claimed(&self.queue.name(), &token)
                .await?;
            self.begin_all(&token, claimed).await;
            self.queue.settled(&token);
        }
        Ok(())
    }

    async fn begin_all(&self, token: &str, claimed: Vec<ClaimedWorkflow>) {
        for workflow in claimed {
            let seat = self.queue.seat(workflow.partition_key.clone());
            self.engine.begin_claimed(token, workflow, seat).await;
        }
    }
}
