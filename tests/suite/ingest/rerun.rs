//! Runs after the first one, and search.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use durable_tests::corpus;
use durable_tests::rag::{Ingestion, summary};
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;

fn documents(scratch: &Scratch) -> std::path::PathBuf {
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("bread.md"),
        "# Bread\n\n## Baking\n\nBake the loaf for forty minutes in a hot oven.\n",
    )
    .unwrap();
    fs::write(
        folder.join("ships.txt"),
        "A brig is a sailing vessel with two square-rigged masts.\n",
    )
    .unwrap();
    folder
}

on_both_stores! {
    async fn a_second_run_on_unchanged_files_does_nothing_and_says_so(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let (code, first) = ingestion.run();
        assert_eq!((code, &first["discovered"], &first["ingested"]), (0, &2.into(), &2.into()), "{first}");
        let before = ingestion.collection().await;
        let steps = ingestion.begun().len();

        let (code, second) = ingestion.run();

        assert_eq!((code, &second["ingested"], &second["unchanged"]), (0, &0.into(), &2.into()), "{second}");
        assert_eq!(ingestion.collection().await, before);
        let begun: Vec<_> = ingestion.begun().split_off(steps).into_iter().map(|(_, _, step)| step).collect();
        assert_eq!(begun, ["open", "discover", "sweep", "index"]);
        let said = Command::new(&ingestion.program)
            .arg("ingest").arg(&folder).args(["--db", store.url()]).output().unwrap();
        assert!(String::from_utf8_lossy(&said.stdout).contains("all 2 files are unchanged"), "{said:?}");
    }

    async fn a_changed_file_replaces_its_old_version_and_nothing_else(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        ingestion.run();
        fs::write(folder.join("ships.txt"), "A sloop has one mast.\n").unwrap();

        let (code, summary) = ingestion.run();

        assert_eq!((code, &summary["ingested"], &summary["unchanged"]), (0, &1.into(), &1.into()), "{summary}");
        let texts: Vec<_> = ingestion.collection().await.iter().map(|row| row[7].as_str().unwrap().to_owned()).collect();
        assert!(texts.iter().any(|text| text.contains("sloop")), "{texts:?}");
        assert!(!texts.iter().any(|text| text.contains("brig")), "{texts:?}");
    }

    async fn a_file_that_goes_back_to_an_older_version_is_ingested_again(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let original = fs::read(folder.join("ships.txt")).unwrap();
        ingestion.run();
        fs::write(folder.join("ships.txt"), "A sloop has one mast.\n").unwrap();
        ingestion.run();
        fs::write(folder.join("ships.txt"), original).unwrap();

        let (_, summary) = ingestion.run();

        assert_eq!(summary["ingested"], 1, "{summary}");
        let texts: Vec<_> = ingestion.collection().await.iter().map(|row| row[7].as_str().unwrap().to_owned()).collect();
        assert!(texts.iter().any(|text| text.contains("brig")), "{texts:?}");
    }

    async fn two_files_with_the_same_bytes_are_both_found(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        fs::copy(folder.join("ships.txt"), folder.join("copy.txt")).unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (_, summary) = ingestion.run();

        assert_eq!(summary["ingested"], 3, "{summary}");
        let hits = ingestion.search("square-rigged masts");
        let found = |name: &str| hits.iter().any(|hit| hit["path"].as_str().unwrap().ends_with(name));
        assert!(found("copy.txt") && found("ships.txt"), "{hits:?}");
    }

    async fn search_finds_the_passage_with_its_place(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        ingestion.run();

        let hits = ingestion.search("how long must a loaf stay in the oven?");

        let best = &hits[0];
        assert!(best["path"].as_str().unwrap().ends_with("bread.md"), "{best}");
        assert_eq!(best["heading"], "Bread > Baking");
        assert_eq!(best["page"], serde_json::Value::Null);
        let text = fs::read_to_string(folder.join("bread.md")).unwrap();
        let place = |key: &str| usize::try_from(best[key].as_u64().unwrap()).unwrap();
        assert_eq!(&text[place("start")..place("end")], best["text"].as_str().unwrap());
    }

    async fn an_interrupted_run_says_how_to_go_on_and_the_next_one_does(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        corpus::copy(&folder, 60);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let child = ingestion.command().stderr(Stdio::piped()).spawn().unwrap();
        while !ingestion.begun().iter().any(|(_, _, step)| step == "save") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }

        let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();

        assert!(signalled.success());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("the same command goes on where this one stopped"), "{said}");
        let (code, summary) = ingestion.run();
        assert!(matches!(code, 0 | 2), "{summary}");
        assert_eq!(summary["discovered"], 60, "{summary}");
        let documents = store.rows("SELECT COUNT(*) FROM rag_documents WHERE status = 'saved'", &[]).await;
        let failed = summary["failed"].as_array().unwrap().len();
        assert_eq!(documents[0][0], 60 - failed, "{summary}");
    }

    async fn two_programs_at_once_on_a_new_database_end_with_one_collection(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        corpus::copy(&folder, 60);
        let first = Ingestion::new(&folder, &store, scratch.file("first"));
        let second = Ingestion::new(&folder, &store, scratch.file("second"));
        let piped = |ingestion: &Ingestion<'_>| {
            ingestion.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };

        let (started_first, started_second) = (piped(&first), piped(&second));
        let (code, of_first) = summary(&started_first.wait_with_output().unwrap());
        let (other_code, of_second) = summary(&started_second.wait_with_output().unwrap());

        // A file is told of by the program whose run has it: perhaps all of them by one.
        for (code, summary) in [(code, &of_first), (other_code, &of_second)] {
            let failed = summary["failed"].as_array().unwrap().len();
            assert_eq!(code, if failed > 0 { 2 } else { 0 }, "{summary}");
        }
        let alone = Store::sqlite();
        let undisturbed = Ingestion::new(&folder, &alone, scratch.file("alone"));
        let (_, of_alone) = undisturbed.run();
        let failed = of_alone["failed"].as_array().unwrap().len();
        let places = |rows: Vec<serde_json::Value>| -> Vec<_> {
            rows.into_iter().map(|row| (row[0].clone(), row[1].clone(), row[3].clone())).collect()
        };
        assert_eq!(places(first.collection().await), places(undisturbed.collection().await));
        let documents = store.rows("SELECT COUNT(*) FROM rag_documents WHERE status = 'saved'", &[]).await;
        assert_eq!(documents[0][0], 60 - failed);
    }

    async fn a_misspelt_option_is_not_taken_for_failed_files(store: Store) {
        let output = Command::new(durable_tests::program::path("rag-ingest"))
            .args(["ingest", "docs", "--db", store.url(), "--jsno"])
            .output()
            .unwrap();

        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("--json"), "{said}");
    }

    async fn a_search_before_anything_was_ingested_says_how_to_begin(store: Store) {
        let output = Command::new(durable_tests::program::path("rag-ingest"))
            .args(["search", "anything", "--db", store.url()])
            .output()
            .unwrap();

        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("rag-ingest ingest PATH"), "{said}");
    }

    async fn a_folder_that_does_not_exist_stops_the_run_before_it_begins(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("nowhere");
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let output = ingestion.command().output().unwrap();

        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("nowhere") && said.contains("check the path"), "{said}");
    }
}
