//! The store in one SQLite file: WAL, `synchronous = FULL` unless said otherwise, one writer.

mod changes;
mod migrations;
mod records;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, SqliteConnection};
use tokio::sync::OwnedSemaphorePermit;

use super::kept::Kept;
use super::sql::{self, Param, Row};
use super::{Isolation, Listener, Outcome, Record, Store, StoreResult, Synchronous, Transaction};
use crate::clock;
use crate::error::StoreError;
use changes::{Changes, OwnWrite};
pub(super) use records::write;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Write transactions take the lock when they begin: one that read first could not be retried.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// What a batch should do.
const COMMIT: &str = "commit records";
/// The leases are on it alone as long as they are few: the root of a tree of one page is its leaf.
const LEASES_PAGE: &str =
    "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = 'durable_executors'";
/// How long to wait where SQLite does not do it itself.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
const READERS: u32 = 4;
/// How much of the file a reader keeps: KiB, with a minus. SQLite takes two MiB for each connection, and all of them fill
/// up with the same pages as the file grows, which the system keeps anyway.
const READER_CACHE: &str = "-500";
/// A statement that writes several rows first copies each page that it changes, in case it fails: to memory, and not to a
/// file (<https://www.sqlite.org/tempfiles.html>, "Statement Journal Files"). It is a seventh of the processor time of a
/// start.
const STATEMENT_JOURNALS: &str = "MEMORY";

#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// One connection, handed out in the order of asking: the only one that writes.
    writer: Kept<Sqlite>,
    readers: SqlitePool,
    changes: Arc<Changes>,
}

impl SqliteStore {
    /// Opens the file; `create` makes it when it is missing.
    pub(crate) async fn open(
        url: &str,
        create: bool,
        synchronous: Synchronous,
    ) -> StoreResult<Self> {
        let failed = |cause| StoreError::Open {
            url: url.to_owned(),
            cause,
        };
        let options = SqliteConnectOptions::from_str(url)
            .map_err(failed)?
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match synchronous {
                Synchronous::Full => SqliteSynchronous::Full,
                Synchronous::Normal => SqliteSynchronous::Normal,
            })
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        if url.contains(":memory:") || url.contains("mode=memory") {
            let cause = sqlx::Error::Configuration(
                "a database in memory cannot survive a crash; name a file".into(),
            );
            return Err(failed(cause));
        }
        let pool = |size| {
            SqlitePoolOptions::new()
                .max_connections(size)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                // Whoever waits for the one writer waits behind others that make progress.
                .acquire_timeout(Duration::from_secs(3600))
        };
        let readers = options.clone().pragma("cache_size", READER_CACHE);
        let options = options.pragma("temp_store", STATEMENT_JOURNALS);
        let mut waited = Duration::ZERO;
        let writer = loop {
            match pool(1).connect_with(options.clone()).await.map_err(failed) {
                // To turn to WAL, a file is needed alone, and SQLite does not wait for it by itself.
                Err(error) if error.is_transient() && waited < BUSY_TIMEOUT => {
                    clock::sleep(BUSY_PAUSE).await;
                    waited += BUSY_PAUSE;
                }
                opened => break opened?,
            }
        };
        let changes = Changes::of(options.get_filename());
        let readers = pool(READERS).connect_lazy_with(readers);
        Ok(Self {
            writer: Kept::of(writer, 1),
            readers,
            changes,
        })
    }

    /// Takes the write lock.
    async fn begin_write(&self, intent: &'static str) -> StoreResult<SqliteTransaction> {
        let failed = || StoreError::statement(intent);
        let (pool, turn) = self.writer.lend().await.map_err(failed())?;
        let inner = pool.begin_with(BEGIN).await.map_err(failed())?;
        Ok(SqliteTransaction {
            inner,
            _own: self.changes.own_write(),
            _turn: turn,
        })
    }
}

impl SqliteStore {
    async fn watch(&self) -> Result<(), changes::Error> {
        if self.changes.are_watched() {
            return Ok(());
        }
        let rows = self
            .read("find the page of the leases", LEASES_PAGE, Vec::new())
            .await?;
        let page = sql::first::<i64>(rows)?;
        self.changes
            .watch(page.and_then(|page| u32::try_from(page).ok()))
    }
}

async fn write_batch(
    connection: &mut SqliteConnection,
    batch: &[Record],
) -> StoreResult<Vec<Outcome>> {
    if records::is_one_statement(batch) {
        return records::write(connection, batch).await;
    }
    let failed = || StoreError::statement(COMMIT);
    let mut transaction = connection.begin_with(BEGIN).await.map_err(failed())?;
    let outcomes = records::write(&mut transaction, batch).await?;
    transaction.commit().await.map_err(failed())?;
    Ok(outcomes)
}

async fn acquire(pool: &SqlitePool, intent: &'static str) -> StoreResult<PoolConnection<Sqlite>> {
    pool.acquire().await.map_err(StoreError::statement(intent))
}

impl Store for SqliteStore {
    fn lanes(&self) -> usize {
        1
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn migrate(&self) -> BoxFuture<'_, StoreResult<()>> {
        async {
            let taken = self.writer.take().await;
            let mut connection = taken.map_err(StoreError::statement("migrate"))?;
            migrations::migrate(&mut connection)
                .await
                .map_err(|error| StoreError::Migration(error.into()))?;
            connection.keep();
            Ok(())
        }
        .boxed()
    }

