//! The store in one SQLite file: WAL, `synchronous = FULL`, one writer.

mod claim;
mod migrations;
mod queries;
mod records;

use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection};

use super::{
    Claim, ClaimedWorkflow, Finished, Identity, Outcome, QueueRow, Record, StepRow, Store,
    StoreResult, Transaction, WorkflowStatus,
};
use crate::clock;
use crate::error::StoreError;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Write transactions take the lock when they begin: one that read first could not be retried.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// How long to wait where SQLite does not do it itself.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
const READERS: u32 = 4;

#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// One connection, handed out in the order of asking: the only one that writes.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    pub(crate) async fn open(url: &str) -> StoreResult<Self> {
        let failed = |cause| StoreError::Open {
            url: url.to_owned(),
            cause,
        };
        let options = SqliteConnectOptions::from_str(url)
            .map_err(failed)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
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
        let readers = pool(READERS).connect_lazy_with(options);
        Ok(Self { writer, readers })
    }

    /// Takes the write lock.
    async fn begin_write(
        &self,
        intent: &'static str,
    ) -> StoreResult<sqlx::Transaction<'static, Sqlite>> {
        let begun = self.writer.begin_with(BEGIN).await;
        begun.map_err(StoreError::statement(intent))
    }
}

async fn acquire(pool: &SqlitePool, intent: &'static str) -> StoreResult<PoolConnection<Sqlite>> {
    pool.acquire().await.map_err(StoreError::statement(intent))
}

impl Store for SqliteStore {
    fn lanes(&self) -> usize {
        1
    }

    fn migrate(&self) -> BoxFuture<'_, StoreResult<()>> {
        async {
            let mut connection = acquire(&self.writer, "migrate").await?;
            migrations::migrate(&mut connection)
                .await
                .map_err(|error| StoreError::Migration(error.into()))?;
            Ok(())
        }
        .boxed()
    }

    fn register<'a>(
        &'a self,
        identity: &'a Identity,
        queues: &'a [QueueRow],
    ) -> BoxFuture<'a, StoreResult<()>> {
        async move {
            let intent = "register the application version and the queues";
            let mut transaction = self.begin_write(intent).await?;
            queries::register(&mut transaction, identity, queues).await?;
            transaction
                .commit()
                .await
                .map_err(StoreError::statement(intent))
        }
        .boxed()
    }

    fn commit<'a>(&'a self, batch: &'a [Record]) -> BoxFuture<'a, StoreResult<Vec<Outcome>>> {
        async move {
            let intent = "commit records";
            let mut transaction = self.begin_write(intent).await?;
            let outcomes = records::write(&mut transaction, batch).await?;
            transaction
                .commit()
                .await
                .map_err(StoreError::statement(intent))?;
            Ok(outcomes)
        }
        .boxed()
    }

    fn begin(&self) -> BoxFuture<'_, StoreResult<Transaction>> {
        async {
            let inner = self.begin_write("begin a transaction").await?;
            Ok(Transaction::Sqlite(SqliteTransaction { inner }))
        }
        .boxed()
    }

    fn claim<'a>(
        &'a self,
        claim: &'a Claim<'a>,
    ) -> BoxFuture<'a, StoreResult<Vec<ClaimedWorkflow>>> {
        async move {
            // An idle queue is seen by reading: it does not make the writer wait.
            let mut reader = acquire(&self.readers, "look at a queue").await?;
            if !claim::has_work(&mut reader, claim).await? {
                return Ok(Vec::new());
            }
            drop(reader);
            let intent = "take work off a queue";
            let mut transaction = self.begin_write(intent).await?;
            let claimed = claim::claim(&mut transaction, claim).await?;
            transaction
                .commit()
                .await
                .map_err(StoreError::statement(intent))?;
            Ok(claimed)
        }
        .boxed()
    }

    fn claimed<'a>(
        &'a self,
        queue: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, StoreResult<Vec<ClaimedWorkflow>>> {
        async move {
            let mut reader = acquire(&self.readers, "read what was taken off a queue").await?;
            claim::claimed(&mut reader, queue, token).await
        }
        .boxed()
    }

    fn reenqueue<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, StoreResult<u64>> {
        async move {
            let mut writer = acquire(&self.writer, "recover workflows").await?;
            claim::reenqueue(&mut writer, identity).await
        }
        .boxed()
    }

    fn dead_letter<'a>(
        &'a self,
        workflow_id: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, StoreResult<()>> {
        async move {
            let mut writer = acquire(&self.writer, "give a workflow up").await?;
            claim::dead_letter(&mut writer, workflow_id, token).await
        }
        .boxed()
    }

    fn finished<'a>(
        &'a self,
        workflow_ids: &'a [String],
    ) -> BoxFuture<'a, StoreResult<Vec<(String, Finished)>>> {
        async move {
            let mut reader = acquire(&self.readers, "read outcomes").await?;
            queries::finished(&mut reader, workflow_ids).await
        }
        .boxed()
    }

    fn workflow<'a>(
        &'a self,
        workflow_id: &'a str,
    ) -> BoxFuture<'a, StoreResult<Option<WorkflowStatus>>> {
        async move {
            let mut reader = acquire(&self.readers, "read a workflow").await?;
            queries::workflow(&mut reader, workflow_id).await
        }
        .boxed()
    }

    fn active<'a>(&'a self, name: &'a str) -> BoxFuture<'a, StoreResult<Vec<WorkflowStatus>>> {
        async move {
            let mut reader = acquire(&self.readers, "list workflows").await?;
            queries::active(&mut reader, name).await
        }
        .boxed()
    }

    fn steps<'a>(&'a self, workflow_id: &'a str) -> BoxFuture<'a, StoreResult<Vec<StepRow>>> {
        async move {
            let mut reader = acquire(&self.readers, "read steps").await?;
            queries::steps(&mut reader, workflow_id).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.readers.close().await;
            self.writer.close().await;
        }
        .boxed()
    }
}

/// The write lock, held by the body of a `#[transaction]` step.
pub(crate) struct SqliteTransaction {
    inner: sqlx::Transaction<'static, Sqlite>,
}

impl SqliteTransaction {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }

    pub(super) async fn commit(mut self, batch: &[Record]) -> StoreResult<Vec<Outcome>> {
        let outcomes = records::write(&mut self.inner, batch).await?;
        let failed = StoreError::statement("commit a transaction");
        if outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Committed))
        {
            self.inner.commit().await.map_err(failed)?;
        } else {
            self.inner.rollback().await.map_err(failed)?;
        }
        Ok(outcomes)
    }

    pub(super) async fn rollback(self) -> StoreResult<()> {
        self.inner
            .rollback()
            .await
            .map_err(StoreError::statement("roll a transaction back"))
    }
}
