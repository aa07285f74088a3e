//! Durable sleep.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_runtime::prelude::*;
use serde_json::{Value as Json, json};

#[workflow]
async fn naps(ctx: WorkflowContext, ms: u64) -> anyhow::Result<u64> {
    ctx.sleep(Duration::from_millis(ms)).await;
    Ok(ms)
}

#[workflow]
async fn does_not_sleep(ctx: WorkflowContext) -> anyhow::Result<()> {
    ctx.sleep(Duration::ZERO).await;
    ctx.sleep(Duration::from_millis(1)).await;
    Ok(())
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Puts a workflow that sleeps for an hour on the internal queue, with a recorded wake-up.
async fn sleeping(store: &durable_tests::store::Store, wake: &str) {
    let durable = store.open().register::<naps>().launch().await.unwrap();
    drop(naps(&durable, 3_600_000).id("wf").start().await.unwrap());
    let recorded = "SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'";
    store.becomes(recorded, &[], 1).await;
    durable.shutdown(Duration::ZERO).await;
    store
        .execute("UPDATE operation_outputs SET output = $1", &[wake])
        .await;
}

on_both_stores! {
    /// Rules: P1, P2
    async fn a_sleep_records_when_it_ends_in_seconds_with_a_fraction(store: Store) {
        let durable = store.open().register::<naps>().launch().await.unwrap();
        let before = now_ms();

        naps(&durable, 20).id("wf").await.unwrap();

        let row = store
            .row(
                "SELECT function_id, function_name, output, serialization, started_at_epoch_ms,
                        completed_at_epoch_ms FROM operation_outputs",
                &[],
            )
            .await;
        assert_eq!((&row[0], &row[1], &row[3]), (&json!(1), &json!("DBOS.sleep"), &json!("portable_json")));
        let text = row[2].as_str().unwrap();
        assert!(text.contains('.'), "{text} is a float, as Python writes it");
        let wake: f64 = text.parse().unwrap();
        let (started, completed) = (row[4].as_i64().unwrap(), row[5].as_i64().unwrap());
        assert_eq!((wake * 1000.0).round() as i64, completed);
        assert_eq!(completed - started, 20);
        assert!(before + 20 <= completed && completed <= now_ms());
    }

    /// Rules: P1
    async fn a_sleep_that_a_crash_interrupted_waits_for_the_rest_only(store: Store) {
        sleeping(&store, &format!("{:?}", (now_ms() - 5) as f64 / 1000.0)).await;

        let durable = store.open().register::<naps>().launch().await.unwrap();
        let result = durable.retrieve::<naps>("wf").await.unwrap().result().await.unwrap();

        assert_eq!(result, 3_600_000);
    }

    /// Rules: P1
    async fn a_wake_up_in_milliseconds_as_other_languages_record_it_is_understood(store: Store) {
        sleeping(&store, &(now_ms() - 5).to_string()).await;

        let durable = store.open().register::<naps>().launch().await.unwrap();

        durable.retrieve::<naps>("wf").await.unwrap().result().await.unwrap();
    }

    async fn a_sleep_of_nothing_takes_no_position(store: Store) {
        let durable = store.open().register::<does_not_sleep>().launch().await.unwrap();

        does_not_sleep(&durable).id("wf").await.unwrap();

        let names: Vec<Json> = store.steps("wf").await.iter().map(|step| step[1].clone()).collect();
        assert_eq!(names, [json!("DBOS.sleep")]);
    }
}
