//! Hits that something judges again.

use std::fs;
use std::sync::Arc;

use durable_tests::scratch::Scratch;
use rag_ingest::collection::Collection;
use rag_ingest::embed::EmbedError;
use rag_ingest::search::{Query, Reranker, SearchError, Searcher};

use crate::embedder::{Model, run};

/// Scores by the number of a passage: the highest first.
struct Backwards;

impl Reranker for Backwards {
    fn scores(&self, question: &str, passages: &[&str]) -> Result<Vec<f64>, EmbedError> {
        assert_eq!(question, "passage");
        let number = |passage: &&str| passage.split_whitespace().nth(1).unwrap().parse().unwrap();
        Ok(passages.iter().map(number).collect())
    }
}

/// Forgets one.
struct Forgetful;

impl Reranker for Forgetful {
    fn scores(&self, _question: &str, passages: &[&str]) -> Result<Vec<f64>, EmbedError> {
        Ok(vec![1.0; passages.len() - 1])
    }
}

on_both_stores! {
    async fn a_reranker_judges_more_hits_than_are_asked_for_and_its_order_stands(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        for number in 0..9 {
            fs::write(folder.join(format!("{number}.txt")), format!("passage {number} of nine")).unwrap();
        }
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        let searcher = || async {
            Searcher::new(Collection::open(store.url()).await.unwrap(), Arc::clone(&model) as _)
        };
        let query = Query { limit: 3, ..Query::new("passage") };

        let plain = searcher().await.search("default", &query).await.unwrap();
        let reranked = searcher().await.reranked_by(Arc::new(Backwards)).search("default", &query).await.unwrap();
        let refused = searcher().await.reranked_by(Arc::new(Forgetful)).search("default", &query).await;

        assert!(plain.iter().all(|hit| hit.reranked.is_none()));
        let texts: Vec<_> = reranked.iter().map(|hit| (hit.text.as_str(), hit.reranked)).collect();
        assert_eq!(texts, [("passage 8 of nine", Some(8.0)), ("passage 7 of nine", Some(7.0)), ("passage 6 of nine", Some(6.0))]);
        assert!(matches!(refused, Err(SearchError::Reranked { passages: 9, scores: 8 })), "{refused:?}");
    }
}
