//! What each operation costs the database: statements and commits, counted on the database's side.
//!
//! The tables of docs/performance.md say why.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::statements::Watch;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use futures_util::future::join_all;
use sqlx::AssertSqlSafe;

const LONG: Duration = Duration::from_secs(3600);
const ONE: Queue = Queue::new("one").worker_concurrency(1);
/// How many workflows there are where the number must not matter.
const MANY: usize = 100;

#[step]
async fn work(_ctx: StepContext, number: usize) -> anyhow::Result<usize> {
    Ok(number)
}

#[step(pure)]
async fn pure_work(_ctx: StepContext, number: usize) -> anyhow::Result<usize> {
    Ok(number)
}

#[step]
async fn hold(ctx: StepContext, at: String) -> anyhow::Result<()> {
    gate(&at).pass().await;
    count(format!("{at} passed"));
    drop(ctx);
    Ok(())
}

#[workflow]
async fn steps(ctx: WorkflowContext, count: usize) -> anyhow::Result<usize> {
    let mut sum = 0;
    for number in 0..count {
        sum += work(&ctx, number).await?;
    }
    Ok(sum)
}

#[workflow]
async fn pure_steps(ctx: WorkflowContext, count: usize) -> anyhow::Result<usize> {
    let mut sum = 0;
    for number in 0..count {
        sum += pure_work(&ctx, number).await?;
    }
    Ok(sum)
}

/// Some steps, then one that waits at a gate.
#[workflow]
async fn held(ctx: WorkflowContext, before: usize, at: String) -> anyhow::Result<()> {
    for number in 0..before {
        work(&ctx, number).await?;
    }
    hold(&ctx, at).await
}

#[transaction]
async fn pay(ctx: TransactionContext, amount: i64) -> anyhow::Result<()> {
    let sql = AssertSqlSafe(format!("INSERT INTO payments (amount) VALUES ({amount})"));
    match ctx.connection() {
        Connection::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop)?,
        Connection::Postgres(connection) => {
            sqlx::raw_sql(sql).execute(connection).await.map(drop)?
        }
        _ => unreachable!("there are two databases"),
    }
    Ok(())
}

#[workflow]
async fn pays(ctx: WorkflowContext) -> anyhow::Result<()> {
    work(&ctx, 1).await?;
    pay(&ctx, 5).await
}

#[workflow]
async fn publishes(ctx: WorkflowContext) -> anyhow::Result<()> {
    ctx.set_event("progress", &1).await?;
    Ok(())
}

#[workflow]
async fn reads(ctx: WorkflowContext, other: String) -> anyhow::Result<Option<i64>> {
    Ok(ctx.get_event(&other, "progress", LONG).await?)
}

#[workflow]
async fn sends(ctx: WorkflowContext, to: String) -> anyhow::Result<()> {
    Ok(ctx.send(&to, None, "news").await?)
}

/// Receives a message that is there by then.
#[workflow]
async fn receives_late(ctx: WorkflowContext, at: String) -> anyhow::Result<Option<String>> {
    hold(&ctx, at).await?;
    Ok(ctx.recv(None, LONG).await?)
}

#[workflow]
async fn sleeps(ctx: WorkflowContext) -> anyhow::Result<()> {
    ctx.sleep(Duration::from_millis(5)).await;
    Ok(())
}

#[workflow]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<usize> {
    steps(&ctx, 0).await
}

/// A program under watch that has been launched and is quiet.
async fn watched(store: &Store) -> (Watch, Durable) {
    let mut watch = Watch::of(store);
    let durable = launched(&watch).await;
    watch.quiet().await;
    (watch, durable)
}

async fn launched(watch: &Watch) -> Durable {
    watch
        .open()
        .queue(&ONE)
        .register::<steps>()
        .register::<pure_steps>()
        .register::<held>()
        .register::<pays>()
        .register::<publishes>()
        .register::<reads>()
        .register::<sends>()
        .register::<receives_late>()
        .register::<sleeps>()
        .register::<parent>()
        .launch()
        .await
        .unwrap()
}

