use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "postgres")]
use sqlx::PgConnection;
#[cfg(feature = "sqlite")]
use sqlx::SqliteConnection;

use super::StepContext;
use crate::error::{Error, Result};
use crate::store::{Session, Transaction};

/// Where a transaction waits for the engine when the body is through with it.
type TransactionHome = Arc<Mutex<Option<Transaction>>>;

/// The context of a transaction's body: it lends the connection of an open database transaction.
///
/// What the body writes through it, and the checkpoint of the step, are committed together: after a crash either both
/// are there or neither. The transaction is committed when the body returns `Ok` and rolled back otherwise. On SQLite
/// it holds the file's only write lock, so a body should write and return.
#[derive(Debug)]
pub struct TransactionContext {
    pub(crate) step: StepContext,
    transaction: Option<Transaction>,
    home: TransactionHome,
}

/// The connection of an open transaction, by kind of database.
#[derive(Debug)]
#[non_exhaustive]
pub enum Connection<'t> {
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(&'t mut PgConnection),
    /// SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite(&'t mut SqliteConnection),
}

impl<'t> From<Connection<'t>> for Session<'t> {
    fn from(connection: Connection<'t>) -> Self {
        match connection {
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => Self::Postgres(connection),
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => Self::Sqlite(connection),
        }
    }
}

impl TransactionContext {
    pub(crate) fn new(step: StepContext, transaction: Transaction) -> (Self, TransactionHome) {
        let home = TransactionHome::default();
        (
            Self {
                step,
                transaction: Some(transaction),
                home: Arc::clone(&home),
            },
            home,
        )
    }

    /// The connection, for code that serves both databases.
    pub fn connection(&mut self) -> Connection<'_> {
        match self.transaction.as_mut() {
            #[cfg(feature = "postgres")]
            Some(Transaction::Postgres(transaction)) => {
                Connection::Postgres(transaction.connection())
            }
            #[cfg(feature = "sqlite")]
            Some(Transaction::Sqlite(transaction)) => Connection::Sqlite(transaction.connection()),
            // Only `drop` takes it out.
            None => unreachable!("a context holds its transaction until it is dropped"),
        }
    }

    /// The connection of a SQLite database; an error on PostgreSQL.
    ///
    /// # Errors
    /// The runtime was opened on PostgreSQL.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(&mut self) -> Result<&mut SqliteConnection> {
        match &mut self.transaction {
            Some(Transaction::Sqlite(transaction)) => Ok(transaction.connection()),
            _ => Err(wrong_database(&self.step.name, "PostgreSQL", "postgres")),
        }
    }

    /// The connection of a PostgreSQL database; an error on SQLite.
    ///
    /// # Errors
    /// The runtime was opened on SQLite.
    #[cfg(feature = "postgres")]
    pub fn postgres(&mut self) -> Result<&mut PgConnection> {
        match &mut self.transaction {
            Some(Transaction::Postgres(transaction)) => Ok(transaction.connection()),
            _ => Err(wrong_database(&self.step.name, "SQLite", "sqlite")),
        }
    }

    /// What was given as [`state`](crate::Builder::state) of this type when the runtime was opened.
    ///
    /// # Errors
    /// No state of this type was given.
    pub fn state<T: Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        self.step.state()
    }

    /// The id of the workflow that the transaction belongs to.
    #[must_use]
    pub fn workflow_id(&self) -> &str {
        self.step.workflow_id()
    }

    /// The number of this call within the workflow, from 1.
    #[must_use]
    pub fn position(&self) -> i32 {
        self.step.position()
    }
}

fn wrong_database(name: &str, is: &str, method: &str) -> Error {
    Error::Setup(format!(
        "transaction `{name}` runs on {is}: use `ctx.{method}()`, or `ctx.connection()` for both"
    ))
}

impl Drop for TransactionContext {
    fn drop(&mut self) {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = self.transaction.take();
    }
}
