//! The commands around a run: what is told meanwhile, settings, watching a folder, which files are meant.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use durable_tests::rag::{Ingestion, summary};
use durable_tests::scratch::Scratch;
use serde_json::{Value as Json, json};

fn folder(scratch: &Scratch, files: &[(&str, &str)]) -> PathBuf {
    let folder = scratch.file("documents");
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn names(rows: &[Json]) -> Vec<String> {
    rows.iter()
        .map(|row| row[0].as_str().unwrap().to_owned())
        .collect()
}

/// The settings as `config show` tells them, with the given options.
fn shown(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<Json> {
    let output = Command::new(durable_tests::program::path("rag-ingest"))
        .args(["config", "show", "--json"])
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn setting<'s>(settings: &'s [Json], name: &str) -> &'s Json {
    settings
        .iter()
        .find(|setting| setting["name"] == name)
        .unwrap()
}

on_both_stores! {
    async fn a_folder_that_is_watched_stays_in_step_until_the_program_is_asked_to_end(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "one"), ("b.txt", "two")]);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let mut child = ingestion.command().args(["--watch", "--progress", "off"])
            .stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines()
            .map(|line| serde_json::from_str::<Json>(&line.unwrap()).unwrap());
        assert_eq!(told.next().unwrap()["ingested"], 2);

        fs::write(folder.join("c.md"), "three").unwrap();
        assert_eq!(told.next().unwrap()["ingested"], 1);
        fs::rename(folder.join("c.md"), folder.join("d.md")).unwrap();
        assert_eq!(told.next().unwrap()["renamed"], 1);
        fs::remove_file(folder.join("a.txt")).unwrap();
        assert_eq!(told.next().unwrap()["vanished"], 1);
        fs::create_dir(folder.join("new")).unwrap();
        fs::write(folder.join("new/e.txt"), "four").unwrap();
        assert_eq!(told.next().unwrap()["ingested"], 1);

        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert_eq!(told.next(), None);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(names(&ingestion.collection().await), ["b.txt", "d.md", "new/e.txt"]);
        ingestion.verify();
    }

    async fn a_lost_event_is_made_good_by_the_next_listing(store: Store) {
        let scratch = Scratch::new();
        // Nothing tells of changes below a link, so only a listing finds them.
        let folder = folder(&scratch, &[("a.txt", "one")]);
        let elsewhere = scratch.file("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("x.txt"), "below the link").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.join("link")).unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let mut child = ingestion.command()
            .args(["--watch", "--every", "1", "--links", "follow", "--progress", "off"])
            .stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines()
            .map(|line| serde_json::from_str::<Json>(&line.unwrap()).unwrap());
        assert_eq!(told.next().unwrap()["ingested"], 2);

        fs::write(elsewhere.join("y.txt"), "also below the link").unwrap();
        assert_eq!(told.next().unwrap()["ingested"], 1);

        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }

    async fn globs_choose_files_and_take_nothing_out(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.md", "one"), ("b.txt", "two"), ("drafts/c.md", "three"), ("notes/d.txt", "four")]);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let output = ingestion.command().args(["--include", "*.md", "--include", "/notes/", "--exclude", "drafts/"]).output().unwrap();
        let (_, chosen) = summary(&output);
        assert_eq!(names(&ingestion.collection().await), ["a.md", "notes/d.txt"], "{chosen}");
        let (_, all) = ingestion.run();
        assert_eq!((&all["ingested"], &all["unchanged"]), (&2.into(), &2.into()), "{all}");
        // What is not meant now is as it was.
        let output = ingestion.command().args(["--include", "*.md"]).output().unwrap();
        let (_, again) = summary(&output);
        assert_eq!((&again["discovered"], &again["vanished"]), (&2.into(), &0.into()), "{again}");
        assert_eq!(ingestion.collection().await.len(), 4);
    }

    async fn progress_is_told_file_by_file_for_people_and_for_programs(store: Store) {
        let scratch = Scratch::new();
        let folder = folder(&scratch, &[("a.txt", "one"), ("empty.txt", "")]);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let output = ingestion.command().output().unwrap();

        let lines: Vec<Json> = String::from_utf8_lossy(&output.stderr).lines()
            .filter_map(|line| serde_json::from_str(line).ok()).collect();
        let file = |name: &str| lines.iter()
            .find(|line| line["event"] == "file" && line["path"].as_str().unwrap().ends_with(name)).unwrap();
        assert_eq!((&file("a.txt")["status"], &file("a.txt")["chunks"]), (&"saved".into(), &1.into()), "{lines:?}");
        assert_eq!(file("empty.txt")["status"], "empty", "{lines:?}");
        let last = lines.iter().rfind(|line| line["event"] == "progress").unwrap();
        assert_eq!((&last["done"], &last["queued"], &last["chunks"]), (&2.into(), &0.into(), &1.into()), "{last}");
        let (_, said) = summary(&output);
        assert_eq!(said["stages"]["save"]["succeeded"], 1, "{said}");
        assert_eq!(said["stages"]["load"]["failed"], 1, "{said}");

        fs::write(folder.join("b.txt"), "two").unwrap();
        let plain = Command::new(&ingestion.program).arg("ingest").arg(&folder)
            .args(["--db", store.url()]).output().unwrap();
        let told = String::from_utf8_lossy(&plain.stderr);
        assert!(told.lines().any(|line| line.starts_with("saved ") && line.contains("b.txt (1 chunks, ")), "{told}");
        let said = String::from_utf8_lossy(&plain.stdout);
        assert!(said.contains("Time by stage"), "{said}");
    }

    async fn the_profile_compat_cuts_as_the_original_and_is_another_pipeline(store: Store) {
        let scratch = Scratch::new();
        let text = format!("# Title\r\n\r\n\r\n{}\n\n{}", "word ".repeat(150), "other ".repeat(150));
        let folder = folder(&scratch, &[("a.md", &text)]);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let compat = || summary(&ingestion.command().args(["--profile", "compat"]).output().unwrap()).1;

        assert_eq!(compat()["ingested"], 1);
        let texts: Vec<_> = ingestion.collection().await.iter().map(|row| row[7].as_str().unwrap().to_owned()).collect();
        let words = |word: &str, count: usize| vec![word; count].join(" ");
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert_eq!(texts[0], format!("# Title \n \n \n{}", words("word", 150)));
        assert!(texts[1].chars().count() <= 800 && texts[1].starts_with("other other"), "{texts:?}");
        assert_eq!(compat()["unchanged"], 1);
        assert_eq!(ingestion.run().1["ingested"], 1);
        ingestion.verify();
    }
}

