//! Where workflows are kept: the one place that knows SQL.
//!
//! [`Store`] speaks of intents (commit these records, claim work from this queue); the two implementations write the
//! same tables, those of the DBOS system database.

mod attributes;
mod cancel;
mod claim;
mod composed;
mod conflict;
mod counts;
mod debounce;
mod delete;
mod due;
mod effect;
mod events;
mod filter;
mod fork;
mod history;
mod kept;
mod lease;
mod listing;
mod machines;
mod messages;
mod migrations;
mod notify;
mod pages;
mod partitions;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod queues;
mod read_only;
mod record;
mod recovery;
mod register;
mod rename;
mod resume;
mod retention;
mod rewind;
mod row;
mod schedules;
mod sql;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod streams;
mod succession;
mod tables;
mod transfer;
mod turn;
mod versions;
mod workflows;
mod writer;

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::error::StoreError;
pub use counts::{GroupBy, StepCount, StepCountFilter, WorkflowCount};
pub(crate) use debounce::{Bounce, Bounced};
pub(crate) use effect::{Effect, Message, NO_TOPIC, Payload};
pub use filter::WorkflowFilter;
pub(crate) use filter::epoch_ms;
pub(crate) use fork::{ForkPoint, ForkRequest};
pub(crate) use lease::{Others, TAKE_OVER_BATCH};
pub(crate) use listing::LISTING_LIMIT;
pub use listing::{StepFilter, StepStatus};
pub(crate) use machines::KeptMachine;
pub(crate) use messages::{Sent, forks_in, send_in};
pub(crate) use notify::{Channel, Heard, Listener, ended};
pub(crate) use pages::Pages;
pub(crate) use partitions::SWEEP;
pub use queues::RegisteredQueue;
pub(crate) use queues::{Lease, Registrar, Search, Served};
pub(crate) use read_only::ReadOnly;
pub(crate) use record::{
    CompletionRecord, Outcome, Parent, Record, StartRecord, StepRecord, SuccessionRecord,
    Successors,
};
pub(crate) use recovery::{Recovered, Recovery};
pub(crate) use rename::RenameRequest;
pub use rename::RenamedRows;
pub(crate) use rewind::RewindRequest;
pub(crate) use row::{Claim, ClaimedWorkflow, Finished, Identity, Reached, StepRow};
pub use row::{Status, WorkflowStatus};
pub(crate) use schedules::{ScheduleRow, ScheduleSelection, ScheduledRun};
pub(crate) use sql::Session;
use sql::{Param, Row};
pub use versions::ApplicationVersion;
pub(crate) use writer::Writer;

pub(crate) type StoreResult<T> = Result<T, StoreError>;

/// A database that holds workflows: what the two kinds do differently. What they have in common is written once, as
/// methods of `dyn Store` in the files beside this one; each of those is one transaction.
pub(crate) trait Store: Debug + Send + Sync + 'static {
    /// How many batches may be committed side by side.
    fn lanes(&self) -> usize;

    /// True when other machines may use the database at the same time, false for a file.
    fn is_shared(&self) -> bool;

    /// Brings the schema to the version this crate writes.
    fn migrate(&self) -> BoxFuture<'_, StoreResult<()>>;

    /// Commits all records in one transaction and tells what became of each, in order. `Err` means that nothing was
    /// committed, or that the connection was lost and committing the same batch again is safe.
    fn commit<'a>(&'a self, batch: &'a [Record]) -> BoxFuture<'a, StoreResult<Vec<Outcome>>>;

    /// Begins a transaction.
    fn begin(&self, isolation: Isolation) -> BoxFuture<'_, StoreResult<Transaction>>;

    /// Runs one statement that only reads.
    fn read<'a>(
        &'a self,
        intent: &'static str,
        sql: &'a str,
        params: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>>;

    /// Runs one statement that writes, as a transaction of its own.
    fn write<'a>(
        &'a self,
        intent: &'static str,
        sql: &'a str,
        params: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>>;

    /// Begins to listen for what other processes tell with [`notify`](dyn Store::notify); `None` where they cannot.
    fn listen(&self) -> BoxFuture<'_, StoreResult<Option<Box<dyn Listener>>>>;

    /// Completes when another process wrote something, whatever it was, since the last time that it completed; never
    /// where that is not seen. Cancel safe.
    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// As [`Self::write`], on a connection that is never held by a user's code: for what must not wait.
    fn write_reserved(
        &self,
        intent: &'static str,
        sql: &'static str,
        params: Vec<Param>,
    ) -> BoxFuture<'_, StoreResult<Vec<Row>>>;

    /// Closes all connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// How far a transaction is kept apart from others. On SQLite there is one writer, and nothing to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    ReadCommitted,
    RepeatableRead,
}

