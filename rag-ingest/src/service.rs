//! What other programs may ask of a database: searches, documents, collections. The HTTP endpoint and the tools for
//! agents are two ways to ask.

pub mod http;
pub mod mcp;

use serde::{Deserialize, Serialize};

use crate::collection::{CollectionError, CollectionState, WholeDocument};
use crate::search::{Hit, Mode, Request, SearchError, Searcher};

/// How much of a document's text is handed out at once unless asked otherwise, in bytes.
const A_PART: usize = 64 << 10;
/// The most that is handed out at once.
const LARGEST_PART: usize = 1 << 20;

/// Answers for one database, with one model.
#[derive(Debug)]
pub struct Service {
    searcher: Searcher,
    /// The collection that is meant when none is named.
    collection: String,
}

/// What a search gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The collection that was searched.
    pub collection: String,
    /// What the search went by.
    pub mode: Mode,
    /// The hits, the best first.
    pub hits: Vec<Hit>,
}

/// Which part of which document.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartOf {
    /// The document's number, as hits tell it.
    #[serde(default)]
    pub document: i64,
    /// Its collection.
    #[serde(default)]
    pub collection: Option<String>,
    /// The first byte of the text; the beginning of the character that it is in.
    #[serde(default)]
    pub start: usize,
    /// How many bytes at most; 64 KiB unless given, and 1 MiB at most.
    #[serde(default)]
    pub length: Option<usize>,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentPart {
    /// The document, its text cut to the part.
    #[serde(flatten)]
    pub document: WholeDocument,
    /// The first byte of the part.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// How many bytes the whole text has.
    pub size: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The search.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The database.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// The document.
    #[error(
        "there is no document {document} in the collection `{collection}`; take the number from a hit of a search"
    )]
    NoDocument {
        /// Its number.
        document: i64,
        /// The collection.
        collection: String,
    },
}

impl ServiceError {
    /// Whether another question would help.
    pub fn is_of_the_question(&self) -> bool {
        match self {
            Self::Search(error) => error.is_of_the_question(),
            Self::Collection(_) => false,
            Self::NoDocument { .. } => true,
        }
    }
}

impl Service {
    /// A service that searches `collection` unless another is named.
    pub fn new(searcher: Searcher, collection: impl Into<String>) -> Self {
        Self {
            searcher,
            collection: collection.into(),
        }
    }

    /// Closes all connections to the database.
    pub async fn close(&self) {
        self.searcher.collection().close().await;
    }

    /// Searches.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn search(&self, request: &Request) -> Result<Found, ServiceError> {
        let collection = request.collection.as_ref().unwrap_or(&self.collection);
        let query = request.query()?;
        let hits = self.searcher.search(collection, &query).await?;
        Ok(Found {
            collection: collection.clone(),
            mode: query.mode,
            hits,
        })
    }

    /// Reads a part of a document.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn document(&self, of: &PartOf) -> Result<DocumentPart, ServiceError> {
        let collection = of.collection.as_ref().unwrap_or(&self.collection);
        let found = self.searcher.collection();
        let found = found.document(collection, of.document).await?;
        let mut document = found.ok_or_else(|| ServiceError::NoDocument {
            document: of.document,
            collection: collection.clone(),
        })?;
        let text = document.text.take().unwrap_or_default();
        let start = text.floor_char_boundary(of.start);
        let length = of.length.unwrap_or(A_PART).min(LARGEST_PART);
        let end = text.floor_char_boundary(start.saturating_add(length));
        document.text = text.get(start..end).map(str::to_owned);
        Ok(DocumentPart {
            document,
            start,
            end,
            size: text.len(),
        })
    }

    /// The collections of the database.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn collections(&self) -> Result<Vec<CollectionState>, ServiceError> {
        Ok(self.searcher.collection().collections().await?)
    }

    /// The model that searches go by.
    pub fn model(&self) -> &str {
        self.searcher.model()
    }

    /// The collection that is meant when none is named.
    pub fn collection(&self) -> &str {
        &self.collection
    }
}
