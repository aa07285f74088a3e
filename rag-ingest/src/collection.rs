//! The documents, chunks and vectors of a collection, in the database that also holds the workflows.
//!
//! A document's rows are written by one transaction, see [`save`]; everything else here reads.

mod postgres;
mod sqlite;

use std::collections::HashMap;

use durable_runtime::Connection;
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;

use crate::chunk::Chunk;
use crate::discover::FoundFile;
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

/// The version of the tables.
const SCHEMA_VERSION: i64 = 1;

/// The tables of one database.
#[derive(Debug, Clone)]
pub enum Collection {
    /// In a SQLite file.
    Sqlite(SqlitePool),
    /// In a PostgreSQL database.
    Postgres(PgPool),
}

/// What makes a document the one that is already there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The BLAKE3 hash of the file's bytes.
    pub hash: String,
    /// The pipeline that made its rows.
    pub fingerprint: String,
}

/// A document that is ready to be saved. Every chunk has its vector.
#[derive(Debug, Clone, Copy)]
pub struct NewDocument<'d> {
    /// The collection it belongs to.
    pub collection: &'d str,
    /// The file it was made from.
    pub file: &'d FoundFile,
    /// What was read.
    pub document: &'d Document,
    /// Its chunks, in order.
    pub chunks: &'d [Chunk],
    /// A vector for each chunk.
    pub vectors: &'d [Vec<f32>],
    /// The model that made the vectors.
    pub model: &'d str,
    /// The pipeline that made all of it.
    pub fingerprint: &'d str,
    /// The run that saves it.
    pub run_id: &'d str,
}

/// A chunk as it is found.
#[derive(Debug, Clone)]
pub struct Passage {
    /// The chunk's number in the database.
    pub id: i64,
    /// The root that its file was found under.
    pub root: String,
    /// The file's path below the root.
    pub path: String,
    /// The text.
    pub text: String,
    /// First byte in the document's normalised text.
    pub start: i64,
    /// One past the last byte.
    pub end: i64,
    /// The headings it stands under, the highest first.
    pub heading: Vec<String>,
    /// The first page it stands on.
    pub page: Option<i32>,
}

impl Collection {
    /// Connects, and makes the database file and the tables when they are missing.
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
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite(sqlite::open(url, create).await?)),
            Some("postgres" | "postgresql") => Ok(Self::Postgres(postgres::open(url).await?)),
            _ => Err(CollectionError::Url {
                url: url.to_owned(),
            }),
        }
    }

    /// The documents of a collection, by root and path.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn known(
        &self,
        collection: &str,
    ) -> Result<HashMap<(String, String), Known>, CollectionError> {
        let rows: Vec<(String, String, String, String)> = match self {
            Self::Sqlite(pool) => {
                sqlx::query_as(sqlite::KNOWN)
                    .bind(collection)
                    .fetch_all(pool)
                    .await
            }
            Self::Postgres(pool) => {
                sqlx::query_as(postgres::KNOWN)
                    .bind(collection)
                    .fetch_all(pool)
                    .await
            }
        }
        .map_err(CollectionError::statement("read the known documents"))?;
        let known = |(root, path, hash, fingerprint)| ((root, path), Known { hash, fingerprint });
        Ok(rows.into_iter().map(known).collect())
    }

    /// How many documents each model has vectors of.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn models(&self, collection: &str) -> Result<Vec<(String, i64)>, CollectionError> {
        match self {
            Self::Sqlite(pool) => {
                sqlx::query_as(sqlite::MODELS)
                    .bind(collection)
                    .fetch_all(pool)
                    .await
            }
            Self::Postgres(pool) => {
                sqlx::query_as(postgres::MODELS)
                    .bind(collection)
                    .fetch_all(pool)
                    .await
            }
        }
        .map_err(CollectionError::statement(
            "read the models of the collection",
        ))
    }

    /// The vectors of a collection that one model made: number of the chunk, and the vector as little-endian floats.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn vectors(
        &self,
        collection: &str,
        model: &str,
    ) -> Result<Vec<(i64, Vec<u8>)>, CollectionError> {
        match self {
            Self::Sqlite(pool) => {
                sqlx::query_as(sqlite::VECTORS)
                    .bind(collection)
                    .bind(model)
                    .fetch_all(pool)
                    .await
            }
            Self::Postgres(pool) => {
                sqlx::query_as(postgres::VECTORS)
                    .bind(collection)
                    .bind(model)
                    .fetch_all(pool)
                    .await
            }
        }
        .map_err(CollectionError::statement("read the vectors"))
    }

    /// The chunks that hold any of the words, the best first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn with_words(
        &self,
        collection: &str,
        words: &[String],
        limit: i64,
    ) -> Result<Vec<i64>, CollectionError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let found: Result<Vec<(i64,)>, _> = match self {
            Self::Sqlite(pool) => {
                sqlx::query_as(sqlite::WORDS)
                    .bind(sqlite::any_of(words))
                    .bind(collection)
                    .bind(limit)
                    .fetch_all(pool)
                    .await
            }
            Self::Postgres(pool) => {
                sqlx::query_as(postgres::WORDS)
                    .bind(postgres::any_of(words))
                    .bind(collection)
                    .bind(limit)
                    .fetch_all(pool)
                    .await
            }
        };
        let found = found.map_err(CollectionError::statement("search the texts"))?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// One chunk with its document.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn passage(&self, id: i64) -> Result<Option<Passage>, CollectionError> {
        type Row = (i64, String, String, String, i64, i64, String, Option<i32>);
        let row: Option<Row> = match self {
            Self::Sqlite(pool) => {
                sqlx::query_as(sqlite::PASSAGE)
                    .bind(id)
                    .fetch_optional(pool)
                    .await
            }
            Self::Postgres(pool) => {
                sqlx::query_as(postgres::PASSAGE)
                    .bind(id)
                    .fetch_optional(pool)
                    .await
            }
        }
        .map_err(CollectionError::statement("read a chunk"))?;
        Ok(row.map(
            |(id, root, path, text, start, end, heading, page)| Passage {
                id,
                root,
                path,
                text,
                start,
                end,
                heading: serde_json::from_str(&heading).unwrap_or_default(),
                page,
            },
        ))
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Puts a document in the place of the one that was read from the same file, inside the caller's transaction.
///
/// # Errors
/// The database refuses.
pub async fn save(connection: Connection<'_>, new: NewDocument<'_>) -> sqlx::Result<()> {
    match connection {
        Connection::Sqlite(connection) => sqlite::save(connection, new).await,
        Connection::Postgres(connection) => postgres::save(connection, new).await,
        _ => Err(sqlx::Error::Configuration(
            "a collection is kept in SQLite or PostgreSQL".into(),
        )),
    }
}

/// Removes the documents that lay in a file when it was last read, inside the caller's transaction.
///
/// # Errors
/// The database refuses.
pub async fn remove_members(
    connection: Connection<'_>,
    collection: &str,
    file: &FoundFile,
) -> sqlx::Result<()> {
    let prefix = format!("{}!/", file.path);
    match connection {
        Connection::Sqlite(connection) => {
            sqlite::remove_members(connection, collection, &file.root, &prefix).await
        }
        Connection::Postgres(connection) => {
            postgres::remove_members(connection, collection, &file.root, &prefix).await
        }
        // Nothing was saved there, see `save`.
        _ => Ok(()),
    }
}

/// A vector as it is stored: little-endian floats.
fn bytes_of(vector: &[f32]) -> Vec<u8> {
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

fn heading_json(chunk: &Chunk) -> String {
    serde_json::Value::from(chunk.heading.clone()).to_string()
}
