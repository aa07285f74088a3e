//! Processes that are killed with SIGKILL: what is committed is there once, what is not runs
//! again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use durable_tests::journey::{CALLS, ENTRIES, ENTRY, Hold, LEGS, traces};
use durable_tests::proxy::{Moment, Proxy};
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use serde_json::Value as Json;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// A worker process and the file in which its bodies leave traces.
pub struct Worker {
    process: Child,
}

impl Worker {
    pub fn start(url: &str, workflow: &str, id: &str, effects: &Path, hold: Hold) -> Self {
        Self::start_as("worker", url, workflow, id, effects, hold)
    }

    /// As an executor of that id.
    pub fn start_as(
        executor: &str,
        url: &str,
        workflow: &str,
        id: &str,
        effects: &Path,
        hold: Hold,
    ) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_fault-worker"))
            .args([url, workflow, id])
            .arg(effects)
            .env("FAULT_HOLD", hold.as_str())
            .env("DBOS__VMID", executor)
            .env("DBOS__APPVERSION", "1")
            .stdout(Stdio::null())
            .spawn()
            .expect("the worker can be started");
        Self { process }
    }

    pub fn kill(&mut self) {
        self.process.kill().expect("the worker can be killed");
        self.process.wait().expect("the worker is gone");
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("there is a command `kill`").success());
    }

    fn has_ended(&mut self) -> bool {
        match self.process.try_wait().expect("the worker can be asked") {
            None => false,
            Some(status) => {
                assert!(status.success(), "the worker failed: {status}");
                true
            }
        }
    }

    /// Waits until it has run its workflow to the end.
    pub async fn end(mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "the worker does not finish");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // After a failed assertion; otherwise it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub struct Scene {
    pub store: Store,
    _scratch: Scratch,
    pub effects: PathBuf,
    pub id: String,
}

impl Scene {
    pub async fn set(store: Store) -> Self {
        // The tables first, so that the first worker is as quick as the others.
        let durable = store.open().launch().await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        let entries = if store.is_postgres() {
            ENTRIES.replace("entries", "public.entries")
        } else {
            ENTRIES.to_owned()
        };
        store.execute(&entries, &[]).await;
        let scratch = Scratch::new();
        let effects = scratch.file("effects");
        Self {
            id: store.id("wf"),
            effects,
            _scratch: scratch,
            store,
        }
    }

    pub fn worker(&self, workflow: &str, hold: Hold) -> Worker {
        Worker::start(self.store.url(), workflow, &self.id, &self.effects, hold)
    }

    /// How often each call's body ran.
    pub fn runs(&self) -> BTreeMap<String, usize> {
        let mut runs = BTreeMap::new();
        for position in traces(&self.effects) {
            *runs.entry(position).or_default() += 1;
        }
        runs
    }

    pub async fn recorded(&self) -> BTreeSet<String> {
        self.store
            .steps(&self.id)
            .await
            .iter()
            .map(|step| step[0].to_string())
            .collect()
    }

    pub async fn entries(&self) -> Vec<i64> {
        let sql = "SELECT position FROM entries WHERE workflow = $1 ORDER BY position";
        let rows = self.store.rows(sql, &[&self.id]).await;
        rows.iter().map(|row| row[0].as_i64().unwrap()).collect()
    }

    /// Waits until the server has noticed that a process is gone: what it was committing is
    /// committed, what was open is rolled back.
    pub async fn settled(&self) {
        if self.store.is_postgres() {
            let sql = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            self.store.becomes(sql, &[], 0).await;
        }
    }
}

