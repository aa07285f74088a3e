//! The chunks of a document as they stand in the database.

use std::fs;
use std::sync::Arc;

use durable_tests::scratch::Scratch;
use rag_ingest::collection::Collection;
use rag_ingest::embed::Embedder;
use rag_ingest::search::{Mode, Query, Searcher};

use crate::embedder::{Model, run, texts};

const PARAGRAPHS: usize = 400;

/// A paragraph that nearly fills a chunk, with characters that mean something in JSON or take several bytes.
fn paragraph(number: usize) -> String {
    let words: Vec<_> = (0..16)
        .map(|word| format!("w{}", number * 7919 + word * word))
        .collect();
    format!(
        "Nr. {number}: \"quoted\" \\ {{ }} [ ] \u{e9}\u{4e2d} \u{1f980} $1 'x' {}.",
        words.join(" ")
    )
}

on_both_stores! {
    async fn a_document_of_very_many_chunks_is_saved_as_it_was_cut(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        let paragraphs: Vec<_> = (0..PARAGRAPHS).map(paragraph).collect();
        fs::write(folder.join("a.txt"), paragraphs.join("\n\n")).unwrap();
        let model = Model::new("m");

        let summary = run(&folder, &store, &model).await;

        let saved: Vec<String> = texts(&store).await.into_iter().map(|(_, text)| text).collect();
        assert_eq!(summary.chunks, saved.len());
        assert!(saved.len() > 300, "{} chunks are too few to be in several statements", saved.len());
        let whole = saved.join("\n\n");
        for paragraph in &paragraphs {
            assert!(whole.contains(paragraph.as_str()), "`{paragraph}` is missing or changed");
        }
        let ordinals = store.rows("SELECT ordinal FROM rag_chunks ORDER BY ordinal", &[]).await;
        let ordinals: Vec<_> = ordinals.iter().map(|row| row[0].as_u64().unwrap()).collect();
        assert!(ordinals.into_iter().eq(0..saved.len() as u64));

        // Each has the vector of its own text.
        let collection = Collection::open(store.url()).await.unwrap();
        let embedder: Arc<dyn Embedder> = model;
        let searcher = Searcher::new(collection.clone(), embedder);
        for place in [0, 127, 128, 255, 256, saved.len() - 1] {
            let query = Query { mode: Mode::Vector, ..Query::new(saved[place].clone()) };
            let hits = searcher.search("default", &query).await.unwrap();
            assert_eq!(hits[0].text, saved[place], "of the chunk at {place}");
        }
        collection.close().await;
    }
}
