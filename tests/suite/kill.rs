//! Processes that are killed with SIGKILL, and connections that are cut: what is committed is
//! there once, what is not runs again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use durable_runtime::Durable;
use durable_tests::journey::{self, CALLS, ENTRIES, ENTRY, Hold, traces};
use durable_tests::proxy::{Moment, Proxy};
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

/// A worker process and the file in which its bodies leave traces.
struct Worker {
    process: Child,
}

impl Worker {
    fn start(url: &str, workflow: &str, id: &str, effects: &Path, hold: Hold) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_fault-worker"))
            .args([url, workflow, id])
            .arg(effects)
            .env("FAULT_HOLD", hold.as_str())
            .stdout(Stdio::null())
            .spawn()
            .expect("the worker can be started");
        Self { process }
    }

    fn kill(&mut self) {
        self.process.kill().expect("the worker can be killed");
        self.process.wait().expect("the worker is gone");
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
    async fn end(mut self) {
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

struct Scene {
    store: Store,
    _scratch: Scratch,
    effects: PathBuf,
    id: String,
}

impl Scene {
    async fn set(store: Store) -> Self {
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

    fn worker(&self, workflow: &str, hold: Hold) -> Worker {
        Worker::start(self.store.url(), workflow, &self.id, &self.effects, hold)
    }

    /// How often each call's body ran.
    fn runs(&self) -> BTreeMap<String, usize> {
        let mut runs = BTreeMap::new();
        for position in traces(&self.effects) {
            *runs.entry(position).or_default() += 1;
        }
        runs
    }

    async fn recorded(&self) -> BTreeSet<String> {
        self.store
            .steps(&self.id)
            .await
            .iter()
            .map(|step| step[0].to_string())
            .collect()
    }

    async fn entries(&self) -> Vec<i64> {
        let sql = "SELECT position FROM entries WHERE workflow = $1 ORDER BY position";
        let rows = self.store.rows(sql, &[&self.id]).await;
        rows.iter().map(|row| row[0].as_i64().unwrap()).collect()
    }

    /// Waits until the server has noticed that a process is gone: what it was committing is
    /// committed, what was open is rolled back.
    async fn settled(&self) {
        if self.store.is_postgres() {
            let sql = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            self.store.becomes(sql, &[], 0).await;
        }
    }
}

/// Waits for something outside the database.
async fn until(what: &str, mut happened: impl FnMut() -> bool) {
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

    async fn a_workflow_killed_at_random_moments_runs_nothing_again_that_was_committed(store: Store) {
        const KILLS: usize = 20;
        let scene = Scene::set(store).await;
        let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
        let mut random = Random(seed);
        // What was recorded at each kill, and how often the bodies had run by then.
        let mut kills: Vec<(BTreeSet<String>, BTreeMap<String, usize>)> = Vec::new();

        while kills.len() < KILLS {
            let mut worker = scene.worker("journey", Hold::Nowhere);
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
        scene.worker("journey", Hold::Nowhere).end().await;

        let runs = scene.runs();
        assert!(kills.len() >= 5, "killed only {} times (seed {seed})", kills.len());
        for (number, (recorded, runs_then)) in kills.iter().enumerate() {
            for position in recorded {
                assert_eq!(
                    runs.get(position),
                    runs_then.get(position),
                    "call {position} was committed at kill {number} and ran again (seed {seed})"
                );
            }
        }
        assert_eq!(scene.recorded().await.len(), CALLS);
        assert_eq!(scene.entries().await, [6, 12, 18, 24, 30, 36], "seed {seed}");
        let output = scene
            .store
            .value("SELECT output FROM workflow_output WHERE workflow_uuid = $1", &[&scene.id])
            .await;
        assert_eq!(output, (1..=CALLS).sum::<usize>().to_string());
    }
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

/// Runs `visit` in this process, with its database behind a proxy that loses an answer.
async fn visit_through(statement: &'static str, moment: Moment) -> (Scene, i32) {
    let scene = Scene::set(Store::postgres().await).await;
    let sum = visit_in(&scene, statement, moment).await;
    (scene, sum)
}

/// The same, with commits of rows of `table` that take their time, so that they happen after the
/// connection is gone.
async fn visit_with_slow_commits(statement: &'static str, table: &str) -> (Scene, i32) {
    let scene = Scene::set(Store::postgres().await).await;
    scene
        .store
        .execute(
            &format!(
                "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $body$
                 BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END $body$;
                 CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON {table}
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()"
            ),
            &[],
        )
        .await;
    let sum = visit_in(&scene, statement, Moment::CommitAsked).await;
    (scene, sum)
}

async fn visit_in(scene: &Scene, statement: &'static str, moment: Moment) -> i32 {
    let proxy = Proxy::start(scene.store.url(), scene.id.clone(), statement, moment).await;
    let durable = Durable::open(proxy.url())
        .executor_id("worker")
        .version("1")
        .register::<journey::visit>()
        .launch()
        .await
        .unwrap();
    let effects = scene.effects.display().to_string();
    let visit = journey::visit(&durable, effects).id(&scene.id);
    let cut = async {
        proxy.moment().await;
        proxy.cut();
    };
    let (sum, ()) = tokio::join!(visit, cut);
    durable.shutdown(PATIENCE).await;
    sum.unwrap()
}

async fn assert_happened_once(scene: &Scene, sum: i32) {
    assert_eq!(sum, 6);
    assert_eq!(scene.entries().await, [2]);
    assert_eq!(
        scene.store.step_names(&scene.id).await,
        ["1 stride", "2 enter", "3 rest"]
    );
    let row = scene
        .store
        .row(
            "SELECT status, recovery_attempts FROM workflow_status WHERE workflow_uuid = $1",
            &[&scene.id],
        )
        .await;
    assert_eq!(row, json!(["SUCCESS", 1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_happens_once() {
    let (scene, sum) = visit_through(ENTRY, Moment::Committed).await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["2"], 1, "the body ran again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_happens_after_its_connection_is_gone_happens_once() {
    let (scene, sum) = visit_with_slow_commits(ENTRY, "entries").await;

    assert_happened_once(&scene, sum).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_answer_is_lost_runs_once() {
    let (scene, sum) =
        visit_through("INSERT INTO dbos.workflow_status", Moment::Done("SELECT 1")).await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["1"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_whose_answer_is_lost_is_recognised() {
    let (scene, sum) = visit_through("SET status = CASE WHEN given.error", Moment::Committed).await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["3"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_is_committed_after_its_connection_is_gone_is_recognised() {
    let outcome = "SET status = CASE WHEN given.error";
    let (scene, sum) = visit_with_slow_commits(outcome, "workflow_output").await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["3"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_answer_is_lost_is_not_forgotten() {
    let scene = Scene::set(Store::postgres().await).await;
    let mut worker = scene.worker("visit", Hold::InsideTransaction);
    until("the transaction", || {
        traces(&scene.effects).contains(&"2".to_owned())
    })
    .await;
    worker.kill();
    scene.settled().await;

    // The launch puts the workflow back on a queue, and the claim that takes it is not answered.
    let moment = Moment::Done("UPDATE 1");
    let proxy = Proxy::start(
        scene.store.url(),
        scene.id.clone(),
        "FOR UPDATE SKIP",
        moment,
    )
    .await;
    let worker = Worker::start(
        proxy.url(),
        "visit",
        &scene.id,
        &scene.effects,
        Hold::Nowhere,
    );
    proxy.moment().await;
    assert_eq!(scene.store.status(&scene.id, "status").await, "PENDING");
    proxy.cut();
    worker.end().await;

    assert_eq!(scene.entries().await, [2]);
    assert_eq!(
        scene.store.step_names(&scene.id).await,
        ["1 stride", "2 enter", "3 rest"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_survives_the_loss_of_all_connections() {
    let scene = Scene::set(Store::postgres().await).await;
    let durable = scene
        .store
        .open()
        .register::<journey::journey>()
        .launch()
        .await
        .unwrap();
    let effects = scene.effects.display().to_string();
    let handle = journey::journey(&durable, effects)
        .id(&scene.id)
        .start()
        .await
        .unwrap();

    for seen in (3..CALLS).step_by(6) {
        until("progress", || traces(&scene.effects).len() >= seen).await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let ended = scene.store.rows(sql, &[]).await;
        assert!(!ended.is_empty(), "there were connections to end");
    }

    assert_eq!(
        usize::try_from(handle.result().await.unwrap()).unwrap(),
        (1..=CALLS).sum::<usize>()
    );
    assert_eq!(scene.entries().await, [6, 12, 18, 24, 30, 36]);
    for (position, runs) in scene.runs() {
        // The body of a transaction that was broken off runs again; that of a step does not.
        let transaction = position.parse::<usize>().unwrap() % 6 == 0;
        assert!(runs == 1 || transaction, "step {position} ran {runs} times");
    }
}