/// Waits for something outside the database.
pub async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(
            Instant::now() < deadline,
            "{what} did not happen within {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

on_both_stores! {
    /// Rules: R12, D3
    async fn a_transaction_killed_between_its_rows_and_its_commit_happens_once(store: Store) {
        let scene = Scene::set(store).await;
        let mut worker = scene.worker("visit", Hold::InsideTransaction);
        until("the transaction", || traces(&scene.effects).contains(&"2".to_owned())).await;

        worker.kill();
        scene.settled().await;

        // The result of the step before rides in the transaction's commit, and went with it.
        assert!(scene.entries().await.is_empty());
        assert!(scene.recorded().await.is_empty());
        scene.worker("visit", Hold::Nowhere).end().await;
        assert_eq!(scene.entries().await, [2]);
        assert_eq!(scene.store.step_names(&scene.id).await, ["1 stride", "2 enter", "3 rest"]);
        assert_eq!(scene.runs()["2"], 2);
        assert_eq!(scene.store.status(&scene.id, "status").await, "SUCCESS");
    }

    /// Rules: R12, L7, D2
    async fn a_transaction_killed_just_after_its_commit_happens_once(store: Store) {
        let scene = Scene::set(store).await;
        if scene.store.is_postgres() {
            // The server has committed, the worker has not heard of it.
            let proxy = Proxy::start(scene.store.url(), scene.id.clone(), ENTRY, Moment::Committed).await;
            let mut worker =
                Worker::start(proxy.url(), "visit", &scene.id, &scene.effects, Hold::Nowhere);
            proxy.moment().await;
            worker.kill();
            proxy.cut();
        } else {
            let mut worker = scene.worker("visit", Hold::AfterTransaction);
            scene.store.becomes("SELECT count(*) FROM entries", &[], 1).await;
            worker.kill();
        }
        scene.settled().await;

        assert_eq!(scene.entries().await, [2]);
        assert_eq!(scene.store.step_names(&scene.id).await, ["1 stride", "2 enter"]);
        assert_eq!(scene.store.status(&scene.id, "status").await, "PENDING");
        scene.worker("visit", Hold::Nowhere).end().await;
        assert_eq!(scene.entries().await, [2]);
        assert_eq!(scene.store.step_names(&scene.id).await, ["1 stride", "2 enter", "3 rest"]);
        let once = BTreeMap::from(["1", "2", "3"].map(|position| (position.to_owned(), 1)));
        assert_eq!(scene.runs(), once);
    }

    /// Rules: R4, R12
    async fn a_workflow_killed_at_random_moments_runs_nothing_again_that_was_committed(store: Store) {
        let scene = Scene::set(store).await;

        let seed = kill_at_random(&scene, "journey").await;

        assert_eq!(scene.recorded().await.len(), CALLS);
        assert_eq!(scene.entries().await, [6, 12, 18, 24, 30, 36], "seed {seed}");
        let output = scene
            .store
            .value("SELECT output FROM workflow_output WHERE workflow_uuid = $1", &[&scene.id])
            .await;
        assert_eq!(output, (1..=CALLS).sum::<usize>().to_string());
    }

    /// Rules: R4, R12
    async fn a_saga_killed_at_random_moments_runs_no_undo_again_that_was_committed(store: Store) {
        let scene = Scene::set(store).await;

        let seed = kill_at_random(&scene, "retreat").await;

        let names: Vec<String> = (1..=LEGS)
            .map(|leg| format!("{leg} stride"))
            .chain([format!("{} stumble", LEGS + 1)])
            .chain((LEGS + 2..).take(LEGS).map(|leg| format!("{leg} go_back")))
            .collect();
        assert_eq!(scene.store.step_names(&scene.id).await, names, "seed {seed}");
        let back: Vec<Json> = scene.store.steps(&scene.id).await.split_off(LEGS + 1);
        let back: Vec<&str> = back.iter().map(|step| step[2].as_str().unwrap()).collect();
        let legs: Vec<String> = (1..=LEGS).rev().map(|leg| leg.to_string()).collect();
        assert_eq!(back, legs, "seed {seed}");
    }
}

/// Runs a workflow to its end in processes that are killed, each after some progress. What was committed at a kill did
/// not run again. Returns the seed of the moments.
async fn kill_at_random(scene: &Scene, workflow: &str) -> u64 {
    const KILLS: usize = 20;
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
    let mut random = Random(seed);
    // What was recorded at each kill, and how often the bodies had run by then.
    let mut kills: Vec<(BTreeSet<String>, BTreeMap<String, usize>)> = Vec::new();

    while kills.len() < KILLS {
        let mut worker = scene.worker(workflow, Hold::Nowhere);
        let further = traces(&scene.effects).len() + 1;
        let mut ended = false;
        until("progress", || {
            ended = worker.has_ended();
            ended || traces(&scene.effects).len() >= further
        })
        .await;
        if ended {
            break;
        }
        tokio::time::sleep(Duration::from_micros(random.below(4000) as u64)).await;
        worker.kill();
        scene.settled().await;
        kills.push((scene.recorded().await, scene.runs()));
    }
    scene.worker(workflow, Hold::Nowhere).end().await;

    let runs = scene.runs();
    assert!(
        kills.len() >= 5,
        "killed only {} times (seed {seed})",
        kills.len()
    );
    for (number, (recorded, runs_then)) in kills.iter().enumerate() {
        for position in recorded {
            assert_eq!(
                runs.get(position),
                runs_then.get(position),
                "call {position} was committed at kill {number} and ran again (seed {seed})"
            );
        }
    }
    seed
}

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}
