//! What stops a search.

use super::MOST;
use crate::collection::CollectionError;
use crate::embed::EmbedError;

/// Why a search found nothing out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The database.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// The model.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The question.
    #[error("the question is empty; ask something")]
    EmptyQuestion,
    /// The limit.
    #[error("{limit} hits cannot be asked for; ask for 1 to {MOST}")]
    Limit {
        /// How many were asked for.
        limit: usize,
    },
    /// A pattern of paths.
    #[error("the pattern `{pattern}` of paths cannot be read: {why}; write, say, `docs/**/*.md`")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A word for what documents were made from.
    #[error("there are no documents of the type `{word}`; the types are {known}")]
    Kind {
        /// The word.
        word: String,
        /// The words that there are.
        known: String,
    },
    /// A moment.
    #[error("`{text}` is no date; write 2026-01-31, or 2026-01-31T12:00:00Z")]
    Moment {
        /// What was given.
        text: String,
    },
    /// Pages.
    #[error("`{text}` are no pages; write 7, or 3-9")]
    Pages {
        /// What was given.
        text: String,
    },
    /// What looked at the hits again.
    #[error(
        "{scores} scores were given for {passages} passages, or some that are no numbers; the reranker is wrong"
    )]
    Reranked {
        /// How many passages it was given.
        passages: usize,
        /// How many scores it gave.
        scores: usize,
    },
    /// The collection.
    #[error("the collection `{collection}` is empty; fill it with `rag-ingest ingest PATH`")]
    EmptyCollection {
        /// Its name.
        collection: String,
    },
    /// The vectors were made by another model.
    #[error(
        "the collection `{collection}` was made with the model {models}, not with {wanted}; search with the same \
         --embedder, search with --mode keyword, or ingest again with the other one"
    )]
    OtherModel {
        /// The collection's name.
        collection: String,
        /// The models it has vectors of.
        models: String,
        /// The model of this search.
        wanted: String,
    },
}

impl SearchError {
    /// Whether another question would help; else it is the database or the model that cannot answer.
    pub fn is_of_the_question(&self) -> bool {
        !matches!(
            self,
            Self::Collection(_) | Self::Embed(_) | Self::Reranked { .. }
        )
    }
}
