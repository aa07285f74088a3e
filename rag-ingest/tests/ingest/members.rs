//! Files in files: documents of their own, which follow the file they lie in.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use rag_ingest::collection::Collection;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::embedder::{Model, run, run_retry, texts};

fn archive(folder: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    let place = folder.join(name);
    fs::write(&place, writer.finish().unwrap().into_inner()).unwrap();
    place
}

fn folder(scratch: &Scratch) -> PathBuf {
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    folder
}

async fn problems(store: &Store) -> Vec<String> {
    let collection = Collection::open(store.url()).await.unwrap();
    let verdicts = collection.verify("default").await.unwrap();
    collection.close().await;
    verdicts.problems
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    pairs.iter().map(pair).collect()
}

on_both_stores! {
    async fn a_renamed_archive_takes_its_members_with_it_and_embeds_nothing(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch);
        fs::write(folder.join("other.txt"), "other").unwrap();
        let place = archive(&folder, "a.zip", &[("one.txt", "first"), ("in/two.txt", "second")]);
        let model = Model::new("m");
        let first = run(&folder, &store, &model).await;
        assert_eq!((first.discovered, first.ingested, first.chunks), (2, 2, 3));
        let paid = model.embedded();
        fs::rename(&place, folder.join("longer name.zip")).unwrap();

        let second = run(&folder, &store, &model).await;

        assert_eq!((second.renamed, second.ingested, second.vanished), (1, 0, 0));
        let expected = [("longer name.zip!/in/two.txt", "second"), ("longer name.zip!/one.txt", "first"), ("other.txt", "other")];
        assert_eq!(texts(&store).await, pairs(&expected));
        assert_eq!(model.embedded(), paid);
        assert_eq!(problems(&store).await, Vec::<String>::new());
    }

    async fn members_go_with_their_archive_and_are_not_counted_among_the_files_that_are_gone(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch);
        fs::write(folder.join("other.txt"), "other").unwrap();
        let names: Vec<String> = (0..30).map(|number| format!("{number}.txt")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
        let place = archive(&folder, "a.zip", &files);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        fs::remove_file(place).unwrap();

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.vanished, summary.kept), (1, 0));
        assert_eq!(texts(&store).await, pairs(&[("other.txt", "other")]));
        assert_eq!(store.value("SELECT COUNT(*) FROM rag_documents", &[]).await, 2);
        assert_eq!(problems(&store).await, Vec::<String>::new());
    }

    async fn a_member_that_was_lost_is_brought_back_by_the_next_run(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch);
        archive(&folder, "a.zip", &[("one.txt", "first"), ("two.txt", "second")]);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        let before = texts(&store).await;
        for loss in [
            "DELETE FROM rag_documents WHERE path = 'a.zip!/one.txt'",
            "DELETE FROM rag_chunks WHERE text = 'second'",
        ] {
            store.execute(loss, &[]).await;
            assert_eq!(problems(&store).await.len(), 1, "{loss}");

            assert_eq!(run(&folder, &store, &model).await.ingested, 1, "{loss}");

            assert_eq!(texts(&store).await, before);
            assert_eq!(problems(&store).await, Vec::<String>::new());
        }
        assert_eq!(model.embedded(), 2);
        assert_eq!(run(&folder, &store, &model).await.unchanged, 1);
    }

    async fn a_member_that_cannot_be_read_is_told_by_every_run_and_leaves_the_others_alone(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch);
        archive(&folder, "a.zip", &[("bad.pdf", "%PDF-1.7 nothing"), ("good.txt", "good")]);
        let model = Model::new("m");
        let first = run(&folder, &store, &model).await;

        let second = run(&folder, &store, &model).await;

        assert_eq!((first.ingested, second.ingested, second.unchanged), (1, 0, 1));
        for summary in [first, second] {
            let failed: Vec<_> = summary.failed.iter().map(|file| (file.path.rsplit('/').next().unwrap(), file.status.as_str())).collect();
            assert_eq!(failed, [("bad.pdf", "failed")]);
        }
        assert_eq!(texts(&store).await, pairs(&[("a.zip!/good.txt", "good")]));
        assert_eq!(problems(&store).await, Vec::<String>::new());
        // Only who asks for all has the archive read again.
        assert_eq!(run_retry(&store, &model, true, false).await.discovered, 0);
        let all = run_retry(&store, &model, true, true).await;
        assert_eq!((all.discovered, all.ingested, all.failed.len()), (1, 1, 1));
        assert_eq!(model.embedded(), 1);
    }

    async fn an_archive_that_breaks_keeps_the_members_of_its_last_good_version(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch);
        let place = archive(&folder, "a.zip", &[("one.txt", "first")]);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        let good = fs::read(&place).unwrap();
        fs::write(&place, &good[..good.len() / 2]).unwrap();

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.ingested, summary.failed.len()), (0, 1));
        assert_eq!(texts(&store).await, pairs(&[("a.zip!/one.txt", "first")]));
        fs::write(&place, good).unwrap();
        let summary = run(&folder, &store, &model).await;
        assert_eq!((summary.unchanged, summary.failed.len()), (1, 0));
    }

    async fn a_folder_named_like_the_inside_of_an_archive_is_no_part_of_it(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch);
        archive(&folder, "a.zip", &[("one.txt", "packed")]);
        fs::create_dir(folder.join("a.zip!")).unwrap();
        fs::write(folder.join("a.zip!/one.txt"), "on the disk").unwrap();
        let model = Model::new("m");

        let first = run(&folder, &store, &model).await;
        let second = run(&folder, &store, &model).await;

        assert_eq!((first.ingested, second.unchanged), (2, 2));
        let mut found: Vec<_> = texts(&store).await.into_iter().map(|(_, text)| text).collect();
        found.sort();
        assert_eq!(found, ["on the disk", "packed"]);
    }

    async fn members_that_version_1_saved_belong_to_their_archive_again(store: Store) {
        let sql = if store.is_postgres() {
            include_str!("../../src/collection/migrations/1.postgres.sql")
        } else {
            include_str!("../../src/collection/migrations/1.sqlite.sql")
        };
        store.execute(sql, &[]).await;
        let scratch = Scratch::new();
        let folder = folder(&scratch);
        archive(&folder, "a.zip", &[("one.txt", "first")]);
        let root = folder.canonicalize().unwrap().display().to_string();
        for path in ["a.zip", "a.zip!/gone.txt"] {
            store.execute(
                "INSERT INTO rag_documents (collection, root, path, content_hash, fingerprint, model, kind, encoding, pages,
                    chunks, warnings, run_id, size, mtime_ms)
                 VALUES ('default', $1, $2, 'h', 'f', 'm', 'text', 'UTF-8', 0, 0, '[]', 'run', 1, 1)",
                &[&root, path],
            ).await;
        }
        let model = Model::new("m");

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.discovered, summary.ingested, summary.vanished), (1, 1, 0));
        assert_eq!(texts(&store).await, pairs(&[("a.zip!/one.txt", "first")]));
        let paths = store.rows("SELECT path FROM rag_documents ORDER BY path", &[]).await;
        assert_eq!(paths, [json!(["a.zip"]), json!(["a.zip!/one.txt"])]);
    }
}
