//! A second look at the best hits, by something that reads question and passage together.

use std::sync::Arc;

use super::hit::Hit;
use super::{SearchError, aside};
use crate::embed::EmbedError;

/// How many hits are looked at again, if no more are asked for.
pub(super) const LOOKED_AT: usize = 50;

/// Judges how well passages answer a question: a cross-encoder, say, or a service. None comes with this program.
///
/// ```
/// use rag_ingest::embed::EmbedError;
/// use rag_ingest::search::Reranker;
///
/// /// Prefers short passages.
/// struct Short;
///
/// impl Reranker for Short {
///     fn scores(&self, _question: &str, passages: &[&str]) -> Result<Vec<f64>, EmbedError> {
///         Ok(passages.iter().map(|passage| 1.0 / passage.len() as f64).collect())
///     }
/// }
/// ```
pub trait Reranker: Send + Sync {
    /// A score for each passage, in their order; the greater, the better. May block.
    ///
    /// # Errors
    /// The model cannot answer; the search fails then.
    fn scores(&self, question: &str, passages: &[&str]) -> Result<Vec<f64>, EmbedError>;
}

/// Puts hits in the order of their scores; equal ones keep theirs.
pub(super) async fn rerank(
    reranker: &Arc<dyn Reranker>,
    question: &str,
    hits: Vec<Hit>,
) -> Result<Vec<Hit>, SearchError> {
    let reranker = Arc::clone(reranker);
    let question = question.to_owned();
    aside(move || {
        let passages: Vec<&str> = hits.iter().map(|hit| hit.text.as_str()).collect();
        let scores = reranker.scores(&question, &passages)?;
        if scores.len() != hits.len() || scores.iter().any(|score| score.is_nan()) {
            return Err(SearchError::Reranked {
                passages: hits.len(),
                scores: scores.len(),
            });
        }
        let mut scored: Vec<(f64, Hit)> = scores.into_iter().zip(hits).collect();
        scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let rescored = |(score, hit)| Hit {
            reranked: Some(score),
            ..hit
        };
        Ok(scored.into_iter().map(rescored).collect())
    })
    .await
}
