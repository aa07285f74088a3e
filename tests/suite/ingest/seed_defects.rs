//! The seven ways in which the pipeline that this one replaces loses or corrupts data, D1 to D7: none of them happens
//! to the program, be it one process or three that share the files.
//!
//! The same inside the test's process, with a model that the test controls: `rag-ingest/tests/ingest/seed.rs`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use serde_json::Value as Json;

use super::fleet::Fleet;

/// How many processes work on the files: the one that ingests, and workers beside it.
const PROCESSES: [usize; 2] = [1, 3];

/// A folder, an empty database, and workers on it.
struct World<'t> {
    folder: PathBuf,
    ingestion: Ingestion<'t>,
    workers: Fleet<'t>,
}

impl<'t> World<'t> {
    fn new(scratch: &'t Scratch, folder: &'t Path, store: &'t Store, processes: usize) -> Self {
        fs::create_dir(folder).unwrap();
        let ingestion = Ingestion::new(folder, store, scratch.file(&format!("log-{processes}")));
        let mut workers = Fleet::new(&ingestion, scratch, &[]);
        for _ in 1..processes {
            workers.start(&ingestion);
        }
        Self {
            folder: folder.to_owned(),
            ingestion,
            workers,
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    fn run(&self) -> Json {
        self.ingestion.run().1
    }

    /// The texts that can be found, by path.
    async fn texts(&self) -> Vec<(String, String)> {
        let rows = self.ingestion.collection().await;
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        rows.iter()
            .filter(|row| row[7].is_string())
            .map(|row| (text(&row[0]), text(&row[7])))
            .collect()
    }

    fn end(mut self) {
        self.ingestion.verify();
        self.workers.stop();
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    pairs.iter().map(pair).collect()
}

/// Runs a test with one process and with three, each on a database of its own.
macro_rules! with_one_and_three_processes {
    ($store:ident, |$world:ident| $body:block) => {
        for processes in PROCESSES {
            let scratch = Scratch::new();
            let folder = scratch.file("documents");
            let own = if $store.is_postgres() { Store::postgres().await } else { Store::sqlite() };
            let $world = World::new(&scratch, &folder, &own, processes);
            $body
            $world.end();
        }
    };
}

on_both_stores! {
    async fn d1_two_files_with_the_same_bytes_are_both_found_and_embedded_once(store: Store) {
        with_one_and_three_processes!(store, |world| {
            world.write("a.txt", "the same");
            world.write("b.txt", "the same");

            let summary = world.run();

            assert_eq!(summary["ingested"], 2, "{summary}");
            assert_eq!(world.texts().await, pairs(&[("a.txt", "the same"), ("b.txt", "the same")]));
            let vectors = world.ingestion.store.value("SELECT COUNT(*) FROM rag_vectors", &[]).await;
            assert_eq!(vectors, 1);
            world.write("c.txt", "the same");
            assert_eq!(world.run()["embedded"], 0);
        });
    }

    async fn d2_a_file_that_goes_back_to_its_first_version_is_found_with_that(store: Store) {
        with_one_and_three_processes!(store, |world| {
            for version in ["version one", "version two", "version one"] {
                world.write("a.txt", version);
                let summary = world.run();
                assert_eq!(summary["ingested"], 1, "{summary}");
                assert_eq!(world.texts().await, pairs(&[("a.txt", version)]));
            }
        });
    }

    async fn d3_a_collection_that_was_emptied_is_filled_again_although_its_workflows_are_there(store: Store) {
        with_one_and_three_processes!(store, |world| {
            world.write("a.txt", "one");
            world.write("b.txt", "two");
            world.run();
            let before = world.texts().await;
            let (code, _) = world.ingestion.command_of(&["reset", "--yes"]);
            assert_eq!((code, world.texts().await.len()), (0, 0));

            let reset = world.run();

            assert_eq!((&reset["ingested"], &reset["unchanged"]), (&2.into(), &0.into()), "{reset}");
            assert_eq!(world.texts().await, before);
            // The same when somebody empties the tables by hand.
            world.ingestion.store.execute("DELETE FROM rag_chunks; DELETE FROM rag_documents", &[]).await;
            assert_eq!(world.run()["ingested"], 2);
            assert_eq!(world.texts().await, before);
        });
    }

    async fn d4_a_file_that_fails_does_not_end_the_run_and_is_told(store: Store) {
        with_one_and_three_processes!(store, |world| {
            world.write("a.txt", "one");
            world.write("broken.pdf", "%PDF-1.4 and nothing else");
            world.write("empty.txt", "");
            world.write("z.txt", "two");

            let (code, summary) = world.ingestion.run();

            assert_eq!(code, 2, "{summary}");
            assert_eq!((&summary["discovered"], &summary["ingested"]), (&4.into(), &2.into()), "{summary}");
            let told: Vec<_> = summary["failed"].as_array().unwrap().iter()
                .map(|file| (file["path"].as_str().unwrap().rsplit('/').next().unwrap(), file["status"].as_str().unwrap()))
                .collect();
            assert_eq!(told.len(), 2, "{summary}");
            assert!(told.contains(&("empty.txt", "empty")), "{summary}");
            let run = summary["run_id"].as_str().unwrap();
            assert_eq!(world.ingestion.store.status(run, "status").await, "SUCCESS");
            assert_eq!(world.texts().await, pairs(&[("a.txt", "one"), ("z.txt", "two")]));
        });
    }

    async fn d5_a_failed_file_is_tried_again_when_its_cause_is_mended_and_its_bytes_are_the_same(store: Store) {
        for processes in PROCESSES {
            let scratch = Scratch::new();
            let folder = scratch.file("documents");
            let own = if store.is_postgres() { Store::postgres().await } else { Store::sqlite() };
            // Two MiB in an archive, of which only one may be unpacked at first.
            let mut world = World::new(&scratch, &folder, &own, 1);
            let mut archive = zip::ZipWriter::new(fs::File::create(folder.join("a.zip")).unwrap());
            archive.start_file("notes.txt", zip::write::SimpleFileOptions::default()).unwrap();
            for number in 0..40_000 {
                writeln!(archive, "line {} says the same as all the others do", number % 7).unwrap();
            }
            archive.finish().unwrap();
            let small = ["--max-unpacked-size", "1"];
            world.workers = Fleet::new(&world.ingestion, &scratch, &small);
            for _ in 1..processes {
                world.workers.start(&world.ingestion);
            }
            let output = world.ingestion.command().args(small).output().unwrap();
            let (code, failed) = durable_tests::rag::summary(&output);
            assert_eq!((code, &failed["failed"][0]["status"]), (2, &"failed".into()), "{failed}");
            world.workers.stop();
            world.workers = Fleet::new(&world.ingestion, &scratch, &[]);
            for _ in 1..processes {
                world.workers.start(&world.ingestion);
            }

            let (code, retried) = world.ingestion.command_of(&["retry", "--now"]);

            assert_eq!((code, &retried["ingested"]), (0, &1.into()), "{retried}");
            assert!(world.texts().await.iter().all(|(path, _)| path == "a.zip!/notes.txt"));
            assert!(!world.texts().await.is_empty());
            let again = world.run();
            assert_eq!((&again["unchanged"], &again["ingested"]), (&1.into(), &0.into()), "{again}");
            world.end();
        }
    }

    async fn d6_a_file_that_is_gone_is_not_found_any_more(store: Store) {
        with_one_and_three_processes!(store, |world| {
            for (name, text) in [("a.txt", "one"), ("b.txt", "two"), ("c.txt", "three")] {
                world.write(name, text);
            }
            world.run();
            fs::remove_file(world.folder.join("c.txt")).unwrap();

            let summary = world.run();

            assert_eq!((&summary["vanished"], &summary["unchanged"]), (&1.into(), &2.into()), "{summary}");
            assert_eq!(world.texts().await, pairs(&[("a.txt", "one"), ("b.txt", "two")]));
        });
    }

    async fn d7_a_file_that_is_edited_while_it_is_worked_on_is_superseded_and_its_new_version_taken(store: Store) {
        with_one_and_three_processes!(store, |world| {
            // So many batches that the edit comes long before the last one.
            let long: String = (0..60_000).map(|number| format!("Sentence number {number} of this book.\n")).collect();
            world.write("a.txt", &long);
            let child = world.ingestion.command().stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
            let embeds = |log: &Ingestion<'_>| log.begun().iter().any(|(_, _, step)| step == "embed");
            let logs: Vec<_> = world.workers.workers.iter().map(|worker| &worker.log).chain([&world.ingestion]).collect();
            while !logs.iter().any(|log| embeds(log)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            world.write("a.txt", "the new version");
            let (code, summary) = durable_tests::rag::summary(&child.wait_with_output().unwrap());

            assert_eq!((code, &summary["failed"][0]["status"]), (2, &"superseded".into()), "{summary}");
            assert_eq!(world.texts().await, pairs(&[]));
            let next = world.run();
            assert_eq!(next["ingested"], 1, "{next}");
            assert_eq!(world.texts().await, pairs(&[("a.txt", "the new version")]));
        });
    }

    async fn d7_a_file_that_is_deleted_while_it_is_worked_on_is_not_saved(store: Store) {
        with_one_and_three_processes!(store, |world| {
            let long: String = (0..60_000).map(|number| format!("Sentence number {number} of this book.\n")).collect();
            world.write("a.txt", &long);
            world.write("b.txt", "stays");
            let child = world.ingestion.command().stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
            let embeds = |log: &Ingestion<'_>| log.begun().iter().any(|(_, position, step)| step == "embed" && *position > 4);
            let logs: Vec<_> = world.workers.workers.iter().map(|worker| &worker.log).chain([&world.ingestion]).collect();
            while !logs.iter().any(|log| embeds(log)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            fs::remove_file(world.folder.join("a.txt")).unwrap();
            let (_, summary) = durable_tests::rag::summary(&child.wait_with_output().unwrap());

            assert_eq!(summary["failed"][0]["status"], "vanished", "{summary}");
            assert_eq!(world.texts().await, pairs(&[("b.txt", "stays")]));
        });
    }
}
