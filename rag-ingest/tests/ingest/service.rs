//! A model behind HTTP: what its service does wrong, and what becomes of the files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use durable_tests::embeddings::{DIMENSION, EmbeddingServer, Misdeed};
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use rag_ingest::discover::Rules;
use rag_ingest::embed::{BatchSize, RemoteOptions, Service};
use rag_ingest::loader::Limits;
use rag_ingest::pipeline::EmbedderChoice;
use rag_ingest::progress::Progress;
use rag_ingest::run::{IngestOptions, Summary, ingest};
use rag_ingest::workflow::MaxDelete;
use serde_json::json;

fn options(server: &EmbeddingServer) -> RemoteOptions {
    RemoteOptions {
        url: Some(server.openai()),
        dimensions: Some(DIMENSION),
        timeout: Duration::from_secs(2),
        ..RemoteOptions::new(Service::OpenAi, "m")
    }
}

async fn run(folder: &Path, store: &Store, options: RemoteOptions) -> Summary {
    ingest(IngestOptions {
        roots: vec![folder.to_owned()],
        db: store.url().to_owned(),
        collection: "default".to_owned(),
        embedder: EmbedderChoice::Remote(options),
        workers: 1,
        budget_micros: None,
        limits: Limits::default(),
        isolate: false,
        max_delete: MaxDelete::default(),
        rules: Rules::default(),
        progress: Progress::hidden(),
    })
    .await
    .unwrap()
}

/// A document of many chunks, one a section.
fn book(sections: usize, poisoned: Option<usize>) -> String {
    let section = |number: usize| {
        let word = if poisoned == Some(number) {
            "POISON"
        } else {
            "plain"
        };
        format!("# Section {number}\n\nThis {word} section is about number {number}.\n\n")
    };
    (0..sections).map(section).collect()
}

fn status(status: u16, headers: &[(&'static str, &str)]) -> Option<Misdeed> {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    Some(Misdeed::Status(
        status,
        headers,
        json!({"error": {"message": "not now"}}),
    ))
}

