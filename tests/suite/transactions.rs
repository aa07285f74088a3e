//! Transaction steps: a user's rows and the checkpoint are one fact.

use std::time::Duration;

use anyhow::Context;
use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use serde_json::json;
use sqlx::AssertSqlSafe;

/// Writes a row of the table `payments` on either database.
async fn insert(ctx: &mut TransactionContext, amount: i64) -> sqlx::Result<()> {
    let sql = AssertSqlSafe(format!(
        "INSERT INTO payments (workflow, amount) VALUES ('{}', {amount})",
        ctx.workflow_id()
    ));
    match ctx.connection() {
        Connection::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop),
        Connection::Postgres(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop),
        _ => unreachable!("there are two databases"),
    }
}

#[transaction]
async fn pay(ctx: TransactionContext, amount: i64) -> anyhow::Result<i64> {
    count(ctx.workflow_id());
    insert(&mut ctx, amount).await?;
    Ok(amount)
}

#[transaction]
async fn pay_and_fail(ctx: TransactionContext, amount: i64) -> anyhow::Result<i64> {
    insert(&mut ctx, amount).await?;
    anyhow::bail!("not today")
}

#[transaction]
async fn pay_and_panic(ctx: TransactionContext, amount: i64) -> anyhow::Result<i64> {
    insert(&mut ctx, amount).await?;
    panic!("out of ink")
}

#[transaction(max_attempts = 3, interval = "1ms")]
async fn pay_at_last(ctx: TransactionContext, amount: i64) -> anyhow::Result<i64> {
    insert(&mut ctx, amount).await?;
    anyhow::ensure!(count(ctx.workflow_id()) == 3, "not yet");
    Ok(amount)
}

#[transaction]
async fn wrong_database(ctx: TransactionContext) -> anyhow::Result<bool> {
    // Each method is the wrong one on one of the two databases.
    let postgres = ctx.postgres().map(drop);
    ctx.sqlite()?;
    postgres?;
    Ok(true)
}

