//! How often a file is committed.

use std::fs;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use tokio::runtime::Handle;

use crate::embedder::{Model, run};

/// The steps of files that are recorded.
async fn recorded(store: &Store) -> Vec<String> {
    let table = if store.is_postgres() {
        "dbos.operation_outputs"
    } else {
        "operation_outputs"
    };
    let sql = format!(
        "SELECT function_name FROM {table} WHERE function_name IN ('load', 'chunk', 'embed', 'save') ORDER BY function_id"
    );
    let rows = store.rows(&sql, &[]).await;
    let name = |row: &serde_json::Value| row[0].as_str().unwrap().to_owned();
    rows.iter().map(name).collect()
}

/// The steps of files that are recorded while the model works on one.
async fn recorded_meanwhile(store: &Arc<Store>, is_quick: bool) -> Vec<String> {
    let scratch = Scratch::new();
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.txt"), "one text").unwrap();
    let model = Model::new("m");
    model.quick.store(is_quick, Ordering::SeqCst);
    let seen = Arc::new(Mutex::new(Vec::new()));
    *model.meanwhile.lock().unwrap() = {
        let (store, seen) = (Arc::clone(store), Arc::clone(&seen));
        Box::new(move || {
            let names = Handle::current().block_on(recorded(&store));
            seen.lock().unwrap().extend(names);
        })
    };
    assert_eq!(run(&folder, store, &model).await.ingested, 1);
    assert_eq!(recorded(store).await, ["load", "chunk", "embed", "save"]);
    seen.lock().unwrap().drain(..).collect()
}

on_both_stores! {
    async fn nothing_of_a_file_is_committed_before_its_document_where_the_model_is_quick(store: Store) {
        let store = Arc::new(store);
        assert_eq!(recorded_meanwhile(&store, true).await, [""; 0]);
    }

    async fn what_was_read_is_committed_before_a_model_that_takes_its_time(store: Store) {
        let store = Arc::new(store);
        assert_eq!(recorded_meanwhile(&store, false).await, ["load", "chunk"]);
    }
}
