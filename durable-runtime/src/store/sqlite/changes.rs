//! What other processes write to the file.
//!
//! SQLite tells nobody. But whatever is committed goes to the write-ahead log, a file that the operating system can
//! watch; and the index of that log counts the commits (`iChange`, the third word of its header:
//! <https://www.sqlite.org/walformat.html>), which tells a commit of another process from one of our own.
//!
//! It is a help and no promise: whoever waits for others looks for itself from time to time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::clock;

/// Where the index of the log keeps its count.
const COUNT: u64 = 8;
/// How long a commit may take from the first write to the log until it counts: a flush of the disk lies between.
const COMMIT: Duration = Duration::from_millis(500);
/// Most are through within this time; until then it is asked once a millisecond, and ever less often after it.
const SOON: Duration = Duration::from_millis(16);
/// How long the watcher rests after it woke us: our own commits touch the log too, thousands of times a second.
const REST: Duration = Duration::from_millis(2);

/// Counts the commits to one file, and tells of those that are not ours.
#[derive(Debug)]
pub(super) struct Changes {
    database: PathBuf,
    state: Mutex<State>,
    /// Somebody wrote to the log.
    touched: Arc<Notify>,
    /// A write of ours found that others had written.
    foreign: Notify,
}

#[derive(Debug, Default)]
struct State {
    index: Option<File>,
    /// The count up to which everything is known.
    known: u32,
    /// A write of ours is under way.
    writing: bool,
    /// How many commits of ours there were.
    own: u64,
    /// How many of them are known to have touched the log, with the write that is under way.
    touched: u64,
    watcher: Option<notify::RecommendedWatcher>,
}

/// What a look at the count tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// A write of ours is under way, which looks itself when it ends.
    Ours,
    Foreign,
}

/// A write of ours, from before it begins until it is committed.
#[derive(Debug)]
pub(super) struct OwnWrite {
    changes: Arc<Changes>,
    before: u32,
}

impl Changes {
    pub(super) fn of(database: &Path) -> Arc<Self> {
        Arc::new(Self {
            database: database.to_owned(),
            state: Mutex::default(),
            touched: Arc::default(),
            foreign: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change leaves the state whole even if a panic interrupts it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Watches the log, from now on. What was written before counts as foreign.
    pub(super) fn watch(&self) -> Result<(), Error> {
        if self.state().watcher.is_some() {
            return Ok(());
        }
        let index = File::open(self.beside("-shm"))?;
        let touched = Arc::clone(&self.touched);
        // On a thread of the watcher's own. What happens while it rests, the system keeps, alike things as one.
        let mut watcher = notify::recommended_watcher(move |_| {
            touched.notify_one();
            std::thread::sleep(REST);
        })?;
        watcher.watch(&self.beside("-wal"), RecursiveMode::NonRecursive)?;
        let mut state = self.state();
        state.index = Some(index);
        state.known = state.count();
        state.watcher = Some(watcher);
        drop(state);
        self.foreign.notify_one();
        Ok(())
    }

    /// Completes when another process wrote something since the last time. Cancel safe.
    pub(super) async fn foreign(&self) {
        loop {
            if self.look() == Seen::Foreign {
                let mut state = self.state();
                state.known = state.count();
                return;
            }
            tokio::select! {
                () = self.foreign.notified() => return,
                () = self.touched.notified() => {}
            }
            if self.was_ours() {
                continue;
            }
            // The log is written before the commit counts.
            let (mut waited, mut wait) = (Duration::ZERO, Duration::from_millis(1));
            while waited < COMMIT && self.look() == Seen::Nothing {
                clock::sleep(wait).await;
                waited += wait;
                wait = if waited < SOON { wait } else { wait * 2 };
            }
        }
    }

    /// True when a write of ours explains that the log was touched.
    fn was_ours(&self) -> bool {
        let mut state = self.state();
        let ours = state.writing || state.own > state.touched;
        state.touched = state.own + u64::from(state.writing);
        ours
    }

    fn look(&self) -> Seen {
        let mut state = self.state();
        if state.writing {
            return Seen::Ours;
        }
        match state.count() == state.known {
            true => Seen::Nothing,
            false => Seen::Foreign,
        }
    }

    /// To be called when the connection that writes is ours, so that there is one at a time.
    pub(super) fn own_write(self: &Arc<Self>) -> OwnWrite {
        let mut state = self.state();
        state.writing = true;
        let before = state.count();
        OwnWrite {
            changes: Arc::clone(self),
            before,
        }
    }
}

impl State {
    /// How many commits there were. It stands still where nothing is watched.
    fn count(&mut self) -> u32 {
        let mut read = || {
            let file = self.index.as_mut()?;
            let mut count = [0; 4];
            file.seek(SeekFrom::Start(COUNT)).ok()?;
            file.read_exact(&mut count).ok()?;
            Some(u32::from_ne_bytes(count))
        };
        read().unwrap_or(self.known)
    }
}

impl Drop for OwnWrite {
    fn drop(&mut self) {
        let mut state = self.changes.state();
        let after = state.count();
        // Ours is one commit at most.
        let foreign = self.before != state.known || after.wrapping_sub(self.before) > 1;
        state.known = after;
        state.writing = false;
        state.own += u64::from(after != self.before);
        state.touched = state.touched.min(state.own);
        drop(state);
        if foreign {
            self.changes.foreign.notify_one();
        }
    }
}

/// Why the log is not watched.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Index(#[from] std::io::Error),
    #[error(transparent)]
    Watch(#[from] notify::Error),
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
    use sqlx::{ConnectOptions, SqliteConnection};

    use super::{Changes, Duration, clock};

    /// Begins to watch a new file, which two connections write to.
    async fn watched() -> (
        tempfile::TempDir,
        std::sync::Arc<Changes>,
        [SqliteConnection; 2],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let mut ours = options.connect().await.unwrap();
        write(&mut ours, "CREATE TABLE t (x)").await;
        let theirs = options.connect().await.unwrap();
        let changes = Changes::of(&path);
        changes.watch().unwrap();
        changes.foreign().await;
        (folder, changes, [ours, theirs])
    }

    async fn write(connection: &mut SqliteConnection, sql: &'static str) {
        sqlx::raw_sql(sql).execute(connection).await.unwrap();
    }

    #[tokio::test]
    async fn what_another_connection_commits_is_told() {
        let (_folder, changes, [_ours, mut theirs]) = watched().await;

        for _ in 0..3 {
            write(&mut theirs, "INSERT INTO t VALUES (1)").await;
            let told = clock::timeout(Duration::from_secs(30), changes.foreign()).await;
            assert_eq!(told, Some(()));
        }
    }

    #[tokio::test]
    async fn our_own_commits_are_not_told_but_what_comes_between_them_is() {
        let (_folder, changes, [mut ours, mut theirs]) = watched().await;
        for sql in ["INSERT INTO t VALUES (1)", "DELETE FROM t WHERE x = 2"] {
            let _own = changes.own_write();
            write(&mut ours, sql).await;
        }
        assert_eq!(changes.foreign().now_or_never(), None);

        let own = changes.own_write();
        write(&mut ours, "INSERT INTO t VALUES (3)").await;
        write(&mut theirs, "INSERT INTO t VALUES (4)").await;
        assert_eq!(changes.foreign().now_or_never(), None, "ours is under way");
        drop(own);
        assert_eq!(changes.foreign().now_or_never(), Some(()));

        drop(changes.own_write());
        assert_eq!(changes.foreign().now_or_never(), None);
    }
}
