//! Questions whose words stand in very many chunks.

use std::fs;
use std::sync::Arc;

use durable_tests::scratch::Scratch;
use rag_ingest::collection::Collection;
use rag_ingest::search::{Mode, Query, Searcher};

use crate::embedder::{Model, run};

/// Chunks like those of the second document, more than are ranked for a word.
const MANY: &str = "
    INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading, text, vector_id)
    WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i <= 20000)
    SELECT document_id, ordinal + i, start_byte, end_byte, tokens, heading, text, vector_id
    FROM rag_chunks, number WHERE text = 'a common word'";

on_both_stores! {
    async fn a_word_that_stands_nearly_everywhere_is_not_looked_for_beside_a_rare_one(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("rare.txt"), "a common word about zebras").unwrap();
        fs::write(folder.join("common.txt"), "a common word").unwrap();
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        assert_eq!(store.execute(MANY, &[]).await, 20_001);
        let searcher = Searcher::new(Collection::open(store.url()).await.unwrap(), Arc::clone(&model) as _);
        let ask = async |question: &str| {
            let query = Query { mode: Mode::Keyword, limit: 5, ..Query::new(question) };
            let hits = searcher.search("default", &query).await.unwrap();
            hits.into_iter().map(|hit| hit.text).collect::<Vec<_>>()
        };

        assert_eq!(ask("common zebras").await, ["a common word about zebras"]);
        assert_eq!(ask("common").await.len(), 5, "where nothing else is asked for, the common word is");
    }
}
