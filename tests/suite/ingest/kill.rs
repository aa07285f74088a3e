//! Killed at any moment, the program goes on where it was: nothing is lost, nothing is done twice.

use std::time::{Duration, Instant};

use durable_tests::corpus;
use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;

const FILES: usize = 220;
const KILLS: u32 = 20;
const FEWER_KILLS: u32 = 8;
/// Chunks that are embedded in one step.
const BATCH: u64 = 128;
/// Lives that one run may take before the test says that it makes no progress.
const LIVES: u32 = 200;

#[tokio::test]
async fn an_ingestion_killed_at_random_moments_ends_as_if_undisturbed_on_sqlite() {
    killed_runs_equal_an_undisturbed_one(async || Store::sqlite(), None, KILLS).await;
}

#[tokio::test]
async fn an_ingestion_killed_at_random_moments_ends_as_if_undisturbed_on_postgres() {
    killed_runs_equal_an_undisturbed_one(Store::postgres, None, KILLS).await;
}

#[tokio::test]
async fn an_ingestion_with_one_worker_killed_at_random_moments_ends_as_if_undisturbed_on_sqlite() {
    killed_runs_equal_an_undisturbed_one(async || Store::sqlite(), Some(1), FEWER_KILLS).await;
}

#[tokio::test]
async fn an_ingestion_with_one_worker_killed_at_random_moments_ends_as_if_undisturbed_on_postgres()
{
    killed_runs_equal_an_undisturbed_one(Store::postgres, Some(1), FEWER_KILLS).await;
}

async fn killed_runs_equal_an_undisturbed_one(
    fresh: impl AsyncFn() -> Store,
    workers: Option<u32>,
    enough: u32,
) {
    let scratch = Scratch::new();
    let folder = scratch.file("documents");
    std::fs::create_dir(&folder).unwrap();
    corpus::copy(&folder, FILES);

    let store = fresh().await;
    let mut undisturbed = Ingestion::new(&folder, &store, scratch.file("undisturbed.log"));
    undisturbed.workers = workers;
    let begun = Instant::now();
    let (code, summary) = undisturbed.run();
    let duration = begun.elapsed();
    let expected = undisturbed.collection().await;
    let texts = u64::try_from(expected.len()).unwrap();
    assert!(code == 0 || code == 2, "{summary}");
    assert_eq!(summary["discovered"], FILES, "{summary}");
    let saved = summary["ingested"].as_u64().unwrap();
    assert!(
        saved > 200,
        "too few of the documents can be ingested: {summary}"
    );

    let (mut kills, mut runs) = (0, 0);
    let at_once = u64::from(workers.unwrap_or(64));
    while kills < enough {
        runs += 1;
        let run = runs;
        assert!(
            run <= u64::from(enough),
            "only {kills} kills came before the end of a run"
        );
        let store = fresh().await;
        let mut ingestion = Ingestion::new(&folder, &store, scratch.file(&format!("{run}.log")));
        ingestion.workers = workers;
        let killed = disturb(&ingestion, run, duration).await;
        kills += killed;
        ingestion.verify();
        // Each worker repeats one batch a kill at most; a text that stands in several files that are worked on at once may
        // be embedded for each of them.
        let paid = texts + u64::from(killed) * at_once * BATCH;
        assert!(
            ingestion.embedded() <= paid,
            "run {run}: {} texts embedded",
            ingestion.embedded()
        );
        let found = ingestion.collection().await;
        assert_eq!(
            found.len(),
            expected.len(),
            "run {run}: another number of chunks"
        );
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "run {run}");
        }
    }
    eprintln!("{kills} kills in {runs} runs of {duration:?}");
}

/// Runs to the end in as many lives as it takes, each but the last one killed; says how many were killed. After each
/// kill no step may begin again whose checkpoint was committed.
async fn disturb(ingestion: &Ingestion<'_>, seed: u64, duration: Duration) -> u32 {
    let mut random = Random(seed);
    let mut begun_before = 0;
    let mut committed_before = std::collections::BTreeSet::new();
    for life in 0..LIVES {
        let mut child = ingestion.start();
        // From the very beginning to a little past the time that all of it takes.
        let patience = duration.mul_f64(0.02 + 0.6 * random.fraction());
        let ended = wait(&mut child, patience);
        if ended.is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let begun = ingestion.begun();
        for (workflow, position, step) in &begun[begun_before..] {
            assert!(
                !committed_before.contains(&(workflow.clone(), *position)),
                "run {seed}, life {life}: step `{step}` ({workflow}, {position}) ran again although its checkpoint \
                 was committed"
            );
        }
        if let Some(status) = ended {
            assert!(
                matches!(status.code(), Some(0 | 2)),
                "run {seed}, life {life}: {status}"
            );
            return life;
        }
        begun_before = begun.len();
        committed_before = match life {
            // Killed before it made its tables.
            _ if begun.is_empty() => committed_before,
            _ => ingestion.committed().await,
        };
    }
    panic!("run {seed} made no progress in {LIVES} lives");
}

fn wait(child: &mut std::process::Child, patience: Duration) -> Option<std::process::ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        // The moment of the kill is what is tested.
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

/// A small generator (SplitMix64): the moments of the kills differ from run to run and are those of the seed.
pub struct Random(pub u64);

impl Random {
    pub fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from(u32::try_from(mixed >> 32).unwrap()) / f64::from(u32::MAX)
    }
}