/// On PostgreSQL one statement writes all records of a batch. On SQLite one statement writes one table, and nothing tells
/// of BEGIN and COMMIT.
fn on(store: &Store, statements: &[&'static str]) -> Vec<&'static str> {
    let mut expected = Vec::new();
    for statement in statements {
        match (*statement, store.is_postgres()) {
            // The part of ends writes the last steps too.
            ("step and end", true) => expected.push("end"),
            ("step and end", false) => expected.extend(["step", "completion", "output"]),
            ("start and step", false) => expected.extend(["start", "input", "step"]),
            ("start", false) => expected.extend(["start", "input"]),
            ("end", false) => expected.extend(["completion", "output"]),
            ("BEGIN" | "COMMIT", false) => {}
            (other, _) => expected.push(other),
        }
    }
    expected
}

/// Lets everything run that can run.
async fn let_run() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

fn how_many(statements: &[String], name: &str) -> usize {
    statements.iter().filter(|it| *it == name).count()
}

on_both_stores! { on one thread:
    async fn a_start_is_one_statement_and_one_commit(store: Store) {
        let (watch, durable) = watched(&store).await;
        let id = store.id("wf");

        drop(held(&durable, 0, id.clone()).id(&id).start().await.unwrap());
        gate(&id).reached().await;

        assert_eq!(watch.statements(), on(&store, &["start"]));
        assert_eq!(watch.commits(), 1);
        gate(&id).open();
    }

    async fn a_workflow_without_steps_is_a_start_and_a_completion(store: Store) {
        let (watch, durable) = watched(&store).await;

        steps(&durable, 0).await.unwrap();

        assert_eq!(watch.statements(), on(&store, &["start", "end"]));
        assert_eq!(watch.commits(), 2);
    }

    async fn a_step_is_one_statement_and_the_last_one_shares_the_commit_of_the_completion(store: Store) {
        let (watch, durable) = watched(&store).await;

        steps(&durable, 4).await.unwrap();

        let expected = ["start", "step", "step", "step", "step and end"];
        assert_eq!(watch.statements(), on(&store, &expected));
        assert_eq!(watch.commits(), 5);
    }

    async fn pure_steps_are_one_statement_together(store: Store) {
        let (watch, durable) = watched(&store).await;

        pure_steps(&durable, 100).await.unwrap();

        let expected = ["start", "step and end"];
        assert_eq!(watch.statements(), on(&store, &expected));
        assert_eq!(watch.commits(), 2);
    }

    async fn starts_share_a_statement_and_a_commit(store: Store) {
        let (watch, durable) = watched(&store).await;
        let id = store.id("wf");
        let blocked = store.block_writes().await;

        let start = |_| held(&durable, 0, id.clone()).start();
        let mut started = Box::pin(join_all((0..MANY).map(start)));
        tokio::select! {
            biased;
            _ = &mut started => panic!("a start does not wait for its commit"),
            () = let_run() => {}
        }
        blocked.release().await;
        drop(started.await);
        gate(&id).reached_by(MANY).await;

        // A lane commits what came first, then all that gathered meanwhile; PostgreSQL has two lanes.
        let lanes = if store.is_postgres() { 2 } else { 1 };
        let statements = watch.statements();
        assert!(how_many(&statements, "start") <= 2 * lanes, "{statements:?}");
        assert!(watch.commits() <= 2 * lanes, "{}", watch.commits());
        gate(&id).open();
    }

    async fn steps_and_completions_share_statements_and_a_commit(store: Store) {
        let (mut watch, durable) = watched(&store).await;
        let id = store.id("wf");
        let start = |_| held(&durable, 0, id.clone()).start();
        let started = join_all((0..MANY).map(start)).await;
        gate(&id).reached_by(MANY).await;
        watch.begin();

        let blocked = store.block_writes().await;
        gate(&id).open();
        let_run().await;
        assert_eq!(counted(&format!("{id} passed")), MANY);
        blocked.release().await;
        for started in started {
            started.unwrap().result().await.unwrap();
        }

        let lanes = if store.is_postgres() { 2 } else { 1 };
        let statements = watch.statements();
        let end = if store.is_postgres() { "end" } else { "completion" };
        assert!((1..=2 * lanes).contains(&how_many(&statements, end)), "{statements:?}");
        assert!(how_many(&statements, "step") <= 2 * lanes, "{statements:?}");
        assert!(watch.commits() <= 2 * lanes, "{}", watch.commits());
    }

    async fn what_is_recovered_costs_one_claim_and_one_history_together_and_a_replayed_step_nothing(
        store: Store
    ) {
        let (watch, durable) = watched(&store).await;
        let id = store.id("wf");
        for _ in 0..3 {
            drop(held(&durable, 10, id.clone()).start().await.unwrap());
        }
        gate(&id).reached_by(3).await;
        durable.shutdown(Duration::ZERO).await;

        watch.forget();
        let durable = launched(&watch).await;
        gate(&id).reached_by(6).await;

        let statements = watch.statements();
        let claim = statements.iter().position(|it| it == "claim").expect("a claim");
        let since = &statements[claim..];
        // A queue may be looked at once more and in vain, before and after.
        assert!(since.iter().all(|it| it == "claim" || it == "history"), "{since:?}");
        assert_eq!(how_many(since, "history"), 1, "{since:?}");
        assert!((1..=4).contains(&how_many(since, "claim")), "{since:?}");
        gate(&id).open();
        durable.shutdown(LONG).await;
    }

    async fn a_workflow_put_on_a_queue_is_a_start_and_a_claim(store: Store) {
        let (watch, durable) = watched(&store).await;
        let id = store.id("wf");

        drop(held(&durable, 0, id.clone()).queue(&ONE).start().await.unwrap());
        gate(&id).reached().await;

        assert_eq!(watch.statements(), on(&store, &["start", "claim"]));
        assert_eq!(watch.commits(), 2);
        gate(&id).open();
    }

    async fn the_next_one_of_a_queue_is_claimed_in_the_commit_that_ends_the_one_before(store: Store) {
        let (mut watch, durable) = watched(&store).await;
        let id = store.id("wf");
        let first = held(&durable, 0, id.clone()).queue(&ONE).start().await.unwrap();
        gate(&id).reached().await;
        let second = steps(&durable, 1).queue(&ONE).start().await.unwrap();
        let third = steps(&durable, 1).queue(&ONE).start().await.unwrap();
        watch.quiet().await;

        gate(&id).open();
        for handle in [first.result().await.is_ok(), second.result().await.is_ok(), third.result().await.is_ok()] {
            assert!(handle);
        }

        // It may be looked at the queue once more between two of them.
        let statements = watch.statements();
        if store.is_postgres() {
            assert_eq!(how_many(&statements, "end and claim"), 3, "{statements:?}");
            assert_eq!(how_many(&statements, "BEGIN"), 0, "{statements:?}");
        } else {
            let is_end = |at: &usize| statements[*at] == "output";
            let ends: Vec<usize> = (0..statements.len()).filter(is_end).collect();
            assert_eq!(ends.len(), 3, "{statements:?}");
            for end in ends {
                assert_eq!(statements[end + 1], "claim", "{statements:?}");
            }
        }
        assert!((3..=5).contains(&watch.commits()), "{}", watch.commits());
    }

    async fn a_transaction_carries_its_checkpoint_and_those_before_it(store: Store) {
        store.execute("CREATE TABLE payments (amount BIGINT)", &[]).await;
        let (watch, durable) = watched(&store).await;

        pays(&durable).await.unwrap();

        let expected = ["start", "BEGIN", "payment", "step", "COMMIT", "end"];
        assert_eq!(watch.statements(), on(&store, &expected));
        assert_eq!(watch.commits(), 3);
    }

    async fn an_event_is_written_in_the_commit_of_its_step(store: Store) {
        let (watch, durable) = watched(&store).await;

        publishes(&durable).await.unwrap();

        let expected: &[_] = match store.is_postgres() {
            true => &["start", "BEGIN", "end", "event", "event history", "COMMIT"],
            false => &["start", "step", "event", "event history", "end"],
        };
        assert_eq!(watch.statements(), on(&store, expected));
        assert_eq!(watch.commits(), 2);
    }

    /// Its timeout is recorded first, as that of a sleep.
    async fn an_event_that_is_there_is_read_with_one_statement(store: Store) {
        let (mut watch, durable) = watched(&store).await;
        let id = store.id("wf");
        publishes(&durable).id(&id).await.unwrap();
        watch.begin();

        assert_eq!(reads(&durable, id).await.unwrap(), Some(1));

        let expected = ["start", "step", "read event", "step and end"];
        assert_eq!(watch.statements(), on(&store, &expected));
        assert_eq!(watch.commits(), 3);
    }

    async fn a_message_is_sent_in_the_commit_of_its_step(store: Store) {
        let (mut watch, durable) = watched(&store).await;
        let id = store.id("wf");
        drop(held(&durable, 0, id.clone()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        watch.begin();

        sends(&durable, id.clone()).await.unwrap();

        let expected = ["start", "BEGIN", "step", "destination", "message", "COMMIT", "end"];
        assert_eq!(watch.statements(), on(&store, &expected));
        assert_eq!(watch.commits(), 3);
        gate(&id).open();
    }

    /// Its timeout is recorded first, as that of a sleep.
    async fn a_message_that_is_there_is_taken_in_the_commit_of_its_step(store: Store) {
        let (mut watch, durable) = watched(&store).await;
        let id = store.id("wf");
        drop(receives_late(&durable, id.clone()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.client().send(&id, None, "news").await.unwrap();
        watch.begin();

        gate(&id).open();
        let received = durable.retrieve::<receives_late>(&id).await.unwrap().result().await;

        assert_eq!(received.unwrap().as_deref(), Some("news"));
        let expected = [
            "step", "look for message", "BEGIN", "step", "take message", "COMMIT", "end",
        ];
        assert_eq!(watch.statements(), on(&store, &expected));
        assert_eq!(watch.commits(), 3);
    }

    async fn a_sleep_is_one_step(store: Store) {
        let (watch, durable) = watched(&store).await;

        sleeps(&durable).await.unwrap();

        assert_eq!(watch.statements(), on(&store, &["start", "step", "end"]));
        assert_eq!(watch.commits(), 3);
    }

    async fn a_child_is_started_and_linked_in_one_commit(store: Store) {
        let (watch, durable) = watched(&store).await;

        parent(&durable).await.unwrap();

        let expected = ["start", "start and step", "end", "step and end"];
        assert_eq!(watch.statements(), on(&store, &expected));
        assert_eq!(watch.commits(), 4);
    }
}
