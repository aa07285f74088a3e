//! The store in a PostgreSQL database, shared by many processes.

mod claim;
mod migrations;
mod queries;
mod records;

use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres};

use super::{
    Claim, ClaimedWorkflow, Finished, Identity, Outcome, QueueRow, Record, StepRow, Store,
    StoreResult, Transaction, WorkflowStatus,
};
use crate::error::StoreError;

/// Batches that are committed side by side: one writes while the other's commit is on its way to the disk.
const LANES: usize = 2;
const CONNECTIONS: u32 = 16;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct PostgresStore {
    /// For the journal: never held by a user's code.
    journal: PgPool,
    /// For everything else: transactions of users, claims, reads.
    pool: PgPool,
}

impl PostgresStore {
    pub(crate) async fn open(url: &str) -> StoreResult<Self> {
        let failed = |cause| StoreError::Open {
            url: without_password(url),
            cause,
        };
        let options = PgConnectOptions::from_str(url).map_err(failed)?;
        // A pool keeps trying for as long as an acquisition may take; who starts a program wants to know at once.
        let first = options.connect().await.map_err(failed)?;
        first.close().await.map_err(failed)?;
        let pool = |size| {
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
        };
        let lanes = u32::try_from(LANES).unwrap_or(1);
        let journal = pool(lanes)
            .after_connect(|connection, _| records::prepare(connection).boxed())
            .connect_lazy_with(options.clone());
        let pool = pool(CONNECTIONS).connect_lazy_with(options);
        Ok(Self { journal, pool })
    }
}

/// The URL with its password blotted out.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or(user);
            format!("{scheme}://{user}:***@{host}")
        }
        None => url.to_owned(),
    }
}

impl Store for PostgresStore {
    fn lanes(&self) -> usize {
        LANES
    }

    fn migrate(&self) -> BoxFuture<'_, StoreResult<()>> {
        async {
            let mut connection = self
                .pool
                .acquire()
                .await
                .map_err(StoreError::statement("migrate"))?;
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
            let failed = || StoreError::statement("register the application version and queues");
            let mut transaction = self.pool.begin().await.map_err(failed())?;
            queries::register(&mut transaction, identity, queues).await?;
            transaction.commit().await.map_err(failed())
        }
        .boxed()
    }

    fn commit<'a>(&'a self, batch: &'a [Record]) -> BoxFuture<'a, StoreResult<Vec<Outcome>>> {
        async move {
            let failed = || StoreError::statement("commit records");
            if records::is_one_statement(batch) {
                let mut connection = self.journal.acquire().await.map_err(failed())?;
                return records::write(&mut connection, batch).await;
            }
            let mut transaction = self.journal.begin().await.map_err(failed())?;
            let outcomes = records::write(&mut transaction, batch).await?;
            transaction.commit().await.map_err(failed())?;
            Ok(outcomes)
        }
        .boxed()
    }

    fn begin(&self) -> BoxFuture<'_, StoreResult<Transaction>> {
        async {
            let inner = self
                .pool
                .begin()
                .await
                .map_err(StoreError::statement("begin a transaction"))?;
            Ok(Transaction::Postgres(PostgresTransaction { inner }))
        }
        .boxed()
    }

    fn claim<'a>(
        &'a self,
        claim: &'a Claim<'a>,
    ) -> BoxFuture<'a, StoreResult<Vec<ClaimedWorkflow>>> {
        claim::claim(&self.pool, claim).boxed()
    }

    fn claimed<'a>(
        &'a self,
        queue: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, StoreResult<Vec<ClaimedWorkflow>>> {
        claim::claimed(&self.pool, queue, token).boxed()
    }

    fn reenqueue<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, StoreResult<u64>> {
        claim::reenqueue(&self.pool, identity).boxed()
    }

    fn dead_letter<'a>(
        &'a self,
        workflow_id: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, StoreResult<()>> {
        claim::dead_letter(&self.pool, workflow_id, token).boxed()
    }

    fn finished<'a>(
        &'a self,
        workflow_ids: &'a [String],
    ) -> BoxFuture<'a, StoreResult<Vec<(String, Finished)>>> {
        queries::finished(&self.pool, workflow_ids).boxed()
    }

    fn workflow<'a>(
        &'a self,
        workflow_id: &'a str,
    ) -> BoxFuture<'a, StoreResult<Option<WorkflowStatus>>> {
        queries::workflow(&self.pool, workflow_id).boxed()
    }

    fn active<'a>(&'a self, name: &'a str) -> BoxFuture<'a, StoreResult<Vec<WorkflowStatus>>> {
        queries::active(&self.pool, name).boxed()
    }

    fn steps<'a>(&'a self, workflow_id: &'a str) -> BoxFuture<'a, StoreResult<Vec<StepRow>>> {
        queries::steps(&self.pool, workflow_id).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.journal.close().await;
            self.pool.close().await;
        }
        .boxed()
    }
}

/// The open transaction of a `#[transaction]` step.
pub(crate) struct PostgresTransaction {
    inner: sqlx::Transaction<'static, Postgres>,
}

impl PostgresTransaction {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
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
