//! How well questions are answered, on the documents of the packages that this workspace is built from.
//! `cargo run -p rag-ingest --example retrieval` prints the figures.

use durable_tests::questions::{self, Score};
use durable_tests::scratch::Scratch;
use rag_ingest::chunk::{ChunkOptions, chunk};
use rag_ingest::collection::Collection;
use rag_ingest::discover::Rules;
use rag_ingest::loader::{Limits, load};
use rag_ingest::pipeline::EmbedderChoice;
use rag_ingest::progress::Progress;
use rag_ingest::run::{IngestOptions, ingest};
use rag_ingest::search::{Mode, Query, Searcher};
use rag_ingest::tokenizer::Tokenizer;
use rag_ingest::workflow::MaxDelete;

/// A collection of all documents, made with the built-in model.
async fn library(scratch: &Scratch) -> Searcher {
    let folder = scratch.file("documents");
    questions::copy_documents(&folder);
    let db = scratch.sqlite_url();
    let embedder = EmbedderChoice::Builtin;
    ingest(IngestOptions {
        budget_micros: None,
        roots: vec![folder],
        db: db.clone(),
        collection: "default".to_owned(),
        embedder: embedder.clone(),
        workers: 2,
        limits: Limits::default(),
        isolate: false,
        max_delete: MaxDelete::default(),
        rules: Rules::default(),
        progress: Progress::hidden(),
    })
    .await
    .unwrap();
    let collection = Collection::open(&db).await.unwrap();
    Searcher::new(collection, embedder.open().unwrap())
}

async fn score(searcher: &Searcher, mode: Mode) -> Score {
    let mut ranks = Vec::new();
    for question in questions::all() {
        let query = Query {
            mode,
            limit: 10,
            ..Query::new(question.question)
        };
        let hits = searcher.search("default", &query).await.unwrap();
        let answer = hits
            .iter()
            .position(|hit| question.is_answered_by(&hit.path, &hit.text));
        ranks.push(answer.map(|index| index + 1));
    }
    Score::of(&ranks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_rankings_together_have_answers_higher_up_than_each_alone() {
    let scratch = Scratch::new();
    let searcher = library(&scratch).await;

    let vector = score(&searcher, Mode::Vector).await;
    let keyword = score(&searcher, Mode::Keyword).await;
    let hybrid = score(&searcher, Mode::Hybrid).await;

    let all = format!("vector: {vector}; keyword: {keyword}; hybrid: {hybrid}");
    assert!(hybrid.questions >= 100, "{all}");
    assert!(hybrid.mrr >= vector.mrr.max(keyword.mrr), "{all}");
    assert!(hybrid.first >= vector.first.max(keyword.first), "{all}");
    assert!(
        hybrid.in_five >= vector.in_five.max(keyword.in_five),
        "{all}"
    );
    assert!(hybrid.mrr > 0.4, "{all}");
}

#[test]
fn every_answer_stands_in_a_chunk_of_its_document() {
    let scratch = Scratch::new();
    let folder = scratch.file("documents");
    questions::copy_documents(&folder);
    let mut missing = Vec::new();
    for question in questions::all() {
        let path = folder.join(question.document);
        let (loaded, _) = load(&path, &Limits::default()).unwrap();
        let document = loaded.document;
        let chunks = chunk(&document, &ChunkOptions::default(), Tokenizer::builtin());
        let is_there = chunks
            .iter()
            .any(|chunk| question.is_answered_by(path.to_str().unwrap(), chunk.text(&document)));
        if !is_there {
            missing.push(format!("{}: {}", question.document, question.answer));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
