//! The documents, chunks and vectors of a collection, in the database that also holds the workflows.
//!
//! Statements are written once for both databases, see `session`; what is special to one stands beside it.

mod documents;
mod find;
mod index;
mod ledger;
mod members;
mod news;
mod outcome;
mod plan;
mod prune;
mod reads;
pub(crate) mod requests;
mod reset;
mod save;
mod schema;
pub(crate) mod session;
mod sources;
mod stats;
mod texts;
mod vectors;
mod verify;
mod words;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

pub use self::documents::{CollectionState, WholeDocument};
pub use self::find::Passage;
pub(crate) use self::find::{Allowed, VectorRow};
pub(crate) use self::index::INDEX_FROM;
pub use self::index::VectorIndex;
pub use self::ledger::Spending;
pub(crate) use self::ledger::{Cost, pay};
pub(crate) use self::members::{MemberOutcome, NewMember, remove_members, replace_members};
pub use self::outcome::Failure;
pub(crate) use self::outcome::{bury, fail, living, remember, unseen};
pub(crate) use self::plan::{
    Known, Queued, Seen, Verdict, known, queue, queued, refuse, repoint, restamp, seen,
    with_content,
};
pub use self::prune::Pruned;
pub(crate) use self::reads::retryable;
pub use self::reads::{FileState, LastRun};
pub(crate) use self::save::save;
use self::session::Transaction;
pub use self::sources::Scope;
pub(crate) use self::sources::scope;
pub use self::stats::Stats;
pub(crate) use self::texts::{get as text, put as keep_text};
pub(crate) use self::vectors::{
    insert as insert_vectors, key_of, known as known_vectors, model, model_name,
};
pub use self::verify::Verdicts;
use crate::chunk::Chunk;
use crate::document::Document;

/// Why the collection cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectionError {
    /// The URL names no database that can hold a collection.
    #[error(
        "`{url}` is not a database URL; write `sqlite://rag.db` or `postgres://user@host/database`"
    )]
    Url {
        /// The URL.
        url: String,
    },
    /// There is no such file.
    #[error(
        "there is no database at {path}; fill one with `rag-ingest ingest PATH`, or name another with --db"
    )]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// A statement failed.
    #[error("the database failed while it should {intent}: {cause}")]
    Statement {
        /// What it should have done.
        intent: &'static str,
        /// The driver's error.
        cause: sqlx::Error,
    },
    /// The tables were made by a later version of this program.
    #[error(
        "the tables of the collection are at version {found}, this program knows {known}; use a newer one"
    )]
    Newer {
        /// The version in the database.
        found: i64,
        /// The version of this program.
        known: i64,
    },
}

impl CollectionError {
    fn statement(intent: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |cause| Self::Statement { intent, cause }
    }
}

/// The tables of one database.
#[derive(Debug, Clone)]
pub enum Collection {
    /// In a SQLite file.
    Sqlite(SqlitePool),
    /// In a PostgreSQL database.
    Postgres(PgPool),
}

/// A document that is ready to be saved. Every chunk has its vector in the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewDocument<'d> {
    /// Its number.
    pub(crate) id: i64,
    /// The hash of the file that it was made from.
    pub(crate) hash: &'d str,
    /// What was read.
    pub(crate) document: &'d Document,
    /// The key that its text is kept under, if it is kept.
    pub(crate) text_key: Option<&'d str>,
    /// Its chunks, in order.
    pub(crate) chunks: &'d [Chunk],
    /// The key of each chunk's text.
    pub(crate) keys: &'d [String],
    /// How many files lie in it.
    pub(crate) members: usize,
    /// The model that made the vectors.
    pub(crate) model: &'d str,
    /// The pipeline that made all of it.
    pub(crate) fingerprint: &'d str,
    /// The run that saves it.
    pub(crate) run_id: &'d str,
}

