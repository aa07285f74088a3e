//! The pipeline without workflows, which durability is measured against, does the same work.

use std::fs;
use std::sync::Arc;

use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use rag_ingest::collection::Collection;
use rag_ingest::discover::Rules;
use rag_ingest::embed::Embedder;
use rag_ingest::loader::Limits;
use rag_ingest::pipeline::Pipeline;
use rag_ingest::workflow::{MaxDelete, RunReport, RunRequest, ingest_plainly};
use serde_json::Value as Json;

use crate::embedder::{Model, run};

async fn run_plainly(folder: &std::path::Path, store: &Store, model: &Arc<Model>) -> RunReport {
    let collection = Collection::open(store.url()).await.unwrap();
    let embedder: Arc<dyn Embedder> = Arc::clone(model) as _;
    let pipeline = Pipeline::open(collection.clone(), embedder, Limits::default())
        .await
        .unwrap();
    let request = RunRequest {
        collection: "default".to_owned(),
        roots: vec![fs::canonicalize(folder).unwrap().display().to_string()],
        fingerprint: pipeline.fingerprint.clone(),
        max_delete: MaxDelete::default(),
        rules: Rules::default(),
    };
    let report = ingest_plainly(&pipeline, "plain", &request, 2)
        .await
        .unwrap();
    collection.close().await;
    report
}

/// All that is found, without the numbers of rows.
async fn found(store: &Store) -> Vec<Json> {
    let vector = if store.is_postgres() {
        "encode(v.vector, 'hex')"
    } else {
        "lower(hex(v.vector))"
    };
    let sql = format!(
        "SELECT d.path, d.status, d.content_hash, d.fingerprint, c.ordinal, c.start_byte, c.end_char, c.file_end, c.text, {vector}
         FROM rag_documents d LEFT JOIN rag_chunks c ON c.document_id = d.id LEFT JOIN rag_vectors v ON v.id = c.vector_id
         ORDER BY d.path, c.ordinal"
    );
    // The collection is in the usual schema, not in that of the workflows.
    if store.is_postgres() {
        store.execute("CREATE SCHEMA IF NOT EXISTS dbos", &[]).await;
    }
    store.rows(&sql, &[]).await
}

on_both_stores! {
    async fn a_run_without_workflows_leaves_the_same_collection(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.md"), "# One\n\ntext\n\n# Two\n\nmore text").unwrap();
        fs::write(folder.join("b.txt"), "another").unwrap();
        fs::write(folder.join("empty.txt"), "").unwrap();
        fs::write(folder.join("broken.pdf"), "%PDF-1.4 and nothing else").unwrap();
        let model = Model::new("m");
        let other = if store.is_postgres() { Store::postgres().await } else { Store::sqlite() };

        let durable = run(&folder, &store, &model).await;
        let plain = run_plainly(&folder, &other, &model).await;

        assert_eq!((durable.ingested, durable.chunks), (2, 3));
        assert_eq!((plain.ingested, plain.failed, plain.chunks), (2, 2, 3), "{plain:?}");
        assert_eq!(found(&other).await, found(&store).await);
        // And again: nothing has changed, and what failed for good is left alone.
        let again = run_plainly(&folder, &other, &model).await;
        assert_eq!((again.unchanged, again.ingested), (2, 0), "{again:?}");
        fs::remove_file(folder.join("b.txt")).unwrap();
        assert_eq!(run_plainly(&folder, &other, &model).await.vanished, 1);
    }
}
