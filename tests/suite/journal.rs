//! The journal: records share commits, and one that is refused fails alone.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use futures_util::future::join_all;
use serde_json::json;

use crate::transactions::refuse_function;

#[step]
async fn sound(_ctx: StepContext, number: u32) -> anyhow::Result<u32> {
    Ok(number)
}

#[step]
async fn poison(_ctx: StepContext, number: u32) -> anyhow::Result<u32> {
    Ok(number)
}

#[workflow]
async fn one_step(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
    sound(&ctx, number).await
}

/// All of a test's workflows make their record at one moment.
#[workflow]
async fn at_once(ctx: WorkflowContext, test: String, number: u32) -> anyhow::Result<u32> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(&test).pass().await;
    if number == 50 {
        poison(&ctx, number).await
    } else {
        sound(&ctx, number).await
    }
}

#[workflow]
async fn large_result(_ctx: WorkflowContext, bytes: usize) -> anyhow::Result<String> {
    Ok("x".repeat(bytes))
}

on_both_stores! {
    async fn a_refused_record_fails_alone(store: Store) {
        let test = store.id("test");
        let durable = store.open().register::<at_once>().launch().await.unwrap();
        refuse_function(&store, "poison").await;

        let mut handles = Vec::new();
        for number in 0..=100 {
            handles.push(at_once(&durable, test.clone(), number).start().await.unwrap());
        }
        gate(&test).reached_by(101).await;
        gate(&test).open();

        for (number, handle) in handles.iter().enumerate() {
            let result = handle.result().await;
            if number == 50 {
                let error = result.unwrap_err().to_string();
                for part in ["`poison`", "position 1", "refused by the database", "poisoned"] {
                    assert!(error.contains(part), "`{part}` is not in: {error}");
                }
            } else {
                assert_eq!(usize::try_from(result.unwrap()).unwrap(), number);
            }
        }
        let ended = store
            .rows("SELECT status, count(*) FROM workflow_status GROUP BY status ORDER BY status", &[])
            .await;
        assert_eq!(ended, [json!(["ERROR", 1]), json!(["SUCCESS", 100])]);
        assert_eq!(store.value("SELECT count(*) FROM operation_outputs", &[]).await, 100);
    }

    async fn a_refused_start_is_an_error_of_its_caller_alone(store: Store) {
        let durable = store.open().register::<one_step>().launch().await.unwrap();
        refuse_id(&store, "poison").await;

        let all = join_all((0..40).map(|number| {
            let id = if number == 20 { "poison".to_owned() } else { format!("sound-{number}") };
            one_step(&durable, number).id(id)
        }))
        .await;

        for (number, result) in all.into_iter().enumerate() {
            if number == 20 {
                let error = format!("{:#}", result.unwrap_err());
                assert!(error.contains("poisoned"), "{error}");
            } else {
                assert_eq!(usize::try_from(result.unwrap()).unwrap(), number);
            }
        }
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 39);
    }

    async fn large_records_are_committed(store: Store) {
        let durable = store.open().register::<large_result>().launch().await.unwrap();

        let all = join_all((0..6).map(|_| large_result(&durable, 5 << 20))).await;

        for result in all {
            assert_eq!(result.unwrap().len(), 5 << 20);
        }
    }

    async fn concurrent_workflows_share_their_commits(store: Store) {
        const WORKFLOWS: u32 = 256;
        let durable = store.open().register::<one_step>().launch().await.unwrap();
        let before = Commits::now(&store).await;

        let all = join_all((0..WORKFLOWS).map(|number| one_step(&durable, number))).await;

        for (number, result) in all.into_iter().enumerate() {
            assert_eq!(usize::try_from(result.unwrap()).unwrap(), number);
        }
        let commits = before.until_the_end_of(durable, &store).await;
        // A start, a step and a completion each.
        assert!(
            (3..=i64::from(WORKFLOWS) / 2).contains(&commits),
            "{commits} commits for {} records",
            WORKFLOWS * 3
        );
        assert_eq!(store.value("SELECT count(*) FROM operation_outputs", &[]).await, WORKFLOWS);
    }
}

/// Counts commits: of PostgreSQL by its statistics, of SQLite by the counter in the header of the
/// WAL index, which goes up by one with each transaction that writes.
struct Commits(i64);

impl Commits {
    async fn now(store: &Store) -> Self {
        Self(match store.path() {
            None => {
                let sql = "SELECT pg_stat_get_db_xact_commit(oid) FROM pg_database
                     WHERE datname = current_database()";
                store.value(sql, &[]).await.as_i64().unwrap()
            }
            Some(path) => {
                let index = std::fs::read(path.with_extension("db-shm")).unwrap();
                i64::from(u32::from_ne_bytes(index[8..12].try_into().unwrap()))
            }
        })
    }

    async fn until_the_end_of(self, durable: Durable, store: &Store) -> i64 {
        // PostgreSQL's sessions report their counts when they end; the WAL index of SQLite is
        // removed then.
        let counted = if store.is_postgres() {
            durable.shutdown(Duration::ZERO).await;
            Self::now(store).await
        } else {
            Self::now(store).await
        };
        counted.0 - self.0
    }
}

/// Makes the database refuse a workflow of this id.
async fn refuse_id(store: &Store, id: &str) {
    let sql = if store.is_postgres() {
        format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
             BEGIN RAISE EXCEPTION 'poisoned'; END $body$;
             CREATE TRIGGER refuse BEFORE INSERT ON workflow_status FOR EACH ROW
             WHEN (NEW.workflow_uuid = '{id}') EXECUTE FUNCTION refuse()"
        )
    } else {
        format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON workflow_status
             WHEN NEW.workflow_uuid = '{id}' BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
        )
    };
    store.execute(&sql, &[]).await;
}