#[test]
fn settings_come_from_the_flag_then_the_environment_then_the_file() {
    let scratch = Scratch::new();
    fs::write(
        scratch.file("rag-ingest.toml"),
        "db = \"postgres://me:hush@db/rag\"\nworkers = 3\nmax-file-size = 7\npaths = [\"docs\", \"more\"]\n\
         [collections.notes]\npaths = [\"notes\"]\ninclude = [\"*.md\"]\n",
    )
    .unwrap();
    let environment = [
        ("RAG_INGEST_WORKERS", "5"),
        ("RAG_INGEST_MAX_FILE_SIZE", "9"),
    ];
    let settings = shown(scratch.path(), &["--workers", "8"], &environment);

    let of = |name: &str| {
        (
            setting(&settings, name)["value"].clone(),
            setting(&settings, name)["from"].clone(),
        )
    };
    assert_eq!(of("workers"), (json!(["8"]), json!("flag")));
    assert_eq!(
        of("max_file_size"),
        (json!(["9"]), json!("environment RAG_INGEST_MAX_FILE_SIZE"))
    );
    assert_eq!(
        of("db"),
        (
            json!(["postgres://me:***@db/rag"]),
            json!("file rag-ingest.toml")
        )
    );
    assert_eq!(
        of("paths"),
        (json!(["docs", "more"]), json!("file rag-ingest.toml"))
    );
    assert_eq!(of("collection"), (json!(["default"]), json!("default")));
    let notes = shown(scratch.path(), &["--collection", "notes"], &[]);
    assert_eq!(setting(&notes, "paths")["value"], json!(["notes"]));
    assert_eq!(
        setting(&notes, "include")["from"],
        "file rag-ingest.toml [collections.notes]"
    );
}

#[test]
fn a_run_takes_its_folders_from_the_file() {
    let scratch = Scratch::new();
    let folder = folder(&scratch, &[("a.txt", "one")]);
    let settings = format!(
        "paths = [{:?}]\ndb = \"sqlite://own.db\"\n",
        folder.to_str().unwrap()
    );
    fs::write(scratch.file("rag-ingest.toml"), settings).unwrap();
    let output = Command::new(durable_tests::program::path("rag-ingest"))
        .args(["ingest", "--json"])
        .current_dir(scratch.path())
        .output()
        .unwrap();
    let (code, said) = summary(&output);
    assert_eq!((code, &said["ingested"]), (0, &1.into()), "{said}");
    assert!(scratch.file("own.db").exists());
}

#[test]
fn a_mistake_in_the_file_is_told_with_its_place() {
    let scratch = Scratch::new();
    let told = |text: &str| {
        fs::write(scratch.file("rag-ingest.toml"), text).unwrap();
        let output = Command::new(durable_tests::program::path("rag-ingest"))
            .args(["status"])
            .current_dir(scratch.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let unknown = told("[collections.notes]\nwrokers = 3\n");
    assert!(
        unknown.contains("rag-ingest.toml [collections.notes] says `wrokers`"),
        "{unknown}"
    );
    let broken = told("workers = = 3\n");
    assert!(
        broken.contains("the settings in rag-ingest.toml cannot be read"),
        "{broken}"
    );
}
