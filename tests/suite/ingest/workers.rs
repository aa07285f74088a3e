//! Several processes share a run: whoever is killed, nothing is lost and nothing is done twice.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use durable_tests::corpus;
use durable_tests::rag::{Ingestion, summary};
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use serde_json::json;

use super::fleet::Fleet;
use super::kill::Random;

const FILES: usize = 150;
const PROCESSES: usize = 3;
/// Files that a process works on at once.
const AT_ONCE: u64 = 2;
const BATCH: u64 = 128;
const RUNS: u64 = 3;
const KILLS: usize = 4;

fn documents(scratch: &Scratch, count: usize) -> std::path::PathBuf {
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    corpus::copy(&folder, count);
    folder
}

/// Leaves a run to the workers; gives its id.
fn detach(ingestion: &Ingestion<'_>) -> String {
    let output = ingestion.command().arg("--detach").output().unwrap();
    let (code, said) = summary(&output);
    assert_eq!(code, 0, "{said}");
    said["run_id"].as_str().unwrap().to_owned()
}

/// Each version of each document was saved in one commit, and in no other.
async fn each_was_saved_once(store: &Store) {
    let twice = store
        .rows(
            "SELECT path, COUNT(*) FROM rag_history WHERE status = 'saved' GROUP BY path HAVING COUNT(*) > 1",
            &[],
        )
        .await;
    assert!(twice.is_empty(), "{twice:?}");
}

async fn undisturbed(folder: &Path, scratch: &Scratch) -> (Vec<serde_json::Value>, u64) {
    let alone = Store::sqlite();
    let ingestion = Ingestion::new(folder, &alone, scratch.file("undisturbed"));
    let (code, summary) = ingestion.run();
    assert!(code == 0 || code == 2, "{summary}");
    (ingestion.collection().await, ingestion.embedded())
}

