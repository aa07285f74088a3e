//! Hybrid search: the nearest vectors and the best matches of the words, fused by their ranks.

mod failure;
mod filter;
mod hit;
mod matrix;
mod question;
mod request;
mod rerank;
mod snippet;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use self::failure::SearchError;
pub use self::filter::Filter;
pub use self::hit::{Hit, Ranks};
pub(crate) use self::matrix::Matrix;
use self::question::Question;
pub use self::request::Request;
pub use self::rerank::Reranker;
pub use self::snippet::Snippet;
use crate::collection::{Allowed, Collection, model_name};
use crate::embed::{EmbedError, Embedder};

/// How many candidates each of the two searches gives, if no more hits are asked for.
const CANDIDATES: usize = 100;
/// The constant of reciprocal rank fusion (Cormack, Clarke, Büttcher, 2009): a result at rank r counts 1 / (5 + r). They
/// have 60, for many rankings a thousand deep; with that, of two rankings, what stands in the middle of both comes before
/// what one of them has first.
const FUSION: f64 = 5.0;
/// The most hits of one search.
pub const MOST: usize = 1000;

/// What a search goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The meaning, as the model has it: the nearest vectors.
    Vector,
    /// The words, and forms of them.
    Keyword,
    /// Both, fused by their ranks.
    #[default]
    Hybrid,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is asked. Its first 8 KiB are read by the model, and its first 64 words looked for.
    pub question: String,
    /// What it goes by.
    pub mode: Mode,
    /// Which chunks may be found.
    pub filter: Filter,
    /// How many at most; from 1 to [`MOST`].
    pub limit: usize,
}

impl Query {
    /// A hybrid search for the five best hits.
    pub fn new(question: impl Into<String>) -> Self {
        Self {
            question: question.into(),
            mode: Mode::default(),
            filter: Filter::default(),
            limit: 5,
        }
    }
}

/// Searches the collections of a database with one model.
///
/// Where the database does not compare vectors itself, a searcher keeps those of the collections that it has searched
/// in memory (a kibibyte for each chunk of the built-in model), and reads them again when they have changed.
pub struct Searcher {
    collection: Collection,
    embedder: Arc<dyn Embedder>,
    model: String,
    reranker: Option<Arc<dyn Reranker>>,
    kept: Mutex<HashMap<String, Kept>>,
}

/// The vectors of a collection, as they were at some time.
#[derive(Clone)]
struct Kept {
    generation: (i64, i64),
    matrix: Arc<Matrix>,
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Searcher")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Searcher {
    /// A searcher that has read nothing yet.
    pub fn new(collection: Collection, embedder: Arc<dyn Embedder>) -> Self {
        let model = model_name(embedder.id(), embedder.dimension());
        Self {
            collection,
            embedder,
            model,
            reranker: None,
            kept: Mutex::default(),
        }
    }

    /// Lets the best hits of every search be judged again. They come in the order of these judgements then.
    #[must_use]
    pub fn reranked_by(self, reranker: Arc<dyn Reranker>) -> Self {
        Self {
            reranker: Some(reranker),
            ..self
        }
    }

    /// The tables that it searches.
    pub fn collection(&self) -> &Collection {
        &self.collection
    }

    /// The model that it searches with.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The best passages of a collection for a question, the best first. The same question on the same collection gives
    /// the same hits in the same order, except that an HNSW index may leave out a near vector.
    ///
    /// # Errors
    /// [`SearchError`].
    pub async fn search(&self, name: &str, query: &Query) -> Result<Vec<Hit>, SearchError> {
        let question = Question::of(&query.question).ok_or(SearchError::EmptyQuestion)?;
        if query.limit == 0 || query.limit > MOST {
            let limit = query.limit;
            return Err(SearchError::Limit { limit });
        }
        self.check(name, query.mode).await?;
        let allowed = query.filter.allowed(&self.collection, name).await?;
        let candidates = query.limit.max(CANDIDATES);
        let near = async {
            match query.mode {
                Mode::Keyword => Ok(Vec::new()),
                _ => {
                    self.nearest(name, &question.text, &allowed, candidates)
                        .await
                }
            }
        };
        let worded = async {
            let limit = i64::try_from(candidates).unwrap_or(i64::MAX);
            match query.mode {
                Mode::Vector => Ok(Vec::new()),
                _ => {
                    let words = &question.words;
                    let found = self.collection.with_words(name, words, &allowed, limit);
                    Ok(found.await?)
                }
            }
        };
        let (near, worded): (_, Result<_, SearchError>) = tokio::join!(near, worded);
        let fused = fuse((&near?, self.embedder.weight()), &worded?);
        let read = match &self.reranker {
            Some(_) => query.limit.max(rerank::LOOKED_AT),
            None => query.limit,
        };
        let best = fused.get(..read).unwrap_or(&fused);
        let mut hits = hit::read(&self.collection, best, &question.words).await?;
        if let Some(reranker) = &self.reranker {
            hits = rerank::rerank(reranker, &question.text, hits).await?;
            hits.truncate(query.limit);
        }
        Ok(hits)
    }

