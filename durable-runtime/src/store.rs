//! Where workflows are kept: the one place that knows SQL.
//!
//! [`Store`] speaks of intents (commit these records, claim work from this queue); the two implementations write the
//! same tables, those of the DBOS system database.

mod migrations;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod record;
mod row;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::error::StoreError;
pub(crate) use record::{
    CompletionRecord, ExistingWorkflow, Found, Outcome, Parent, Record, StartRecord, StepRecord,
};
pub(crate) use row::{Claim, ClaimedWorkflow, Finished, Identity, QueueRow, StepRow};
pub use row::{Status, WorkflowStatus};

pub(crate) type StoreResult<T> = Result<T, StoreError>;

/// A database that holds workflows. Every method is one transaction.
pub(crate) trait Store: Debug + Send + Sync + 'static {
    /// How many batches may be committed side by side.
    fn lanes(&self) -> usize;

    /// Brings the schema to the version this crate writes.
    fn migrate(&self) -> BoxFuture<'_, StoreResult<()>>;

    /// Announces this application version and these queues.
    fn register<'a>(
        &'a self,
        identity: &'a Identity,
        queues: &'a [QueueRow],
    ) -> BoxFuture<'a, StoreResult<()>>;

    /// Commits all records in one transaction and tells what became of each, in order. `Err` means that nothing was
    /// committed, or that the connection was lost and committing the same batch again is safe.
    fn commit<'a>(&'a self, batch: &'a [Record]) -> BoxFuture<'a, StoreResult<Vec<Outcome>>>;

    /// Begins the transaction of a `#[transaction]` step.
    fn begin(&self) -> BoxFuture<'_, StoreResult<Transaction>>;

    /// Takes up to `claim.limit` workflows off a queue, each with its input and its whole history.
    fn claim<'a>(
        &'a self,
        claim: &'a Claim<'a>,
    ) -> BoxFuture<'a, StoreResult<Vec<ClaimedWorkflow>>>;

    /// The workflows of a queue that a claim with this token took: what an unanswered claim would have given.
    fn claimed<'a>(
        &'a self,
        queue: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, StoreResult<Vec<ClaimedWorkflow>>>;

    /// Puts the workflows that a dead process of this identity was running back on their queues; says how many.
    fn reenqueue<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, StoreResult<u64>>;

    /// Gives a workflow up that was recovered too often.
    fn dead_letter<'a>(
        &'a self,
        workflow_id: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, StoreResult<()>>;

    /// Those of the workflows that have finished, with their outcome.
    fn finished<'a>(
        &'a self,
        workflow_ids: &'a [String],
    ) -> BoxFuture<'a, StoreResult<Vec<(String, Finished)>>>;

    /// The state of one workflow.
    fn workflow<'a>(
        &'a self,
        workflow_id: &'a str,
    ) -> BoxFuture<'a, StoreResult<Option<WorkflowStatus>>>;

    /// The workflows of this name that have not finished, oldest first.
    fn active<'a>(&'a self, name: &'a str) -> BoxFuture<'a, StoreResult<Vec<WorkflowStatus>>>;

    /// The recorded steps of a workflow, in order.
    fn steps<'a>(&'a self, workflow_id: &'a str) -> BoxFuture<'a, StoreResult<Vec<StepRow>>>;

    /// Closes all connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The open transaction of a `#[transaction]` step. Dropped, it rolls back.
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
    /// Adds the records to the transaction and commits it. When one of them was not accepted nothing is committed,
    /// the user's rows included.
    pub(crate) async fn commit(self, records: &[Record]) -> StoreResult<Vec<Outcome>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.commit(records).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.commit(records).await,
        }
    }

    pub(crate) async fn rollback(self) -> StoreResult<()> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.rollback().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.rollback().await,
        }
    }
}

/// Connects to the store that the URL names.
pub(crate) async fn open(url: &str) -> StoreResult<Arc<dyn Store>> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Arc::new(sqlite::SqliteStore::open(url).await?)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(Arc::new(postgres::PostgresStore::open(url).await?)),
        _ => Err(StoreError::UnknownUrl {
            url: url.to_owned(),
        }),
    }
}