on_both_stores! {
    async fn a_run_of_three_workers_that_are_killed_at_random_moments_ends_as_if_undisturbed(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, FILES);
        let (expected, paid) = undisturbed(&folder, &scratch).await;
        for seed in 1..=RUNS {
            let store = if store.is_postgres() { Store::postgres().await } else { Store::sqlite() };
            let ingestion = Ingestion::new(&folder, &store, scratch.file("detach"));
            let run = detach(&ingestion);
            let mut fleet = Fleet::new(&ingestion, &scratch, &["--until-idle", "--workers", "2"]);
            for _ in 0..PROCESSES {
                fleet.start(&ingestion);
            }
            let mut random = Random(seed);
            let mut killed = 0;
            let mut begun_before: Vec<usize> = Vec::new();
            let mut committed_before = BTreeSet::new();
            while killed < KILLS {
                tokio::time::sleep(Duration::from_secs_f64(0.1 + 1.4 * random.fraction())).await;
                let living: Vec<_> = (0..fleet.workers.len()).filter(|index| fleet.is_running(*index)).collect();
                if living.is_empty() {
                    break;
                }
                let victim = living[(random.fraction() * 0.999 * living.len() as f64) as usize];
                killed += usize::from(fleet.kill(victim));
                // What is begun after this look must not be committed before it.
                for (worker, before) in fleet.workers.iter().zip(begun_before.iter().chain(std::iter::repeat(&0))) {
                    let begun = worker.log.begun();
                    for (workflow, position, step) in &begun[*before..] {
                        let again = committed_before.contains(&(workflow.clone(), *position));
                        assert!(!again, "run {seed}: step `{step}` ({workflow}, {position}) ran again");
                    }
                }
                committed_before = ingestion.committed().await;
                begun_before = fleet.workers.iter().map(|worker| worker.log.begun().len()).collect();
                fleet.start(&ingestion);
            }
            fleet.wait();
            assert!(killed > 0, "run {seed}: nothing was killed before the end");
            assert_eq!(store.status(&run, "status").await, "SUCCESS", "run {seed}");
            ingestion.verify();
            each_was_saved_once(&store).await;
            let most = paid + u64::try_from(killed).unwrap() * AT_ONCE * BATCH;
            assert!(fleet.embedded() <= most, "run {seed}: {} texts embedded, {killed} kills", fleet.embedded());
            let found = ingestion.collection().await;
            assert_eq!(found.len(), expected.len(), "run {seed}");
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "run {seed}");
            }
            let took_part = fleet.workers.iter().filter(|worker| worker.log.begun().iter().any(|(_, _, step)| step == "save"));
            assert!(took_part.count() > 1, "run {seed}: one worker did everything");
        }
    }

    async fn files_of_a_worker_that_is_killed_for_good_go_on_at_the_others(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, 60);
        let (expected, _) = undisturbed(&folder, &scratch).await;
        let ingestion = Ingestion::new(&folder, &store, scratch.file("detach"));
        let run = detach(&ingestion);
        let mut fleet = Fleet::new(&ingestion, &scratch, &["--until-idle", "--workers", "2"]);
        // The first has the run itself, and dies in the middle of it.
        fleet.start(&ingestion);
        while !fleet.workers[0].log.begun().iter().any(|(_, _, step)| step == "save") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        fleet.start(&ingestion);
        fleet.kill(0);
        fleet.wait();
        assert_eq!(store.status(&run, "status").await, "SUCCESS");
        assert_eq!(ingestion.collection().await, expected);
        each_was_saved_once(&store).await;
        ingestion.verify();
    }

    async fn two_workers_help_a_process_that_ingests(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, 90);
        let (expected, _) = undisturbed(&folder, &scratch).await;
        let mut ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        ingestion.workers = Some(1);
        let mut fleet = Fleet::new(&ingestion, &scratch, &["--workers", "1"]);
        fleet.start(&ingestion);
        fleet.start(&ingestion);
        let (code, summary) = ingestion.run();
        fleet.stop();
        assert!(code == 0 || code == 2, "{summary}");
        assert_eq!(ingestion.collection().await, expected);
        let helped = fleet.workers.iter().any(|worker| !worker.log.begun().is_empty());
        assert!(helped, "no worker took a file");
        ingestion.verify();
    }

    async fn a_worker_with_another_model_leaves_a_run_to_one_that_has_its_model(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, 5);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let run = detach(&ingestion);
        let mut other = Fleet::new(&ingestion, &scratch, &["--until-idle", "--embedder", "hash"]);
        other.start(&ingestion);
        other.wait();
        assert_eq!(store.status(&run, "status").await, "ENQUEUED");
        let mut same = Fleet::new(&ingestion, &scratch, &["--until-idle"]);
        same.start(&ingestion);
        same.wait();
        assert_eq!(store.status(&run, "status").await, "SUCCESS");
    }

    async fn a_cancelled_run_stops_and_goes_on_when_it_is_resumed(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, 60);
        let (expected, _) = undisturbed(&folder, &scratch).await;
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let run = detach(&ingestion);
        let mut fleet = Fleet::new(&ingestion, &scratch, &["--workers", "1"]);
        fleet.start(&ingestion);
        while !fleet.workers[0].log.begun().iter().any(|(_, _, step)| step == "save") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }

        let (code, said) = ingestion.command_of(&["cancel"]);
        fleet.stop();

        assert_eq!((code, &said["cancelled"]), (0, &json!([run])));
        assert_eq!(store.status(&run, "status").await, "CANCELLED");
        assert!(ingestion.collection().await.len() < expected.len());
        let (code, resumed) = ingestion.command_of(&["resume", &run]);
        assert!(code == 0 || code == 2, "{resumed}");
        assert_eq!(resumed["run_id"], run.as_str());
        assert_eq!(store.status(&run, "status").await, "SUCCESS");
        assert_eq!(ingestion.collection().await, expected);
        each_was_saved_once(&store).await;
        // An ended run has nothing to go on with.
        let again = Command::new(&ingestion.program)
            .args(["resume", &run, "--db", store.url()]).stdin(Stdio::null()).output().unwrap();
        assert_eq!(again.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&again.stderr).contains("has ended (SUCCESS)"), "{again:?}");
    }

    async fn a_second_interrupt_ends_the_program_at_once_and_resume_goes_on(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, 60);
        let (expected, _) = undisturbed(&folder, &scratch).await;
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let mut child = ingestion.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        while !ingestion.begun().iter().any(|(_, _, step)| step == "save") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let first = said.find(|line| line.starts_with("Stopping.")).unwrap();
        assert!(first.contains("Once more (Ctrl-C) to stop at once"), "{first}");
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let status = child.wait().unwrap();
        // It may have come to its orderly end before the second one.
        assert!(matches!(status.code(), Some(1 | 130)), "{status}");
        let (code, resumed) = ingestion.command_of(&["resume"]);
        assert!(code == 0 || code == 2, "{resumed}");
        assert_eq!(ingestion.collection().await, expected);
        ingestion.verify();
    }
}
