//! Trouble that passes, and trouble that does not.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use durable_tests::scratch::Scratch;
use rag_ingest::embed::EmbedError;

use crate::embedder::{Model, run, run_retry, texts};

fn unavailable(retry_after_ms: u64) -> EmbedError {
    EmbedError::Unavailable {
        model: "m".to_owned(),
        why: "too many requests".to_owned(),
        retry_after_ms: Some(retry_after_ms),
    }
}

on_both_stores! {
    async fn a_service_that_asks_for_time_is_given_it_and_asked_again(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        let model = Model::new("m");
        *model.refusal.lock().unwrap() = unavailable(300);
        model.refusals.store(2, Ordering::SeqCst);
        let begun = Instant::now();

        let summary = run(scratch.path(), &store, &model).await;

        assert_eq!((summary.ingested, summary.failed.len()), (1, 0));
        assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
        assert_eq!(model.embedded(), 1);
    }

    async fn a_permanent_error_is_not_tried_twice_in_a_run(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        let model = Model::new("m");
        model.refusals.store(2, Ordering::SeqCst);

        let summary = run(scratch.path(), &store, &model).await;

        assert_eq!(summary.failed.len(), 1);
        assert_eq!(model.refusals.load(Ordering::SeqCst), 1);
    }

    async fn a_retry_waits_for_its_time_and_goes_on_at_the_failed_step(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        let model = Model::new("m");
        model.refusals.store(1, Ordering::SeqCst);
        run(scratch.path(), &store, &model).await;

        let early = run_retry(&store, &model, false, false).await;
        let now = run_retry(&store, &model, true, false).await;

        assert_eq!((early.discovered, early.failed.len()), (0, 1));
        assert_eq!((now.discovered, now.ingested, now.failed.len()), (1, 1, 0));
        assert_eq!(texts(&store).await, [("a.txt".to_owned(), "one".to_owned())]);
        let id = store.value("SELECT workflow_id FROM rag_documents", &[]).await;
        let table = if store.is_postgres() { "dbos.workflow_status" } else { "workflow_status" };
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE workflow_uuid = $1 AND forked_from IS NOT NULL");
        assert_eq!(store.value(&sql, &[id.as_str().unwrap()]).await, 1);
    }

    async fn a_file_that_keeps_failing_is_left_alone_until_all_are_asked_for(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        let model = Model::new("m");
        model.refusals.store(5, Ordering::SeqCst);
        for _ in 0..5 {
            run(scratch.path(), &store, &model).await;
        }
        assert_eq!(model.refusals.load(Ordering::SeqCst), 0);

        let left_alone = run(scratch.path(), &store, &model).await;
        let retried = run_retry(&store, &model, true, false).await;
        let all = run_retry(&store, &model, false, true).await;

        assert_eq!((left_alone.ingested, left_alone.failed.len()), (0, 1));
        assert_eq!((retried.discovered, retried.failed.len()), (0, 1));
        assert_eq!((all.ingested, all.failed.len()), (1, 0));
    }

    async fn what_only_other_bytes_can_mend_is_not_read_again(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "").unwrap();
        let model = Model::new("m");
        run(scratch.path(), &store, &model).await;

        let again = run(scratch.path(), &store, &model).await;
        fs::write(scratch.file("a.txt"), "now there is text").unwrap();
        let mended = run(scratch.path(), &store, &model).await;

        assert_eq!((again.failed.len(), again.failed[0].failures), (1, 1));
        assert_eq!((mended.ingested, mended.failed.len()), (1, 0));
    }
}
