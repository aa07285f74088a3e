//! Deletes what finished long ago.

use std::time::{Duration, SystemTime};

use super::Client;
use crate::clock;
use crate::engine::milliseconds;
use crate::error::{Error, Result};
use crate::store::epoch_ms;

impl Client {
    /// Deletes finished workflows that are old enough, when it [runs](GarbageCollection::run). What has not finished
    /// stays, however old.
    pub fn garbage_collect(&self) -> GarbageCollection<'_> {
        GarbageCollection {
            client: self,
            cutoff: None,
            keep: None,
            batch: 1000,
        }
    }
}

/// A deletion of finished workflows that has not happened yet.
#[derive(Debug)]
#[must_use = "nothing is deleted before `run`"]
pub struct GarbageCollection<'c> {
    client: &'c Client,
    cutoff: Option<i64>,
    keep: Option<u32>,
    batch: u32,
}

impl GarbageCollection<'_> {
    /// Those that were started or enqueued longer ago.
    pub fn older_than(self, age: Duration) -> Self {
        let cutoff = clock::now_ms().saturating_sub(milliseconds(age));
        self.before_ms(cutoff)
    }

    /// Those that were started or enqueued before this time.
    pub fn before(self, time: SystemTime) -> Self {
        self.before_ms(epoch_ms(time))
    }

    fn before_ms(mut self, cutoff: i64) -> Self {
        self.cutoff = Some(cutoff);
        self
    }

    /// Those that are not among so many newest, of all workflows of the application. With a time as well: those that
    /// are one or the other.
    pub fn keep_newest(mut self, count: u32) -> Self {
        self.keep = Some(count);
        self
    }

    /// How many are deleted in one transaction; 1000 unless set.
    pub fn batch_size(mut self, count: u32) -> Self {
        self.batch = count;
        self
    }

    /// Deletes them, with all that is recorded about them, the oldest first; says how many.
    ///
    /// # Errors
    /// Neither a time nor a number was given, or it is 0, [`Error::Misuse`]; or the database refuses. What was deleted
    /// by then stays deleted.
    ///
    /// # Cancel safety
    /// Dropping the future ends the deletion between two transactions.
    pub async fn run(self) -> Result<u64> {
        let misuse = |text: &str| Err(Error::Misuse(text.to_owned()));
        if self.cutoff.is_none() && self.keep.is_none() {
            return misuse("say what is old: add `.older_than(...)` or `.keep_newest(...)`");
        }
        if self.keep == Some(0) || self.batch == 0 {
            return misuse("at least one workflow is kept, and deleted in one transaction");
        }
        let application = self.client.application_name();
        let store = &self.client.engine.store;
        let kept = match self.keep {
            Some(count) => {
                let count = i64::from(count);
                store.created_at_of_newest(count, application).await?
            }
            None => None,
        };
        let Some(cutoff) = self.cutoff.max(kept) else {
            return Ok(0);
        };
        let mut deleted = 0;
        loop {
            let batch = i64::from(self.batch);
            let gone = store.delete_old(cutoff, application, batch).await?;
            if gone.is_empty() {
                return Ok(deleted);
            }
            deleted += u64::try_from(gone.len()).unwrap_or_default();
        }
    }
}
