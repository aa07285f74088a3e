//! Tells how far a collection has got, while somebody works on it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use crate::collection::{Collection, CollectionError};
use crate::progress::{FileNews, Progress, Totals};

/// How often it looks at least; less often when a look takes long.
const LOOK: Duration = Duration::from_millis(500);
const SHARE: u32 = 50;
/// How often the totals are told where they stay, on lines of their own.
const TOTALS: Duration = Duration::from_secs(5);
/// Commits need not come in the order of the numbers: so far back it looks again.
const BACK: i64 = 1000;

pub(super) struct Follower {
    collection: Collection,
    name: String,
    progress: Progress,
    begun: Instant,
    told: Instant,
    /// The last event that was seen, and those shortly before it.
    last: i64,
    first: i64,
    seen: BTreeSet<i64>,
    done: u64,
    chunks: i64,
    tokens: i64,
}

impl Follower {
    pub(super) async fn new(
        collection: &Collection,
        name: &str,
        progress: &Progress,
    ) -> Result<Self, CollectionError> {
        let last = collection.last_event().await?;
        let now = Instant::now();
        Ok(Self {
            collection: collection.clone(),
            name: name.to_owned(),
            progress: progress.clone(),
            begun: now,
            told: now,
            last,
            first: last,
            seen: BTreeSet::new(),
            done: 0,
            chunks: 0,
            tokens: 0,
        })
    }

    /// Tells what happens, until it is dropped.
    pub(super) async fn follow(&mut self) -> Infallible {
        loop {
            let begun = Instant::now();
            self.look(false).await;
            tokio::time::sleep(LOOK.max(begun.elapsed() * SHARE)).await;
        }
    }

    /// Tells what has happened since the last look. What cannot be read now is told later.
    pub(super) async fn look(&mut self, is_last: bool) {
        if self.progress.is_shown()
            && let Err(error) = self.tell(is_last).await
        {
            tracing::debug!(%error, "progress cannot be told");
        }
    }

    async fn tell(&mut self, is_last: bool) -> Result<(), CollectionError> {
        let mut latest: Option<FileNews> = None;
        loop {
            let from = (self.last - BACK).max(self.first);
            let news = self.collection.news(&self.name, from).await?;
            let mut any = false;
            for (id, news) in news {
                if !self.seen.insert(id) {
                    continue;
                }
                any = true;
                self.last = self.last.max(id);
                self.done += 1;
                self.tokens += news.tokens;
                if matches!(news.status.as_str(), "saved" | "renamed") {
                    self.chunks += news.chunks;
                }
                self.progress.file(&news);
                latest = Some(news);
            }
            let old = self.last - BACK;
            self.seen = self.seen.split_off(&old);
            if !any {
                break;
            }
        }
        let queued = self.collection.waiting(&self.name).await?;
        if (is_last && self.done == 0)
            || (!is_last && self.told.elapsed() < TOTALS && latest.is_none())
        {
            return Ok(());
        }
        self.totals(queued, latest.as_ref(), is_last);
        Ok(())
    }

    fn totals(&mut self, queued: u64, latest: Option<&FileNews>, is_last: bool) {
        if self.progress.has_lines() && !is_last && self.told.elapsed() < TOTALS {
            return;
        }
        self.told = Instant::now();
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = self.done as f64 / seconds.max(0.001);
        let totals = Totals {
            done: self.done,
            queued,
            chunks: self.chunks,
            tokens: self.tokens,
            files_per_second: (rate * 10.0).round() / 10.0,
            seconds_left: (self.done > 0 && !is_last).then(|| (queued as f64 / rate).round()),
        };
        self.progress.totals(&totals, latest);
    }
}
