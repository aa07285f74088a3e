//! Connections that are cut while PostgreSQL commits, or has committed and was not heard.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::journey::{self, CALLS, ENTRY, Hold, traces};
use durable_tests::proxy::{Moment, Proxy};
use durable_tests::store::Store;
use durable_tests::tally::{note, noted};
use serde_json::json;

use crate::kill::{PATIENCE, Scene, Worker, until};

/// Part of the statement that writes outcomes, and of no other.
const OUTCOME: &str = "INSERT INTO dbos.workflow_output";

/// Runs `visit` in this process, with its database behind a proxy that loses an answer.
async fn visit_through(statement: &'static str, moment: Moment) -> (Scene, i32) {
    let scene = Scene::set(Store::postgres().await).await;
    let sum = visit_in(&scene, statement, moment).await;
    (scene, sum)
}

/// The same, with commits of rows of `table` that take their time, so that they happen after the
/// connection is gone.
async fn visit_with_slow_commits(
    statement: &'static str,
    moment: Moment,
    table: &str,
) -> (Scene, i32) {
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
    let sum = visit_in(&scene, statement, moment).await;
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

/// Rules: R12, R14, D2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_happens_once() {
    let (scene, sum) = visit_through(ENTRY, Moment::Committed).await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["2"], 1, "the body ran again");
}

/// Rules: R12, R14, D2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_happens_after_its_connection_is_gone_happens_once() {
    let (scene, sum) = visit_with_slow_commits(ENTRY, Moment::CommitAsked, "entries").await;

    assert_happened_once(&scene, sum).await;
}

/// Rules: W9, R14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_answer_is_lost_runs_once() {
    let (scene, sum) =
        visit_through("INSERT INTO dbos.workflow_status", Moment::Done("SELECT 1")).await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["1"], 1);
}

/// Rules: R14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_whose_answer_is_lost_is_recognised() {
    // The outcome, and the last step with it.
    let (scene, sum) = visit_through(OUTCOME, Moment::Done("SELECT 2")).await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["3"], 1);
}

/// Rules: R14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_is_committed_after_its_connection_is_gone_is_recognised() {
    let (scene, sum) = visit_with_slow_commits(OUTCOME, Moment::Asked, "workflow_output").await;

    assert_happened_once(&scene, sum).await;
    assert_eq!(scene.runs()["3"], 1);
}

/// Rules: R14, Q14
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
        "FOR NO KEY UPDATE SKIP",
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

#[step]
async fn passes(ctx: StepContext) -> anyhow::Result<()> {
    note(ctx.workflow_id(), "passes");
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn passes_the_gate(ctx: WorkflowContext) -> anyhow::Result<()> {
    passes(&ctx).await
}

/// Rules: R14, Q14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_was_taken_without_an_answer_runs_once() {
    const ONE: Queue = Queue::new("one").worker_concurrency(1);
    let store = Store::postgres().await;
    let [first, second] = ["first", "second"].map(|name| store.id(name));
    // The outcome, the last step, and who comes next.
    let moment = Moment::Done("SELECT 3");
    let proxy = Proxy::start(store.url(), store.id("cut"), "claimed AS", moment).await;
    let durable = Durable::open(proxy.url())
        .executor_id("worker")
        .version("1")
        .register::<passes_the_gate>()
        .queue(&ONE)
        .launch()
        .await
        .unwrap();
    let start = |id| passes_the_gate(&durable).id(id).queue(&ONE).start();
    drop(start(&first).await.unwrap());
    let handle = start(&second).await.unwrap();
    gate(&first).reached().await;

    gate(&first).open();
    proxy.moment().await;
    assert_eq!(store.status(&first, "status").await, "SUCCESS");
    assert_eq!(store.status(&second, "status").await, "PENDING");
    gate(&second).open();
    proxy.cut();

    handle.result().await.unwrap();
    assert_eq!(noted(&second), ["passes"]);
    assert_eq!(store.status(&second, "recovery_attempts").await, 1);
    durable.shutdown(PATIENCE).await;
}

/// Rules: R14, D5
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
        // Those that the round before ended may not have been replaced yet.
        while scene.store.rows(sql, &[]).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
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

#[step]
async fn noted_step(_ctx: StepContext, key: String) -> anyhow::Result<usize> {
    note(&key, "ran");
    Ok(noted(&key).len())
}

#[workflow]
async fn two_noted_steps(ctx: WorkflowContext, key: String) -> anyhow::Result<(usize, usize)> {
    let first = noted_step(&ctx, key.clone()).await?;
    Ok((first, noted_step(&ctx, key).await?))
}

/// Runs two steps under an id that is made up, behind a proxy that loses the answer to a statement.
async fn two_steps_through(statement: &'static str, moment: Moment) -> (Store, (usize, usize)) {
    let store = Store::postgres().await;
    // The tables are made beforehand: they come with a function that has such statements too.
    let first = Durable::open(store.url()).launch().await.unwrap();
    first.shutdown(PATIENCE).await;
    let key = store.id("notes");
    let proxy = Proxy::start(store.url(), key.clone(), statement, moment).await;
    let durable = Durable::open(proxy.url())
        .register::<two_noted_steps>()
        .launch()
        .await
        .unwrap();
    let cut = async {
        proxy.moment().await;
        proxy.cut();
    };
    let (counts, ()) = tokio::join!(two_noted_steps(&durable, key), cut);
    durable.shutdown(PATIENCE).await;
    (store, counts.unwrap())
}

/// Rules: W9, R14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_of_a_made_up_id_whose_answer_is_lost_runs_once() {
    let started = "INSERT INTO dbos.workflow_status";
    let (store, counts) = two_steps_through(started, Moment::Done("SELECT 1")).await;

    assert_eq!(counts, (1, 2), "no step ran twice");
    let all = "SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'";
    assert_eq!(store.value(all, &[]).await, json!(1));
}

/// Rules: R14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_answer_is_lost_is_recognised() {
    let stepped = "INSERT INTO dbos.operation_outputs";
    let (store, counts) = two_steps_through(stepped, Moment::Done("INSERT 0 1")).await;

    assert_eq!(counts, (1, 2), "no step ran twice");
    let all = "SELECT count(*) FROM operation_outputs";
    assert_eq!(store.value(all, &[]).await, json!(2));
}