impl Collection {
    /// Connects, makes the database file and the tables when they are missing, and brings tables of an older version
    /// to this one.
    ///
    /// # Errors
    /// [`CollectionError`] if the database cannot be reached or its tables belong to a newer program.
    pub async fn open(url: &str) -> Result<Self, CollectionError> {
        Self::connect(url, true).await
    }

    /// Connects to a database that exists.
    ///
    /// # Errors
    /// As [`Collection::open`], and if a SQLite file does not exist.
    pub async fn open_existing(url: &str) -> Result<Self, CollectionError> {
        Self::connect(url, false).await
    }

    async fn connect(url: &str, create: bool) -> Result<Self, CollectionError> {
        let collection = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Self::Sqlite(open_sqlite(url, create).await?),
            Some("postgres" | "postgresql") => Self::Postgres(open_postgres(url).await?),
            _ => {
                return Err(CollectionError::Url {
                    url: url.to_owned(),
                });
            }
        };
        let failed = || CollectionError::statement("make the tables of the collection");
        let mut transaction = collection.begin().await.map_err(failed())?;
        schema::migrate(&mut transaction.session()).await?;
        transaction.commit().await.map_err(failed())?;
        Ok(collection)
    }

    /// The number of a model; it is registered when it is new.
    pub(crate) async fn register_model(
        &self,
        id: &str,
        dimension: usize,
    ) -> Result<i64, CollectionError> {
        let failed = || CollectionError::statement("register the model");
        let mut transaction = self.begin().await.map_err(failed())?;
        let name = model_name(id, dimension);
        let number = model(&mut transaction.session(), &name, dimension)
            .await
            .map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(number)
    }

    /// Begins a transaction that writes. On SQLite it holds the only write lock until it ends.
    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// Begins a transaction that only reads.
    pub(crate) async fn look(&self) -> sqlx::Result<Transaction> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// How many connections to a database one process has, beside those of the runtime.
const CONNECTIONS: u32 = 4;
/// How much of a SQLite file each of them keeps: KiB, with a minus. SQLite takes two MiB for each connection, and all of
/// them fill up with the same pages as the collection grows, which the system keeps anyway.
const CACHE: &str = "-500";

async fn open_sqlite(url: &str, create: bool) -> Result<SqlitePool, CollectionError> {
    let failed = || CollectionError::statement("open the database");
    let options = SqliteConnectOptions::from_str(url)
        .map_err(failed())?
        .create_if_missing(create)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(30));
    if !create && !options.get_filename().exists() {
        return Err(CollectionError::Missing {
            path: options.get_filename().display().to_string(),
        });
    }
    SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_with(options.pragma("cache_size", CACHE))
        .await
        .map_err(failed())
}

async fn open_postgres(url: &str) -> Result<PgPool, CollectionError> {
    let failed = || CollectionError::statement("open the database");
    // A pool would keep trying; who starts a program wants to know at once that there is no server.
    let first = <PgConnection as sqlx::Connection>::connect(url)
        .await
        .map_err(failed())?;
    sqlx::Connection::close(first).await.map_err(failed())?;
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect(url)
        .await
        .map_err(failed())
}

/// A vector as it is stored: little-endian floats.
pub(crate) fn bytes_of(vector: &[f32]) -> Vec<u8> {
    vector
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

/// A stored vector.
pub fn vector_of(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().copied().map(f32::from_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::session::rows;
    use super::{CONNECTIONS, Collection};

    #[tokio::test]
    async fn the_connections_keep_no_more_of_a_collection_than_two_mib_however_large_it_grows() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        let collection = Collection::open(&url).await.unwrap();
        // All of them, at the same time.
        let mut looks = join_all((0..CONNECTIONS).map(|_| collection.look())).await;

        let mut kibibytes = 0;
        for look in &mut looks {
            let session = &mut look.as_mut().unwrap().session();
            let asked: Vec<(i64,)> = rows!(session, "PRAGMA cache_size").unwrap();
            // A number of pages would be greater than zero.
            assert!(asked[0].0 < 0);
            kibibytes -= asked[0].0;
        }

        assert!(kibibytes <= 2048, "{kibibytes} KiB");
    }
}
