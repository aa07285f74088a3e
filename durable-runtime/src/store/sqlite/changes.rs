//! What other processes write to the file.
//!
//! SQLite tells nobody. But whatever is committed goes to the write-ahead log, a file that the operating system can
//! watch; and the index of that log counts the commits (`iChange`, the third word of its header:
//! <https://www.sqlite.org/walformat.html>), which tells a commit of another process from one of our own. Processes
//! renew their leases all the time, which is no reason to look for work: the log says which pages were written, and such
//! a commit writes one page that holds nothing else.
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
use crate::error::StoreError;

/// As many bytes of the log's index say what is in it. They are there twice; while they are written the two differ.
const INDEX_HEADER: usize = 48;
const LOG_HEADER: u64 = 32;
/// In the log each page has a header before it, which begins with the number of the page.
const FRAME_HEADER: u64 = 24;
/// Of more pages than these we do not ask which they are.
const FEW: u32 = 16;
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
    log: Option<File>,
    /// The page that holds the leases and nothing else.
    leases: Option<u32>,
    /// Up to where everything is known.
    known: Written,
    /// A write of ours is under way.
    writing: bool,
    /// How many commits of ours there were.
    own: u64,
    /// How many of them are known to have touched the log, with the write that is under way.
    touched: u64,
    watcher: Option<notify::RecommendedWatcher>,
}

/// What the index of the log says was written.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    commits: u32,
    /// Pages in the log, since it began anew the last time, when it got its salt.
    frames: u32,
    salt: [u8; 8],
    page_size: u32,
}

/// What a look at the count tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// A write of ours is under way, which looks itself when it ends.
    Ours,
    /// Others renewed their leases, and did nothing else.
    Leases,
    Foreign,
}

/// A write of ours, from before it begins until it is committed.
#[derive(Debug)]
pub(super) struct OwnWrite {
    changes: Arc<Changes>,
    before: Written,
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

    pub(super) fn are_watched(&self) -> bool {
        self.state().watcher.is_some()
    }

    /// Watches the log, from now on. What was written before counts as foreign. `leases` is the page that holds them.
    pub(super) fn watch(&self, leases: Option<u32>) -> Result<(), Error> {
        let index = File::open(self.beside("-shm"))?;
        let log = File::open(self.beside("-wal"))?;
        let touched = Arc::clone(&self.touched);
        // On a thread of the watcher's own. What happens while it rests, the system keeps, alike things as one.
        let mut watcher = notify::recommended_watcher(move |_| {
            touched.notify_one();
            std::thread::sleep(REST);
        })?;
        watcher.watch(&self.beside("-wal"), RecursiveMode::NonRecursive)?;
        let mut state = self.state();
        state.index = Some(index);
        state.log = Some(log);
        state.leases = leases;
        state.known = state.written();
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
                state.known = state.written();
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
        let written = state.written();
        if written.commits == state.known.commits {
            return Seen::Nothing;
        }
        if !state.are_leases(&written) {
            return Seen::Foreign;
        }
        state.known = written;
        Seen::Leases
    }

    /// To be called when the connection that writes is ours, so that there is one at a time.
    pub(super) fn own_write(self: &Arc<Self>) -> OwnWrite {
        let mut state = self.state();
        state.writing = true;
        let before = state.written();
        OwnWrite {
            changes: Arc::clone(self),
            before,
        }
    }
}

impl State {
    /// What was written until now. It stands still where nothing is watched, and for the moment of a commit.
    fn written(&mut self) -> Written {
        let mut read = || {
            let file = self.index.as_mut()?;
            let mut headers = [0; 2 * INDEX_HEADER];
            file.seek(SeekFrom::Start(0)).ok()?;
            file.read_exact(&mut headers).ok()?;
            let (header, copy) = headers.split_first_chunk::<INDEX_HEADER>()?;
            if header == copy {
                Written::of(header)
            } else {
                None
            }
        };
        read().unwrap_or(self.known)
    }

