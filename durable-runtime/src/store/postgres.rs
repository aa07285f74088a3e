//! The store in a PostgreSQL database, shared by many processes.

mod listener;
mod migrations;
mod records;
mod statement;

use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres};

use super::kept::Kept;
use super::sql::{self, Param, Row};
use super::{Isolation, Listener, Outcome, Record, Store, StoreResult, Transaction};
use crate::error::StoreError;
use records::Batch;
use statement::Existing;

/// Batches that are committed side by side: one writes while the other's commit is on its way to the disk.
const LANES: usize = 2;
/// Connections for statements that must not wait for those of users: a lease is renewed while work is taken.
const RESERVED: usize = 2;
const CONNECTIONS: u32 = 16;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// What a batch should do.
const COMMIT: &str = "commit records";

#[derive(Debug)]
pub(crate) struct PostgresStore {
    /// For the journal, one for each of its lanes: never held by a user's code.
    journal: Kept<Postgres>,
    /// For leases, and for work that is taken off queues.
    reserved: Kept<Postgres>,
    /// For everything else: transactions of users, claims, reads.
    pool: PgPool,
    /// For the one connection that listens.
    listener: PgPool,
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
        let kept = |size| {
            let pool = pool(u32::try_from(size).unwrap_or(1))
                .after_connect(|connection, _| records::prepare(connection).boxed())
                .connect_lazy_with(options.clone());
            Kept::of(pool, size)
        };
        let (journal, reserved) = (kept(LANES), kept(RESERVED));
        let listener = pool(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.clone());
        let pool = pool(CONNECTIONS).connect_lazy_with(options);
        Ok(Self {
            journal,
            reserved,
            pool,
            listener,
        })
    }
}

impl PostgresStore {
    async fn commit_with(
        &self,
        records: &[Record],
        existing: Existing,
    ) -> StoreResult<Vec<Outcome>> {
        let taken = self.journal.take().await;
        let mut connection = taken.map_err(StoreError::statement(COMMIT))?;
        let outcomes = write_batch(&mut connection, &Batch::of(records), existing).await?;
        connection.keep();
        Ok(outcomes)
    }
}

async fn write_batch(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    existing: Existing,
) -> StoreResult<Vec<Outcome>> {
    if batch.is_one_statement() {
        return records::write(connection, batch, existing).await;
    }
    let failed = || StoreError::statement(COMMIT);
    let mut transaction = connection.begin().await.map_err(failed())?;
    let outcomes = records::write(&mut transaction, batch, existing).await?;
    transaction.commit().await.map_err(failed())?;
    Ok(outcomes)
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

/// Writes records in a transaction that somebody else began, and that must not fail.
pub(super) async fn write(
    connection: &mut PgConnection,
    records: &[Record],
) -> StoreResult<Vec<Outcome>> {
    records::write(connection, &Batch::of(records), Existing::Stays).await
}

async fn query(
    pool: &PgPool,
    intent: &'static str,
    sql: &str,
    params: Vec<Param>,
) -> StoreResult<Vec<Row>> {
    let failed = || StoreError::statement(intent);
    let mut connection = pool.acquire().await.map_err(failed())?;
    let rows = sql::postgres(&mut connection, sql, params).await;
    rows.map_err(failed())
}

impl Store for PostgresStore {
    fn lanes(&self) -> usize {
        LANES
    }

    fn is_shared(&self) -> bool {
        true
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

    fn commit<'a>(&'a self, batch: &'a [Record]) -> BoxFuture<'a, StoreResult<Vec<Outcome>>> {
        async move {
            let existing = records::expected(batch);
            match self.commit_with(batch, existing).await {
                Err(error) if existing == Existing::Fails && records::met_existing(&error) => {
                    self.commit_with(batch, Existing::Stays).await
                }
                done => done,
            }
        }
        .boxed()
    }

    fn begin(&self, isolation: Isolation) -> BoxFuture<'_, StoreResult<Transaction>> {
        let begin = match isolation {
            Isolation::ReadCommitted => "BEGIN",
            Isolation::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        async move {
            let begun = self.pool.begin_with(begin).await;
            let inner = begun.map_err(StoreError::statement("begin a transaction"))?;
            Ok(Transaction::Postgres(PostgresTransaction { inner }))
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        intent: &'static str,
        sql: &'a str,
        params: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>> {
        query(&self.pool, intent, sql, params).boxed()
    }

    fn write<'a>(
        &'a self,
        intent: &'static str,
        sql: &'a str,
        params: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>> {
        self.read(intent, sql, params)
    }

    fn listen(&self) -> BoxFuture<'_, StoreResult<Option<Box<dyn Listener>>>> {
        async {
            let listener = listener::PostgresListener::open(&self.listener).await?;
            Ok(Some(Box::new(listener) as Box<dyn Listener>))
        }
        .boxed()
    }

    fn write_reserved(
        &self,
        intent: &'static str,
        sql: &'static str,
        params: Vec<Param>,
    ) -> BoxFuture<'_, StoreResult<Vec<Row>>> {
        async move {
            let failed = || StoreError::statement(intent);
            let mut connection = self.reserved.take().await.map_err(failed())?;
            let rows = sql::postgres(&mut connection, sql, params).await;
            let rows = rows.map_err(failed())?;
            connection.keep();
            Ok(rows)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.listener.close().await;
            self.journal.close().await;
            self.reserved.close().await;
            self.pool.close().await;
        }
        .boxed()
    }
}

/// An open transaction.
pub(crate) struct PostgresTransaction {
    inner: sqlx::Transaction<'static, Postgres>,
}

impl PostgresTransaction {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.inner
    }

    pub(super) async fn end(self, commit: bool) -> sqlx::Result<()> {
        match commit {
            true => self.inner.commit().await,
            false => self.inner.rollback().await,
        }
    }
}