    fn commit<'a>(&'a self, batch: &'a [Record]) -> BoxFuture<'a, StoreResult<Vec<Outcome>>> {
        async move {
            let taken = self.writer.take().await;
            let mut connection = taken.map_err(StoreError::statement(COMMIT))?;
            let own = self.changes.own_write();
            let outcomes = write_batch(&mut connection, batch).await?;
            // Before the next write may begin.
            drop(own);
            connection.keep();
            Ok(outcomes)
        }
        .boxed()
    }

    fn begin(&self, _: Isolation) -> BoxFuture<'_, StoreResult<Transaction>> {
        async {
            let transaction = self.begin_write("begin a transaction").await?;
            Ok(Transaction::Sqlite(transaction))
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        intent: &'static str,
        sql: &'a str,
        params: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>> {
        async move {
            let mut connection = acquire(&self.readers, intent).await?;
            let rows = sql::sqlite(&mut connection, sql, params).await;
            rows.map_err(StoreError::statement(intent))
        }
        .boxed()
    }

    fn write<'a>(
        &'a self,
        intent: &'static str,
        sql: &'a str,
        params: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>> {
        async move {
            let failed = || StoreError::statement(intent);
            let mut connection = self.writer.take().await.map_err(failed())?;
            let own = self.changes.own_write();
            let rows = sql::sqlite(&mut connection, sql, params).await;
            let rows = rows.map_err(failed())?;
            drop(own);
            connection.keep();
            Ok(rows)
        }
        .boxed()
    }

    fn listen(&self) -> BoxFuture<'_, StoreResult<Option<Box<dyn Listener>>>> {
        async { Ok(None) }.boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            if let Err(error) = self.watch().await {
                tracing::warn!(%error, "cannot see what other processes write; asking once a second");
                std::future::pending::<()>().await;
            }
            self.changes.foreign().await;
        }
        .boxed()
    }

    fn write_reserved(
        &self,
        intent: &'static str,
        sql: &'static str,
        params: Vec<Param>,
    ) -> BoxFuture<'_, StoreResult<Vec<Row>>> {
        self.write(intent, sql, params)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.readers.close().await;
            self.writer.close().await;
        }
        .boxed()
    }
}

/// An open transaction, which holds the write lock.
pub(crate) struct SqliteTransaction {
    inner: sqlx::Transaction<'static, Sqlite>,
    /// Dropped when the transaction ended.
    _own: OwnWrite,
    _turn: OwnedSemaphorePermit,
}

impl SqliteTransaction {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }

    pub(super) async fn end(self, commit: bool) -> sqlx::Result<()> {
        match commit {
            true => self.inner.commit().await,
            false => self.inner.rollback().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sqlx::SqliteConnection;

    use super::{READERS, SqliteStore};
    use crate::store::row::Identity;
    use crate::store::{Store, Synchronous};

    async fn open(folder: &tempfile::TempDir, synchronous: Synchronous) -> SqliteStore {
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        SqliteStore::open(&url, true, synchronous).await.unwrap()
    }

    #[tokio::test]
    async fn a_lease_that_another_process_renews_is_no_change_but_a_new_process_is() {
        let folder = tempfile::tempdir().unwrap();
        let stores = [
            open(&folder, Synchronous::Full).await,
            open(&folder, Synchronous::Full).await,
        ];
        let [ours, theirs]: [&dyn Store; 2] = [&stores[0], &stores[1]];
        ours.migrate().await.unwrap();
        ours.create_own_tables().await.unwrap();
        let executor = |id: &str| Identity {
            executor_id: id.to_owned(),
            application_version: "1".to_owned(),
            application_name: None,
        };
        let (first, second) = (executor("first"), executor("second"));
        theirs.acquire_lease(&first, "token", 10_000).await.unwrap();
        ours.changed().await;

        for _ in 0..3 {
            let renewed = theirs.renew_lease(&first, "token", 10_000).await.unwrap();
            assert!(renewed.is_some());
            assert_eq!(ours.changed().now_or_never(), None);
        }

        theirs
            .acquire_lease(&second, "token", 10_000)
            .await
            .unwrap();
        assert_eq!(ours.changed().now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn all_readers_together_keep_no_more_of_the_file_than_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, Synchronous::Full).await;
        let kept = async |connection: &mut SqliteConnection| {
            let asked = sqlx::query_scalar("PRAGMA cache_size");
            let kibibytes: i64 = asked.fetch_one(connection).await.unwrap();
            assert!(kibibytes < 0, "a number of pages");
            -kibibytes
        };

        let reader = &mut store.readers.acquire().await.unwrap();
        let writer = &mut store.writer.take().await.unwrap();
        let readers = kept(reader).await * i64::from(READERS);
        let writer = kept(writer).await;

        assert!(readers <= writer, "{readers} KiB beside {writer} KiB");
    }

    #[tokio::test]
    async fn a_commit_waits_for_the_disk_unless_told_otherwise() {
        // What the pragma tells: https://www.sqlite.org/pragma.html#pragma_synchronous
        for (synchronous, number) in [
            (Synchronous::default(), 2),
            (Synchronous::Full, 2),
            (Synchronous::Normal, 1),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = open(&folder, synchronous).await;
            let asked = sqlx::query_scalar::<_, i64>("PRAGMA synchronous");
            let mut writer = store.writer.take().await.unwrap();
            assert_eq!(asked.fetch_one(&mut *writer).await.unwrap(), number);
        }
    }
}