    /// True when all that was written since what is known are leases.
    fn are_leases(&mut self, written: &Written) -> bool {
        let since = written.frames.wrapping_sub(self.known.frames);
        let (Some(leases), Some(log)) = (self.leases, self.log.as_mut()) else {
            return false;
        };
        // A log that began anew does not say what was written before.
        if written.salt != self.known.salt || !(1..=FEW).contains(&since) {
            return false;
        }
        let frame = FRAME_HEADER + u64::from(written.page_size);
        (self.known.frames..written.frames).all(|number| {
            let mut page = [0; 4];
            let at = SeekFrom::Start(LOG_HEADER + u64::from(number) * frame);
            let is_read = log.seek(at).is_ok() && log.read_exact(&mut page).is_ok();
            is_read && u32::from_be_bytes(page) == leases
        })
    }
}

impl Written {
    /// Of the header of the index, whose numbers are the machine's own.
    fn of(header: &[u8; INDEX_HEADER]) -> Option<Self> {
        let word = |at| Some(u32::from_ne_bytes(*header.get(at..)?.first_chunk()?));
        let page_size = u16::from_ne_bytes(*header.get(14..)?.first_chunk()?);
        Some(Self {
            commits: word(8)?,
            // 65,536 does not fit, and is written as 1.
            page_size: if page_size == 1 {
                1 << 16
            } else {
                page_size.into()
            },
            frames: word(16)?,
            salt: *header.get(32..)?.first_chunk()?,
        })
    }
}

impl Drop for OwnWrite {
    fn drop(&mut self) {
        let mut state = self.changes.state();
        let after = state.written();
        let before = self.before.commits != state.known.commits && !state.are_leases(&self.before);
        // Ours is one commit at most.
        let commits = after.commits.wrapping_sub(self.before.commits);
        let foreign = before || commits > 1;
        state.known = after;
        state.writing = false;
        state.own += u64::from(commits > 0);
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
    Leases(#[from] StoreError),
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
        write(
            &mut ours,
            "CREATE TABLE t (x); CREATE TABLE leases (x); INSERT INTO leases VALUES (0)",
        )
        .await;
        let theirs = options.connect().await.unwrap();
        let changes = Changes::of(&path);
        let page = "SELECT rootpage FROM sqlite_master WHERE name = 'leases'";
        let page: u32 = sqlx::query_scalar(page).fetch_one(&mut ours).await.unwrap();
        changes.watch(Some(page)).unwrap();
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

    const RENEW: &str = "UPDATE leases SET x = x + 1";

    #[tokio::test]
    async fn leases_that_others_renew_are_not_told_but_what_comes_with_them_is() {
        let (_folder, changes, [_ours, mut theirs]) = watched().await;
        for _ in 0..3 {
            write(&mut theirs, RENEW).await;
            assert_eq!(changes.foreign().now_or_never(), None);
        }

        write(&mut theirs, RENEW).await;
        write(&mut theirs, "INSERT INTO t VALUES (1)").await;
        write(&mut theirs, RENEW).await;

        assert_eq!(changes.foreign().now_or_never(), Some(()));
        write(
            &mut theirs,
            "BEGIN; UPDATE leases SET x = 0; INSERT INTO t VALUES (2); COMMIT",
        )
        .await;
        assert_eq!(changes.foreign().now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn leases_that_others_renew_before_a_commit_of_ours_are_not_told() {
        let (_folder, changes, [mut ours, mut theirs]) = watched().await;
        for (theirs_first, told) in [(RENEW, None), ("INSERT INTO t VALUES (1)", Some(()))] {
            write(&mut theirs, theirs_first).await;
            let own = changes.own_write();
            write(&mut ours, "INSERT INTO t VALUES (2)").await;
            drop(own);
            assert_eq!(changes.foreign().now_or_never(), told, "{theirs_first}");
        }
    }

    #[tokio::test]
    async fn what_was_written_before_the_log_began_anew_is_told() {
        let (_folder, changes, [_ours, mut theirs]) = watched().await;
        write(&mut theirs, "INSERT INTO t VALUES (1)").await;
        write(&mut theirs, "PRAGMA wal_checkpoint(RESTART)").await;

        write(&mut theirs, RENEW).await;

        assert_eq!(changes.foreign().now_or_never(), Some(()));
    }
}