    /// Sees to it that there is something to find.
    async fn check(&self, name: &str, mode: Mode) -> Result<(), SearchError> {
        let wanted = (mode != Mode::Keyword).then_some(self.model.as_str());
        if self.collection.is_made_with(name, wanted).await? {
            return Ok(());
        }
        let collection = name.to_owned();
        let models = self.collection.models(name).await?;
        if models.is_empty() {
            return Err(SearchError::EmptyCollection { collection });
        }
        let models: Vec<_> = models.into_iter().map(|(model, _)| model).collect();
        Err(SearchError::OtherModel {
            collection,
            models: models.join(", "),
            wanted: self.model.clone(),
        })
    }

    /// The chunks whose vectors point most nearly where the question's does.
    async fn nearest(
        &self,
        name: &str,
        question: &str,
        allowed: &Allowed,
        limit: usize,
    ) -> Result<Vec<i64>, SearchError> {
        let wanted = self.embed(question).await?;
        if wanted.iter().all(|number| *number == 0.0) {
            // No word of the question is known to the model.
            return Ok(Vec::new());
        }
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self
            .collection
            .nearest_of_postgres(name, &self.model, &wanted, allowed, most)
            .await?;
        if let Some(found) = found {
            return Ok(found);
        }
        let matrix = self.matrix(name).await?;
        let allowed = allowed.clone();
        Ok(aside(move || matrix.nearest(&wanted, &allowed, limit)).await)
    }

    async fn embed(&self, question: &str) -> Result<Vec<f32>, EmbedError> {
        let embedder = Arc::clone(&self.embedder);
        let question = question.to_owned();
        let vectors = aside(move || embedder.embed(&[&question])).await?;
        Ok(vectors.into_iter().next().unwrap_or_default())
    }

    /// The vectors of a collection as they are now.
    async fn matrix(&self, name: &str) -> Result<Arc<Matrix>, SearchError> {
        // Who else asks meanwhile waits for these instead of reading them once more.
        let mut kept = self.kept.lock().await;
        let generation = self.collection.generation(name).await?;
        if let Some(known) = kept.get(name)
            && known.generation == generation
        {
            return Ok(Arc::clone(&known.matrix));
        }
        // The old ones need not lie beside the new ones.
        kept.remove(name);
        let mut matrix = Matrix::new(self.embedder.dimension());
        self.collection
            .each_vector(name, &self.model, |row| matrix.push(row))
            .await?;
        let matrix = Arc::new(matrix);
        let known = Kept {
            generation,
            matrix: Arc::clone(&matrix),
        };
        kept.insert(name.to_owned(), known);
        Ok(matrix)
    }
}

/// Computes something without keeping others from their work.
async fn aside<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(compute).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}

/// A chunk with its place in each ranking, and the sum of the reciprocal ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fused {
    chunk: i64,
    score: f64,
    ranks: Ranks,
}

/// Which of the rankings is meant.
type Place = fn(&mut Ranks) -> &mut Option<u32>;

/// Adds the reciprocal ranks up; those of the vectors count as much as their model is worth.
fn fuse((near, weight): (&[i64], f64), worded: &[i64]) -> Vec<Fused> {
    let mut scores: HashMap<i64, Fused> = HashMap::new();
    let mut count = |chunk: i64, rank: u32, weight: f64, place: Place| {
        let fused = scores.entry(chunk).or_insert(Fused {
            chunk,
            score: 0.0,
            ranks: Ranks::default(),
        });
        fused.score += weight / (FUSION + f64::from(rank));
        *place(&mut fused.ranks) = Some(rank);
    };
    for (rank, chunk) in (1..).zip(near) {
        count(*chunk, rank, weight, |ranks| &mut ranks.vector);
    }
    for (rank, chunk) in (1..).zip(worded) {
        count(*chunk, rank, 1.0, |ranks| &mut ranks.keyword);
    }
    let mut fused: Vec<_> = scores.into_values().collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
    fused
}

#[cfg(test)]
mod tests {
    use super::fuse;

    #[test]
    fn what_both_searches_find_comes_first() {
        let fused = fuse((&[1, 2, 3], 1.0), &[3, 4]);
        let first = fused.first().unwrap();
        assert_eq!(first.chunk, 3);
        assert_eq!(
            (first.ranks.vector, first.ranks.keyword),
            (Some(3), Some(1))
        );
        assert_eq!(fused.len(), 4);
    }

    #[test]
    fn what_one_has_first_comes_before_what_both_have_far_behind() {
        let (near, worded) = (Vec::from_iter(1..=40), Vec::from_iter(41..=80));
        let mut both = (near.clone(), worded.clone());
        both.0.push(99);
        both.1.push(99);
        let fused = fuse((&both.0, 1.0), &both.1);
        let chunks: Vec<_> = fused.iter().take(2).map(|fused| fused.chunk).collect();
        assert_eq!(chunks, [1, 41]);
        // A ranking that is worth less comes second.
        let fused = fuse((&near, 0.7), &worded);
        assert_eq!(fused.first().map(|fused| fused.chunk), Some(41));
    }

    #[test]
    fn equal_scores_keep_a_fixed_order() {
        let fused = fuse((&[7], 1.0), &[5]);
        let chunks: Vec<_> = fused.iter().map(|fused| fused.chunk).collect();
        assert_eq!(chunks, [5, 7]);
    }
}
