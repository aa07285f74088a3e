//! Folders that change: names, files that are gone, roots that move or lie in each other.

use std::fs;
use std::path::PathBuf;

use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;

use crate::embedder::{Model, run, texts};

fn folder(scratch: &Scratch, files: usize) -> PathBuf {
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    for number in 0..files {
        fs::write(
            folder.join(format!("{number:02}.txt")),
            format!("text {number}"),
        )
        .unwrap();
    }
    folder
}

on_both_stores! {
    async fn a_renamed_file_is_found_under_its_new_name_and_embedded_by_nobody(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, 3);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        let id = store.value("SELECT id FROM rag_documents WHERE path = '01.txt'", &[]).await;
        fs::create_dir(folder.join("below")).unwrap();
        fs::rename(folder.join("01.txt"), folder.join("below/new.txt")).unwrap();

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.renamed, summary.ingested, summary.vanished, summary.unchanged), (1, 0, 0, 2));
        assert_eq!(model.embedded(), 3);
        assert_eq!(store.value("SELECT id FROM rag_documents WHERE path = 'below/new.txt'", &[]).await, id);
        assert_eq!(texts(&store).await.len(), 3);
        assert_eq!(run(&folder, &store, &model).await.unchanged, 3);
    }

    async fn a_folder_that_moves_takes_its_documents_along(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, 3);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        fs::create_dir(scratch.file("elsewhere")).unwrap();
        let moved = scratch.file("elsewhere/documents");
        fs::rename(&folder, &moved).unwrap();

        let summary = run(&moved, &store, &model).await;

        assert_eq!((summary.unchanged, summary.ingested, summary.renamed), (3, 0, 0));
        let sources = store.rows("SELECT location FROM rag_sources", &[]).await;
        assert_eq!(sources, [serde_json::json!([fs::canonicalize(&moved).unwrap().to_str().unwrap()])]);
    }

    async fn a_folder_above_and_a_folder_below_know_the_same_documents(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, 2);
        let model = Model::new("m");
        fs::create_dir(folder.join("below")).unwrap();
        fs::write(folder.join("below/x.txt"), "text x").unwrap();
        run(&folder.join("below"), &store, &model).await;

        let above = run(&folder, &store, &model).await;
        let below = run(&folder.join("below"), &store, &model).await;
        let file = run(&folder.join("00.txt"), &store, &model).await;

        assert_eq!((above.ingested, above.unchanged), (2, 1));
        assert_eq!((below.discovered, below.unchanged, below.vanished), (1, 1, 0));
        assert_eq!((file.discovered, file.unchanged, file.vanished), (1, 1, 0));
        assert_eq!(store.value("SELECT COUNT(*) FROM rag_documents", &[]).await, 3);
    }

    async fn files_of_one_name_in_two_folders_are_two_documents(store: Store) {
        let scratch = Scratch::new();
        let (one, two) = (scratch.file("one/docs"), scratch.file("two/docs"));
        for (folder, text) in [(&one, "first"), (&two, "second")] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("a.txt"), text).unwrap();
        }
        let model = Model::new("m");

        run(&one, &store, &model).await;
        run(&two, &store, &model).await;

        let found: Vec<_> = texts(&store).await.into_iter().map(|(_, text)| text).collect();
        assert!(found.contains(&"first".to_owned()) && found.contains(&"second".to_owned()), "{found:?}");
    }

    async fn too_many_files_that_are_gone_are_not_believed(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, 30);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        ingestion.run();
        for number in 0..12 {
            fs::remove_file(folder.join(format!("{number:02}.txt"))).unwrap();
        }

        let (_, usual) = ingestion.run();
        let forced = ingestion.command().args(["--max-delete", "50%"]).output().unwrap();
        let (_, forced) = durable_tests::rag::summary(&forced);

        assert_eq!((&usual["kept"], &usual["vanished"]), (&12.into(), &0.into()), "{usual}");
        assert_eq!((&forced["kept"], &forced["vanished"]), (&0.into(), &12.into()), "{forced}");
        ingestion.verify();
    }

    async fn an_empty_folder_where_documents_were_looks_like_a_disk_that_is_not_mounted(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, 2);
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        fs::remove_file(folder.join("00.txt")).unwrap();
        fs::remove_file(folder.join("01.txt")).unwrap();

        let summary = run(&folder, &store, &model).await;

        assert_eq!((summary.kept, summary.vanished), (2, 0));
        assert_eq!(texts(&store).await.len(), 2);
    }

    async fn more_files_than_fit_a_page_are_all_ingested_and_all_unchanged_afterwards(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, 0);
        for number in 0..1203 {
            fs::write(folder.join(format!("{number:04}.txt")), format!("text {}", number % 10)).unwrap();
        }
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (_, first) = ingestion.run();
        let steps = ingestion.begun().len();
        let (_, second) = ingestion.run();

        assert_eq!((&first["ingested"], &first["chunks"]), (&1203.into(), &1203.into()), "{first}");
        assert_eq!((&second["unchanged"], &second["ingested"]), (&1203.into(), &0.into()), "{second}");
        let begun: Vec<_> = ingestion.begun().split_off(steps).into_iter().map(|(_, _, step)| step).collect();
        assert_eq!(begun, ["open", "discover", "discover", "discover", "sweep", "index"]);
        assert_eq!(store.value("SELECT COUNT(*) FROM rag_vectors", &[]).await, 10);
    }
}