on_both_stores! {
    async fn trouble_that_passes_is_waited_for_as_long_as_the_service_asks_and_is_in_the_ledger(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one fish").unwrap();
        let server = EmbeddingServer::new();
        server.plan([Some(Misdeed::Cut), status(429, &[("retry-after", "1")]), status(503, &[("retry-after-ms", "20")])]);

        let summary = run(scratch.path(), &store, options(&server)).await;

        assert_eq!((summary.ingested, summary.failed.len()), (1, 0));
        let asked = server.asked();
        assert_eq!(asked.len(), 4);
        assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
        assert!(asked[2].at - asked[1].at >= Duration::from_secs(1));
        let spending = &summary.spending;
        assert_eq!((spending.requests, spending.retries, spending.embedded, spending.tokens), (4, 3, 1, 2));
        // The waits are checkpoints: a crash does not begin them anew.
        let id = store.value("SELECT workflow_id FROM rag_documents", &[]).await;
        let steps = store.step_names(id.as_str().unwrap()).await;
        assert_eq!(steps.iter().filter(|step| step.ends_with(" embed")).count(), 4, "{steps:?}");
        assert_eq!(steps.iter().filter(|step| step.ends_with(" DBOS.sleep")).count(), 3, "{steps:?}");
    }

    async fn a_service_that_hangs_is_given_up_and_asked_again(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one fish").unwrap();
        let server = EmbeddingServer::new();
        server.plan([Some(Misdeed::Silence(Duration::from_secs(30)))]);
        let impatient = RemoteOptions { timeout: Duration::from_millis(300), ..options(&server) };

        let summary = run(scratch.path(), &store, impatient).await;

        assert_eq!((summary.ingested, server.asked().len()), (1, 2));
    }

    async fn wrong_answers_are_never_stored(store: Store) {
        let scratch = Scratch::new();
        let server = EmbeddingServer::new();
        let misdeeds = [
            Misdeed::OneMissing, Misdeed::OneTooMany, Misdeed::Null, Misdeed::Infinite, Misdeed::Shorter,
            Misdeed::Body("{}".to_owned()),
        ];
        for (number, _) in misdeeds.iter().enumerate() {
            fs::write(scratch.file(&format!("{number}.txt")), format!("text {number}")).unwrap();
        }
        server.plan(misdeeds.into_iter().map(Some));

        let summary = run(scratch.path(), &store, options(&server)).await;

        assert_eq!((summary.ingested, summary.failed.len()), (0, 6));
        assert!(summary.failed.iter().all(|file| file.step.as_deref() == Some("embed")), "{:?}", summary.failed);
        assert_eq!(store.value("SELECT COUNT(*) FROM rag_vectors", &[]).await, 0);
        assert_eq!(run(scratch.path(), &store, options(&server)).await.ingested, 6);
    }

    async fn a_refused_text_is_found_and_fails_its_file_alone_and_the_others_are_paid_once(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.md"), book(3, None)).unwrap();
        fs::write(scratch.file("bad.md"), book(20, Some(13))).unwrap();
        fs::write(scratch.file("z.txt"), "another text").unwrap();
        let server = EmbeddingServer::new();
        server.refuse("POISON");

        let summary = run(scratch.path(), &store, options(&server)).await;

        assert_eq!((summary.ingested, summary.failed.len()), (2, 1));
        let error = summary.failed[0].error.clone().unwrap();
        assert!(error.contains("bad.md") && error.contains("This POISON section"), "{error}");
        assert!(error.contains("too long") && error.contains("status 400"), "{error}");
        let refused = server.asked().iter().filter(|asked| asked.tokens == 0).count();
        assert!(refused <= 6, "{refused} requests were refused");
        // What was accepted before is not paid again when the passage is mended.
        fs::write(scratch.file("bad.md"), book(20, None)).unwrap();
        let summary = run(scratch.path(), &store, options(&server)).await;
        assert_eq!((summary.ingested, summary.failed.len()), (1, 0));
        let paid = server.paid();
        assert!(paid.values().all(|times| *times == 1), "{paid:?}");
    }

    async fn a_batch_that_is_too_large_is_sent_in_halves(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.md"), book(9, None)).unwrap();
        let server = EmbeddingServer::new();
        server.plan([status(413, &[])]);

        let summary = run(scratch.path(), &store, options(&server)).await;

        assert_eq!((summary.ingested, summary.chunks, summary.embedded), (1, 9, 9));
        let sizes: Vec<_> = server.asked().iter().map(|asked| asked.texts.len()).collect();
        assert_eq!(sizes, [9, 4, 5]);
        assert_eq!(summary.spending.retries, 1);
    }

    async fn a_wrong_key_is_not_tried_twice_and_says_what_to_do(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.md"), book(3, None)).unwrap();
        let server = EmbeddingServer::new();
        server.plan([status(401, &[])]);

        let summary = run(scratch.path(), &store, options(&server)).await;

        assert_eq!((summary.failed.len(), server.asked().len()), (1, 1));
        let error = summary.failed[0].error.clone().unwrap();
        assert!(error.contains("RAG_EMBEDDER_KEY"), "{error}");
    }

    async fn a_service_that_wants_to_be_left_alone_for_a_day_is_not_waited_for(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        fs::write(scratch.file("b.txt"), "two").unwrap();
        let server = EmbeddingServer::new();
        server.plan([status(429, &[("retry-after", "86400")])]);

        let summary = run(scratch.path(), &store, options(&server)).await;

        assert_eq!((summary.failed.len(), summary.ingested), (1, 1));
    }

    async fn requests_are_as_large_as_they_may_be_and_no_text_is_sent_twice(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.md"), book(10, None)).unwrap();
        fs::write(scratch.file("b.md"), book(11, None)).unwrap();
        let server = EmbeddingServer::new();
        let small = RemoteOptions { batch: BatchSize { texts: 4, tokens: 1000 }, ..options(&server) };

        let summary = run(scratch.path(), &store, small).await;

        assert_eq!((summary.ingested, summary.embedded, summary.reused), (2, 11, 10));
        let sizes: Vec<_> = server.asked().iter().map(|asked| asked.texts.len()).collect();
        assert_eq!(sizes, [4, 4, 2, 1]);
        let row = store.row(
            "SELECT COUNT(*), CAST(SUM(embedded) AS BIGINT), CAST(SUM(reused) AS BIGINT), CAST(SUM(requests) AS BIGINT)
             FROM rag_costs", &[],
        ).await;
        assert_eq!(row, json!([6, 11, 10, 4]));
    }

    async fn another_length_or_model_is_another_collection_of_vectors(store: Store) {
        let scratch = Scratch::new();
        fs::write(scratch.file("a.txt"), "one").unwrap();
        let server = EmbeddingServer::new();
        run(scratch.path(), &store, options(&server)).await;
        let other = RemoteOptions { model: "other".to_owned(), ..options(&server) };
        let moved = RemoteOptions { url: Some(format!("{}/embeddings", server.openai())), ..options(&server) };
        let unknown = RemoteOptions { dimensions: None, ..options(&server) };

        let same = run(scratch.path(), &store, moved).await;
        let model = run(scratch.path(), &store, other).await;
        let length = run(scratch.path(), &store, unknown.clone()).await;
        let asked = server.asked().len();
        let again = run(scratch.path(), &store, unknown).await;

        assert_eq!((same.unchanged, model.ingested, length.ingested, again.unchanged), (1, 1, 1, 1));
        // How long the vectors are was asked once, and remembered.
        assert_eq!((asked, server.asked().len()), (4, 4));
        let mut names = store.rows("SELECT name FROM rag_models", &[]).await;
        names.sort_by_key(ToString::to_string);
        assert_eq!(names, [json!(["openai:m/16"]), json!(["openai:m@16/16"]), json!(["openai:other@16/16"])]);
    }
}
