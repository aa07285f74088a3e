//! Hybrid search: the nearest vectors and the best matches of the words, fused by their ranks.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::collection::{Collection, CollectionError, model_name, vector_of};
use crate::discover::location_of;
use crate::embed::{EmbedError, Embedder};

/// How many candidates each of the two searches gives.
const CANDIDATES: usize = 100;
/// The constant of reciprocal rank fusion (Cormack, Clarke, Büttcher, 2009): a result at rank r counts 1 / (60 + r).
const FUSION: f64 = 60.0;

/// A passage that answers the question, perhaps.
#[derive(Debug, Clone, Serialize)]
pub struct Hit {
    /// The file.
    pub path: String,
    /// The sum of the two reciprocal ranks; only good for comparing hits of one search.
    pub score: f64,
    /// The passage.
    pub text: String,
    /// First byte in the normalised text of the document.
    pub start: i64,
    /// One past the last byte.
    pub end: i64,
    /// The headings it stands under, joined by ` > `.
    pub heading: Option<String>,
    /// The page it begins on.
    pub page: Option<i64>,
}

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
    /// The collection.
    #[error("the collection `{collection}` is empty; fill it with `rag-ingest ingest PATH`")]
    EmptyCollection {
        /// Its name.
        collection: String,
    },
    /// The vectors were made by another model.
    #[error(
        "the collection `{collection}` was made with the model {models}, not with {wanted}; search with the same \
         --embedder, or ingest again with the other one"
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

/// The `limit` best passages for a question, the best first.
///
/// # Errors
/// [`SearchError`].
pub async fn search(
    collection: &Collection,
    name: &str,
    embedder: &Arc<dyn Embedder>,
    question: &str,
    limit: usize,
) -> Result<Vec<Hit>, SearchError> {
    if question.trim().is_empty() {
        return Err(SearchError::EmptyQuestion);
    }
    let models = collection.models(name).await?;
    if models.is_empty() {
        return Err(SearchError::EmptyCollection {
            collection: name.to_owned(),
        });
    }
    let wanted = model_name(embedder.id(), embedder.dimension());
    if !models.iter().any(|(model, _)| *model == wanted) {
        let models: Vec<_> = models.into_iter().map(|(model, _)| model).collect();
        return Err(SearchError::OtherModel {
            collection: name.to_owned(),
            models: models.join(", "),
            wanted,
        });
    }
    let near = nearest(collection, name, &wanted, embedder, question).await?;
    let limit_words = i64::try_from(CANDIDATES).unwrap_or(i64::MAX);
    let worded = collection
        .with_words(name, &words(question), limit_words)
        .await?;

    let mut hits = Vec::new();
    for (id, score) in fuse(&[near, worded]).into_iter().take(limit) {
        let Some(passage) = collection.passage(id).await? else {
            continue;
        };
        hits.push(Hit {
            path: location_of(&passage.root, &passage.path)
                .display()
                .to_string(),
            score,
            text: passage.text,
            start: passage.start,
            end: passage.end,
            heading: (!passage.heading.is_empty()).then(|| passage.heading.join(" > ")),
            page: passage.page,
        });
    }
    Ok(hits)
}

/// The chunks whose vectors point most nearly where the question's does.
async fn nearest(
    collection: &Collection,
    name: &str,
    model: &str,
    embedder: &Arc<dyn Embedder>,
    question: &str,
) -> Result<Vec<i64>, SearchError> {
    let wanted = embedder
        .embed(&[question])?
        .into_iter()
        .next()
        .unwrap_or_default();
    if wanted.iter().all(|number| *number == 0.0) {
        // No word of the question is known to the model.
        return Ok(Vec::new());
    }
    let vectors = collection.vectors(name, model).await?;
    let mut scored: Vec<(f32, i64)> = vectors
        .into_iter()
        .map(|(id, bytes)| {
            (
                vector_of(&bytes)
                    .iter()
                    .zip(&wanted)
                    .map(|(a, b)| a * b)
                    .sum::<f32>(),
                id,
            )
        })
        .collect();
    scored.sort_by(|(a, first), (b, second)| b.total_cmp(a).then(first.cmp(second)));
    Ok(scored
        .into_iter()
        .take(CANDIDATES)
        .map(|(_, id)| id)
        .collect())
}

/// The words of a question that can stand in a text.
fn words(question: &str) -> Vec<String> {
    let words = question.split(|character: char| !character.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Adds the reciprocal ranks up.
fn fuse(rankings: &[Vec<i64>]) -> Vec<(i64, f64)> {
    let mut scores: HashMap<i64, f64> = HashMap::new();
    for ranking in rankings {
        for (rank, id) in (1_u32..).zip(ranking) {
            *scores.entry(*id).or_default() += 1.0 / (FUSION + f64::from(rank));
        }
    }
    let mut fused: Vec<_> = scores.into_iter().collect();
    fused.sort_by(|(first, a), (second, b)| b.total_cmp(a).then(first.cmp(second)));
    fused
}

#[cfg(test)]
mod tests {
    use super::{fuse, words};

    #[test]
    fn what_both_searches_find_comes_first() {
        let fused = fuse(&[vec![1, 2, 3], vec![3, 4]]);
        assert_eq!(fused.first().map(|(id, _)| *id), Some(3));
        assert_eq!(fused.len(), 4);
    }

    #[test]
    fn equal_scores_keep_a_fixed_order() {
        let fused = fuse(&[vec![7], vec![5]]);
        assert_eq!(fused.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [5, 7]);
    }

    #[test]
    fn punctuation_and_quotes_of_a_question_are_no_syntax() {
        assert_eq!(
            words("What's \"NEAR\" (a OR b)?"),
            ["what", "s", "near", "a", "or", "b"]
        );
    }
}
