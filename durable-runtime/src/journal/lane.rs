use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::Closed;
use crate::clock;
use crate::error::StoreError;
use crate::store::{Outcome, Record, Store};
use crate::task::{self, JoinHandle};

/// What a lane holds at most before submitters wait: this many bytes.
const LANE_BYTES: usize = 64 << 20;
/// What one transaction takes at most.
const BATCH_RECORDS: usize = 2048;
const BATCH_BYTES: usize = 16 << 20;
/// The first wait after a lost connection, and the longest.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(10);

/// One writer and what waits for it.
#[derive(Debug)]
pub(super) struct Lane {
    queue: Arc<LaneQueue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
pub(super) struct LaneQueue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// A batch was taken out.
    taken: Notify,
    room: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Waiting {
    submissions: VecDeque<Submission>,
    closed: bool,
}

#[derive(Debug)]
struct Submission {
    records: Vec<Record>,
    bytes: usize,
    reply: oneshot::Sender<Vec<Outcome>>,
    _room: OwnedSemaphorePermit,
}

impl Lane {
    pub(super) fn open(store: Arc<dyn Store>) -> Self {
        let queue = Arc::new(LaneQueue::new());
        let writer = task::spawn(write(store, Arc::clone(&queue)));
        Self {
            queue,
            writer: Mutex::new(Some(writer)),
        }
    }

    pub(super) fn queue(&self) -> Arc<LaneQueue> {
        Arc::clone(&self.queue)
    }

    pub(super) async fn close(&self) {
        self.queue.close();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "a journal writer ended abnormally");
        }
    }
}

/// Without an end to its writer, a runtime that is dropped would keep its connections.
impl Drop for Lane {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl LaneQueue {
    fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            taken: Notify::new(),
            room: Arc::new(Semaphore::new(LANE_BYTES)),
        }
    }

    /// Takes nothing more; the writer ends when it has committed what waits.
    fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
        self.taken.notify_waiters();
    }

    /// Waits until no more waits here than a batch takes, or the lane is closed.
    pub(super) async fn keeps_up(&self) {
        loop {
            let taken = self.taken.notified();
            {
                let waiting = self.lock();
                if waiting.closed || waiting.submissions.len() <= BATCH_RECORDS / 2 {
                    return;
                }
            }
            taken.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // A poisoned lock means that a push or pop panicked, which leaves the deque whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn submit(&self, records: Vec<Record>) -> Result<Vec<Outcome>, Closed> {
        let bytes = records.iter().map(Record::size).sum::<usize>();
        // One submission larger than the lane takes all of it, rather than waiting for ever.
        let wanted = u32::try_from(bytes.clamp(1, LANE_BYTES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(wanted)
            .await
            .map_err(|_| Closed)?;
        let (reply, outcomes) = oneshot::channel();
        {
            let mut waiting = self.lock();
            if waiting.closed {
                return Err(Closed);
            }
            waiting.submissions.push_back(Submission {
                records,
                bytes,
                reply,
                _room: room,
            });
        }
        self.arrived.notify_one();
        outcomes.await.map_err(|_| Closed)
    }

    /// All that waits, up to the size of a batch, at least one submission; `None` when the lane is closed and empty.
    async fn take(&self) -> Option<Vec<Submission>> {
        loop {
            {
                let mut waiting = self.lock();
                let mut batch = Vec::new();
                let (mut records, mut bytes) = (0, 0);
                while let Some(next) = waiting.submissions.front() {
                    records += next.records.len();
                    bytes += next.bytes;
                    if !batch.is_empty() && (records > BATCH_RECORDS || bytes > BATCH_BYTES) {
                        break;
                    }
                    batch.extend(waiting.submissions.pop_front());
                }
                if !batch.is_empty() {
                    self.taken.notify_waiters();
                    return Some(batch);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }
}

async fn write(store: Arc<dyn Store>, queue: Arc<LaneQueue>) {
    while let Some(batch) = queue.take().await {
        let mut lengths = Vec::with_capacity(batch.len());
        let mut replies = Vec::with_capacity(batch.len());
        let mut records = Vec::new();
        for submission in batch {
            lengths.push(submission.records.len());
            replies.push((submission.reply, submission._room));
            records.extend(submission.records);
        }
        let mut outcomes = commit(store.as_ref(), &records).await.into_iter();
        for ((reply, room), length) in replies.into_iter().zip(lengths) {
            drop(room);
            // Nobody listens when the execution was stopped meanwhile; its records are durable all the same.
            let _ = reply.send(outcomes.by_ref().take(length).collect());
        }
    }
}

/// Commits a batch, however long the database is away, and isolates what it refuses.
async fn commit(store: &dyn Store, records: &[Record]) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(records.len());
    let mut refused = HashSet::new();
    // The parts still to be committed, the next one last.
    let mut parts: Vec<&[Record]> = vec![records];
    while let Some(part) = parts.pop() {
        let all_sound = refused.is_empty()
            || !part
                .iter()
                .any(|record| refused.contains(record.workflow_id()));
        match part {
            [] => {}
            _ if all_sound => match commit_part(store, part).await {
                Ok(done) => outcomes.extend(done),
                Err(error) => match part {
                    [record] => {
                        tracing::warn!(workflow_id = record.workflow_id(), %error, "the database refuses a record");
                        refused.insert(record.workflow_id());
                        outcomes.push(Outcome::Refused(error));
                    }
                    _ => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.push(second);
                        parts.push(first);
                    }
                },
            },
            [record] => outcomes.push(Outcome::Refused(StoreError::Corrupt {
                workflow_id: record.workflow_id().to_owned(),
                reason: "an earlier record of this workflow was refused".to_owned(),
            })),
            _ => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.push(second);
                parts.push(first);
            }
        }
    }
    outcomes
}

/// Commits one part in one transaction; `Err` is the database's refusal, never a lost connection.
async fn commit_part(store: &dyn Store, part: &[Record]) -> Result<Vec<Outcome>, StoreError> {
    let mut wait = RETRY_FIRST;
    loop {
        match store.commit(part).await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, records = part.len(), "a commit did not succeed and is tried again");
                clock::sleep(wait).await;
                wait = (wait * 2).min(RETRY_LONGEST);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::{BATCH_RECORDS, LaneQueue};

    /// One more than a batch takes.
    const TOO_MANY: usize = BATCH_RECORDS / 2 + 1;

    /// Submits them to a lane whose writer does not run.
    async fn submit_too_many(queue: &LaneQueue) -> impl Future + Unpin {
        let submissions = (0..TOO_MANY).map(|_| queue.submit(Vec::new()));
        let mut submissions = Box::pin(join_all(submissions));
        while queue.lock().submissions.len() < TOO_MANY {
            assert!(submissions.as_mut().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        submissions
    }

    #[tokio::test]
    async fn who_asks_waits_until_no_more_than_a_batch_waits() {
        let queue = LaneQueue::new();
        queue.keeps_up().await;
        let _submitted = submit_too_many(&queue).await;

        let mut asking = pin!(queue.keeps_up());
        assert!(asking.as_mut().now_or_never().is_none());
        let batch = queue.take().await;

        assert_eq!(batch.map(|batch| batch.len()), Some(TOO_MANY));
        asking.await;
    }

    #[tokio::test]
    async fn who_asks_a_lane_that_closes_waits_no_longer() {
        let queue = LaneQueue::new();
        let _submitted = submit_too_many(&queue).await;
        let mut asking = pin!(queue.keeps_up());
        assert!(asking.as_mut().now_or_never().is_none());

        queue.close();

        asking.await;
    }
}