#[transaction]
async fn steps_seen_inside(ctx: TransactionContext) -> anyhow::Result<i64> {
    let sql = AssertSqlSafe(format!(
        "SELECT count(*) FROM operation_outputs WHERE workflow_uuid = '{}'",
        ctx.workflow_id()
    ));
    Ok(match ctx.connection() {
        Connection::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
        Connection::Postgres(connection) => {
            sqlx::raw_sql("SET LOCAL search_path = dbos, public")
                .execute(&mut *connection)
                .await?;
            sqlx::query_scalar(sql).fetch_one(connection).await?
        }
        _ => unreachable!("there are two databases"),
    })
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[step]
async fn prepare(_ctx: StepContext) -> anyhow::Result<i64> {
    Ok(7)
}

#[workflow]
async fn pays(ctx: WorkflowContext, amount: i64) -> anyhow::Result<i64> {
    pay(&ctx, amount).await
}

#[workflow]
async fn pays_and_holds(ctx: WorkflowContext, amount: i64) -> anyhow::Result<i64> {
    let paid = pay(&ctx, amount).await?;
    hold(&ctx).await?;
    Ok(paid)
}

#[workflow]
async fn fails_to_pay(ctx: WorkflowContext) -> anyhow::Result<String> {
    let error = pay_and_fail(&ctx, 1).await.unwrap_err().to_string();
    Ok(error)
}

#[workflow]
async fn panics_paying(ctx: WorkflowContext) -> anyhow::Result<String> {
    let error = pay_and_panic(&ctx, 1).await.unwrap_err().to_string();
    // The connection is sound again.
    pay(&ctx, 2).await?;
    Ok(error)
}

#[workflow]
async fn pays_at_last(ctx: WorkflowContext) -> anyhow::Result<i64> {
    pay_at_last(&ctx, 9).await
}

#[workflow]
async fn mistakes_the_database(ctx: WorkflowContext) -> anyhow::Result<bool> {
    wrong_database(&ctx).await
}

#[workflow]
async fn prepares_and_looks(ctx: WorkflowContext) -> anyhow::Result<i64> {
    prepare(&ctx).await?;
    steps_seen_inside(&ctx).await
}

#[workflow]
async fn pays_side_by_side(ctx: WorkflowContext) -> anyhow::Result<i64> {
    let (one, two, three) = tokio::join!(pay(&ctx, 1), prepare(&ctx), pay(&ctx, 3));
    Ok(one? + two? + three?)
}

async fn with_payments(store: &Store) {
    store
        .execute(
            "CREATE TABLE public.payments (workflow TEXT NOT NULL, amount BIGINT NOT NULL)"
                .replace("public.", if store.is_postgres() { "public." } else { "" })
                .as_str(),
            &[],
        )
        .await;
}

const AMOUNTS: &str = "SELECT amount FROM payments WHERE workflow = $1 ORDER BY amount";

on_both_stores! {
    /// Rules: D1, D8
    async fn rows_and_checkpoint_are_committed_together(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<pays>().launch().await.unwrap();
        let id = store.id("wf");

        assert_eq!(pays(&durable, 250).id(&id).await.unwrap(), 250);

        assert_eq!(store.rows(AMOUNTS, &[&id]).await, [json!([250])]);
        assert_eq!(store.steps(&id).await, [json!([1, "pay", "250", null, null])]);
    }

    /// Rules: D3
    async fn a_checkpoint_that_is_refused_takes_the_rows_with_it(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<pays>().launch().await.unwrap();
        refuse_function(&store, "pay").await;
        let id = store.id("wf");

        let error = pays(&durable, 250).id(&id).await.unwrap_err().to_string();

        assert!(error.contains("poisoned"), "{error}");
        assert!(store.rows(AMOUNTS, &[&id]).await.is_empty());
        assert!(store.steps(&id).await.is_empty());
    }

    /// Rules: D5
    async fn an_error_rolls_the_rows_back_and_is_recorded(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<fails_to_pay>().launch().await.unwrap();
        let id = store.id("wf");

        assert_eq!(fails_to_pay(&durable).id(&id).await.unwrap(), "not today");

        assert!(store.rows(AMOUNTS, &[&id]).await.is_empty());
        assert_eq!(
            store.steps(&id).await,
            [json!([1, "pay_and_fail", null, r#"{"name":"Error","message":"not today","code":null}"#, null])]
        );
    }

    /// Rules: D5
    async fn a_panic_rolls_the_rows_back_and_leaves_the_connection_sound(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<panics_paying>().launch().await.unwrap();
        let id = store.id("wf");

        let error = panics_paying(&durable).id(&id).await.unwrap();

        assert_eq!(error, "step `pay_and_panic` panicked: out of ink");
        assert_eq!(store.rows(AMOUNTS, &[&id]).await, [json!([2])]);
        assert_eq!(store.step_names(&id).await, ["1 pay_and_panic", "2 pay"]);
    }

    async fn only_the_last_attempt_leaves_rows(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<pays_at_last>().launch().await.unwrap();
        let id = store.id("wf");

        assert_eq!(pays_at_last(&durable).id(&id).await.unwrap(), 9);

        assert_eq!(counted(&id), 3);
        assert_eq!(store.rows(AMOUNTS, &[&id]).await, [json!([9])]);
    }

    /// Rules: D6
    async fn a_transaction_leaves_no_record_beside_its_checkpoint(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<pays>().launch().await.unwrap();

        pays(&durable, 250).id("wf").await.unwrap();

        let tables = if store.is_postgres() {
            "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE '%datasource%'"
        } else {
            "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%datasource%'"
        };
        assert_eq!(store.value(tables, &[]).await, 0);
        assert_eq!(store.step_names("wf").await, ["1 pay"]);
    }

    async fn earlier_results_are_committed_with_the_rows_not_before(store: Store) {
        let durable = store.open().register::<prepares_and_looks>().launch().await.unwrap();
        let id = store.id("wf");

        let seen = prepares_and_looks(&durable).id(&id).await.unwrap();

        assert_eq!(seen, 0, "recorded results that the transaction saw");
        assert_eq!(
            store.steps(&id).await,
            [
                json!([1, "prepare", "7", null, null]),
                json!([2, "steps_seen_inside", "0", null, null]),
            ]
        );
    }

    async fn the_connection_of_the_other_database_is_an_error_that_says_so(store: Store) {
        let durable = store.open().register::<mistakes_the_database>().launch().await.unwrap();

        let error = mistakes_the_database(&durable).await.unwrap_err().to_string();

        let (is, use_instead) = if store.is_postgres() {
            ("runs on PostgreSQL", "`ctx.postgres()`")
        } else {
            ("runs on SQLite", "`ctx.sqlite()`")
        };
        for part in ["`wrong_database`", is, use_instead] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }

    /// Rules: R12, D2
    async fn a_committed_transaction_is_replayed_not_run(store: Store) {
        with_payments(&store).await;
        let id = store.id("wf");
        let durable = store.open().register::<pays_and_holds>().launch().await.unwrap();
        drop(pays_and_holds(&durable, 5).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<pays_and_holds>().launch().await.unwrap();
        let handle = durable.retrieve::<pays_and_holds>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 5);
        assert_eq!(counted(&id), 1);
        assert_eq!(store.rows(AMOUNTS, &[&id]).await, [json!([5])]);
    }

    /// Rules: N3, D1
    async fn transactions_and_steps_can_be_joined(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<pays_side_by_side>().launch().await.unwrap();
        let id = store.id("wf");

        assert_eq!(pays_side_by_side(&durable).id(&id).await.unwrap(), 11);

        assert_eq!(store.rows(AMOUNTS, &[&id]).await, [json!([1]), json!([3])]);
        assert_eq!(store.step_names(&id).await, ["1 pay", "2 prepare", "3 pay"]);
    }

    async fn transactions_of_many_workflows_all_commit(store: Store) {
        with_payments(&store).await;
        let durable = store.open().register::<pays>().launch().await.unwrap();

        let all = (0..64).map(|amount| pays(&durable, amount));
        for (amount, paid) in futures_util::future::join_all(all).await.into_iter().enumerate() {
            assert_eq!(paid.unwrap(), i64::try_from(amount).unwrap());
        }

        assert_eq!(store.value("SELECT count(*) FROM payments", &[]).await, 64);
    }
}

/// Locks two rows, one after the other; the two of a test in opposite orders.
#[transaction]
async fn lock_both(ctx: TransactionContext, first: i64, second: i64) -> anyhow::Result<()> {
    let id = ctx.workflow_id().to_owned();
    let connection = ctx.postgres()?;
    for (number, amount) in [first, second].into_iter().enumerate() {
        if number == 1 && count(&id) == 1 {
            gate(&id).pass().await;
        }
        sqlx::query("UPDATE payments SET workflow = 'locked' WHERE amount = $1")
            .bind(amount)
            .execute(&mut *connection)
            .await
            .context("cannot lock a payment")?;
    }
    Ok(())
}

#[workflow]
async fn locks(ctx: WorkflowContext, first: i64, second: i64) -> anyhow::Result<()> {
    lock_both(&ctx, first, second).await
}

/// SQLite has one writer, which nobody can deadlock with.
/// Rules: D5
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_loses_a_deadlock_runs_again() {
    let store = Store::postgres().await;
    with_payments(&store).await;
    store
        .execute("INSERT INTO payments VALUES ('free', 1), ('free', 2)", &[])
        .await;
    let durable = store.open().register::<locks>().launch().await.unwrap();
    let (one, two) = (store.id("one"), store.id("two"));

    let first = locks(&durable, 1, 2).id(&one).start().await.unwrap();
    let second = locks(&durable, 2, 1).id(&two).start().await.unwrap();
    gate(&one).reached().await;
    gate(&two).reached().await;
    gate(&one).open();
    gate(&two).open();

    first.result().await.unwrap();
    second.result().await.unwrap();
    assert!(
        counted(&one) + counted(&two) >= 3,
        "one of the two ran again"
    );
}

/// Makes the database refuse checkpoints of this name.
pub async fn refuse_function(store: &Store, name: &str) {
    let sql = if store.is_postgres() {
        format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
             BEGIN RAISE EXCEPTION 'poisoned'; END $body$;
             CREATE TRIGGER refuse BEFORE INSERT ON operation_outputs FOR EACH ROW
             WHEN (NEW.function_name = '{name}') EXECUTE FUNCTION refuse()"
        )
    } else {
        format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON operation_outputs
             WHEN NEW.function_name = '{name}' BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
        )
    };
    store.execute(&sql, &[]).await;
}
