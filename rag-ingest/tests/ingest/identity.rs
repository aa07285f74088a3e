//! What is embedded again, and what is not.

use std::fs;

use durable_tests::scratch::Scratch;

use crate::embedder::{Model, run, texts};

/// A document of many chunks, one a section.
fn book(changed: Option<usize>) -> String {
    let section = |number: usize| {
        let word = if changed == Some(number) {
            "changed"
        } else {
            "plain"
        };
        format!("# Section {number}\n\nThis {word} section is about number {number}.\n\n")
    };
    (0..40).map(section).collect()
}

on_both_stores! {
    async fn editing_one_paragraph_embeds_one_chunk(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("book.md"), book(None)).unwrap();
        let model = Model::new("m");
        run(scratch.path(), &store, &model).await;
        let all = model.embedded();
        assert_eq!(all, 40);
        fs::write(scratch.file("book.md"), book(Some(20))).unwrap();

        let summary = run(scratch.path(), &store, &model).await;

        assert_eq!((summary.embedded, summary.reused, summary.chunks), (1, 39, 40));
        assert_eq!(model.embedded(), all + 1);
    }

    async fn another_model_embeds_everything_again_and_reads_nothing_again(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        let (first, second) = (Model::new("first"), Model::new("second"));
        run(scratch.path(), &store, &first).await;
        // Texts that are kept need no file: a mark in the kept text shows where the second run took it from.
        let read = store.value("SELECT COUNT(*) FROM rag_texts", &[]).await;

        let summary = run(scratch.path(), &store, &second).await;

        assert_eq!((summary.ingested, second.embedded()), (1, 1));
        assert_eq!(read, 1);
        assert_eq!(store.value("SELECT COUNT(*) FROM rag_texts", &[]).await, 1);
        let mixed = store.value(
            "SELECT COUNT(*) FROM rag_documents d JOIN rag_chunks c ON c.document_id = d.id
             JOIN rag_vectors v ON v.id = c.vector_id JOIN rag_models m ON m.id = v.model_id WHERE m.name <> d.model",
            &[],
        ).await;
        assert_eq!(mixed, 0);
        // Back again costs nothing, since nothing was pruned.
        let summary = run(scratch.path(), &store, &first).await;
        assert_eq!((summary.ingested, first.embedded()), (1, 1));
    }

    async fn a_touched_file_is_not_ingested_again(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        let model = Model::new("m");
        run(scratch.path(), &store, &model).await;
        fs::write(scratch.file("a.txt"), "one").unwrap();

        let summary = run(scratch.path(), &store, &model).await;

        assert_eq!((summary.ingested, summary.unchanged), (0, 1));
    }

    async fn checkpoints_hold_neither_texts_nor_vectors(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.md"), book(None)).unwrap();
        let model = Model::new("m");

        run(scratch.path(), &store, &model).await;

        let outputs = if store.is_postgres() { "dbos.operation_outputs" } else { "operation_outputs" };
        let sql = format!(
            "SELECT MAX(LENGTH(output)) FROM {outputs} WHERE function_name IN ('load', 'chunk', 'embed', 'save')"
        );
        let longest = store.value(&sql, &[]).await.as_i64().unwrap();
        assert!(longest < 200, "{longest} characters");
        assert_eq!(texts(&store).await.len(), 40);
    }

    async fn a_large_text_is_kept_once_and_compressed(store: Store) {
        let scratch = Scratch::new();
        let text = "incomprehensibilities ".repeat(20_000);
        fs::write(scratch.file("a.txt"), &text).unwrap();
        fs::write(scratch.file("b.txt"), &text).unwrap();
        let model = Model::new("m");

        run(scratch.path(), &store, &model).await;

        let kept = store.row("SELECT COUNT(*), MAX(LENGTH(content)) FROM rag_texts", &[]).await;
        assert_eq!(kept[0], 1);
        assert!(kept[1].as_i64().unwrap() < 50_000, "{kept}");
    }
}
