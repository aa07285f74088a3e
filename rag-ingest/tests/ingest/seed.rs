//! The seven ways in which the pipeline that this one replaces loses or corrupts data, D1 to D7: none of them happens.

use std::fs;

use durable_tests::scratch::Scratch;

use crate::embedder::{Model, run, run_retry, texts};

fn folder(scratch: &Scratch, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    folder
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    pairs.iter().map(pair).collect()
}

on_both_stores! {
    async fn d1_two_files_with_the_same_bytes_are_both_kept_and_embedded_once(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "the same"), ("b.txt", "the same")]);
        let model = Model::new("m");

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.ingested, summary.failed.len()), (2, 0));
        assert_eq!(texts(&store).await, pairs(&[("a.txt", "the same"), ("b.txt", "the same")]));
        let vectors = store.value("SELECT COUNT(*) FROM rag_vectors", &[]).await;
        assert_eq!(vectors, 1);
        // Two workers may meet at the first of the two; after that nobody pays again.
        let paid = model.embedded();
        fs::write(folder.join("c.txt"), "the same").unwrap();
        run(&folder, &store, &model).await;
        assert_eq!(model.embedded(), paid);
    }

    async fn d2_a_file_that_goes_back_to_its_first_version_is_found_with_that(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "version one")]);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        fs::write(folder.join("a.txt"), "version two").unwrap();
        run(&folder, &store, &model).await;
        fs::write(folder.join("a.txt"), "version one").unwrap();

        let summary = run(&folder, &store, &model).await;

        assert_eq!(summary.ingested, 1);
        assert_eq!(texts(&store).await, pairs(&[("a.txt", "version one")]));
    }

    async fn d3_documents_that_were_wiped_are_ingested_again_although_their_workflows_are_there(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "one"), ("b.txt", "two")]);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        let before = texts(&store).await;
        store.execute("DELETE FROM rag_chunks; DELETE FROM rag_documents", &[]).await;

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.ingested, summary.unchanged), (2, 0));
        assert_eq!(texts(&store).await, before);
        // Without their documents, chunks alone are missed as well.
        store.execute("DELETE FROM rag_chunks", &[]).await;
        assert_eq!(run(&folder, &store, &model).await.ingested, 2);
        assert_eq!(texts(&store).await, before);
    }

    async fn d4_a_file_that_fails_does_not_end_the_run(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "one"), ("empty.txt", ""), ("z.txt", "two")]);
        fs::write(folder.join("broken.pdf"), b"%PDF-1.4 and nothing else").unwrap();
        let model = Model::new("m");

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.discovered, summary.ingested, summary.failed.len()), (4, 2, 2));
        assert_eq!(store.status(&summary.run_id, "status").await, "SUCCESS");
        let empty = summary.failed.iter().find(|file| file.path.ends_with("empty.txt")).unwrap();
        assert_eq!((empty.status.as_str(), empty.step.as_deref()), ("empty", Some("load")));
        let broken = summary.failed.iter().find(|file| file.path.ends_with("broken.pdf")).unwrap();
        assert!(broken.error.as_ref().unwrap().contains("broken.pdf"), "{broken:?}");
        assert_eq!(texts(&store).await, pairs(&[("a.txt", "one"), ("z.txt", "two")]));
    }

    async fn d5_a_failed_file_is_tried_again_when_its_cause_is_mended_and_its_content_is_the_same(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "one")]);
        let model = Model::new("m");
        model.refusals.store(1, std::sync::atomic::Ordering::SeqCst);
        let first = run(&folder, &store, &model).await;
        assert_eq!((first.ingested, first.failed.len()), (0, 1));
        assert!(first.failed[0].error.as_ref().unwrap().contains("the key is wrong"), "{:?}", first.failed);

        let second = run(&folder, &store, &model).await;

        assert_eq!((second.ingested, second.failed.len()), (1, 0));
        assert_eq!(texts(&store).await, pairs(&[("a.txt", "one")]));
        // The same by the command that is made for it.
        fs::write(folder.join("b.txt"), "two").unwrap();
        model.refusals.store(1, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(run(&folder, &store, &model).await.failed.len(), 1);
        let retried = run_retry(&store, &model, true, false).await;
        assert_eq!((retried.ingested, retried.failed.len()), (1, 0));
        assert_eq!(texts(&store).await, pairs(&[("a.txt", "one"), ("b.txt", "two")]));
    }

    async fn d6_a_file_that_is_gone_is_not_found_any_more(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "one"), ("b.txt", "two"), ("c.txt", "three")]);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        fs::remove_file(folder.join("c.txt")).unwrap();

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.vanished, summary.unchanged), (1, 2));
        assert_eq!(texts(&store).await, pairs(&[("a.txt", "one"), ("b.txt", "two")]));
        let status = store.value("SELECT status FROM rag_documents WHERE path = 'c.txt'", &[]).await;
        assert_eq!(status, "vanished");
    }

    async fn d7_a_file_that_is_edited_while_it_is_worked_on_is_superseded_and_taken_by_the_next_run(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "before")]);
        let model = Model::new("m");
        let place = folder.join("a.txt");
        *model.meanwhile.lock().unwrap() = Box::new(move || fs::write(&place, "after it").unwrap());

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.ingested, summary.failed.len()), (0, 1));
        assert_eq!(summary.failed[0].status, "superseded");
        assert_eq!(texts(&store).await, pairs(&[]));
        *model.meanwhile.lock().unwrap() = Box::new(|| {});
        assert_eq!(run(&folder, &store, &model).await.ingested, 1);
        assert_eq!(texts(&store).await, pairs(&[("a.txt", "after it")]));
    }

    async fn d7_a_file_that_is_deleted_while_it_is_worked_on_is_not_saved(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "before"), ("b.txt", "")]);
        let model = Model::new("m");
        let place = folder.join("a.txt");
        *model.meanwhile.lock().unwrap() = Box::new(move || fs::remove_file(&place).unwrap());

        let summary = run(&folder, &store, &model).await;

        assert_eq!(summary.ingested, 0);
        let vanished = summary.failed.iter().find(|file| file.path.ends_with("a.txt")).unwrap();
        assert_eq!(vanished.status, "vanished");
        assert_eq!(texts(&store).await, pairs(&[]));
    }
}