/// An open transaction. Dropped, it rolls back.
pub(crate) enum Transaction {
    #[cfg(feature = "postgres")]
    Postgres(postgres::PostgresTransaction),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::SqliteTransaction),
}

impl Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transaction")
    }
}

impl Transaction {
    /// Its connection.
    pub(crate) fn session(&mut self) -> Session<'_> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => Session::Postgres(transaction.connection()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => Session::Sqlite(transaction.connection()),
        }
    }

    /// Runs one statement in it.
    pub(crate) async fn query(
        &mut self,
        intent: &'static str,
        sql: &str,
        params: Vec<Param>,
    ) -> StoreResult<Vec<Row>> {
        let rows = self.session().query(sql, params).await;
        rows.map_err(StoreError::statement(intent))
    }

    /// Adds the records to the transaction and commits it. When one of them was not accepted nothing is committed,
    /// the user's rows included.
    pub(crate) async fn commit(mut self, records: &[Record]) -> StoreResult<Vec<Outcome>> {
        let outcomes = self.session().write(records).await?;
        if outcomes.iter().all(Outcome::is_accepted) {
            self.end("commit a transaction", true).await?;
        } else {
            self.end("roll a transaction back", false).await?;
        }
        Ok(outcomes)
    }

    /// Commits, with the record of the call that made the transaction. When the record was not accepted nothing is
    /// committed, and `Err` tells what became of it.
    pub(crate) async fn commit_with(
        self,
        record: Option<&Record>,
    ) -> StoreResult<Result<(), Outcome>> {
        let record = record.cloned();
        let outcomes = self.commit(record.as_slice()).await?;
        let refused = outcomes.into_iter().find(|it| !it.is_accepted());
        Ok(refused.map_or(Ok(()), Err))
    }

    pub(crate) async fn rollback(self) -> StoreResult<()> {
        self.end("roll a transaction back", false).await
    }

    async fn end(self, intent: &'static str, commit: bool) -> StoreResult<()> {
        let ended = match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.end(commit).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.end(commit).await,
        };
        ended.map_err(StoreError::statement(intent))
    }
}

impl Session<'_> {
    /// Writes records in the transaction that is open, and tells what became of each.
    pub(crate) async fn write(&mut self, records: &[Record]) -> StoreResult<Vec<Outcome>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => postgres::write(connection, records).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => sqlite::write(connection, records).await,
        }
    }
}

/// What a commit to a SQLite file outlives. Whatever it is, a process that is killed loses nothing, and the file stays
/// whole. See [`Builder::synchronous`](crate::Builder::synchronous).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// The loss of power: each commit waits for the disk.
    #[default]
    Full,
    /// The end of the process. The last commits before the power is lost, or the system crashes, may be lost; none waits
    /// for the disk.
    Normal,
}

/// Connects to the store that the URL names. With `create`, a SQLite file that is missing is made.
#[cfg_attr(not(feature = "sqlite"), expect(unused_variables))]
pub(crate) async fn open(
    url: &str,
    create: bool,
    synchronous: Synchronous,
) -> StoreResult<Arc<dyn Store>> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Arc::new(
            sqlite::SqliteStore::open(url, create, synchronous).await?,
        )),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(Arc::new(postgres::PostgresStore::open(url).await?)),
        _ => Err(StoreError::UnknownUrl {
            url: url.to_owned(),
        }),
    }
}
