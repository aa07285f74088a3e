//! How many start within a period.

use std::time::Duration;

use durable_runtime::prelude::*;
use serde_json::json;

use super::{Enqueued, FINISHED, FREE, LONG, QUICK, enqueue, poll_all, prepare, signs};

const THREE_AT_A_TIME: Queue = Queue::new("three at a time")
    .limiter(3, LONG)
    .polling_interval(QUICK);

const STARTED: &str = "SELECT count(*) FROM workflow_status WHERE queue_name = 'three at a time' AND status = 'SUCCESS'";

on_both_stores! {
    /// Rules: Q11, Q12
    async fn a_limiter_counts_starts_in_a_sliding_window(store: Store) {
        let durable =
            store.open().register::<signs>().queue(&FREE).queue(&THREE_AT_A_TIME).launch().await.unwrap();
        for _ in 0..8 {
            let call = signs(&durable, store.id("book"), "x".into()).queue(&THREE_AT_A_TIME);
            drop(call.start().await.unwrap());
        }

        store.becomes(STARTED, &[], 3).await;
        poll_all(&store).await;
        assert_eq!(store.value(STARTED, &[]).await, 3);
        // As if the period were over.
        store
            .execute("UPDATE workflow_status SET started_at_epoch_ms = started_at_epoch_ms - 600000", &[])
            .await;

        store.becomes(STARTED, &[], 6).await;
        poll_all(&store).await;
        assert_eq!(store.value(STARTED, &[]).await, 6);
        drop(durable);
    }

    /// Rules: Q12
    async fn a_start_counts_once_its_row_says_when(store: Store) {
        let durable =
            store.open().register::<signs>().queue(&FREE).queue(&THREE_AT_A_TIME).launch().await.unwrap();
        for number in 0..4 {
            let call = signs(&durable, store.id("book"), "x".into()).id(format!("wf-{number}"));
            drop(call.queue(&THREE_AT_A_TIME).start().await.unwrap());
        }
        store.becomes(STARTED, &[], 3).await;
        let limited = store
            .rows("SELECT DISTINCT rate_limited FROM workflow_status WHERE status = 'SUCCESS'", &[])
            .await;
        assert_eq!(limited.len(), 1);
        assert!([json!([true]), json!([1])].contains(&limited[0]), "{limited:?}");

        // Cancel and resume leave a row without a time of start.
        let one = store.value("SELECT min(workflow_uuid) FROM workflow_status WHERE status = 'SUCCESS'", &[]).await;
        store
            .execute(
                "UPDATE workflow_status SET status = 'CANCELLED', started_at_epoch_ms = NULL
                 WHERE workflow_uuid = $1",
                &[one.as_str().unwrap()],
            )
            .await;

        store.becomes(STARTED, &[], 3).await;
        drop(durable);
    }

    /// Rules: Q12, Q13
    async fn a_workflow_of_a_queue_without_a_limiter_does_not_count_for_one(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();

        signs(&durable, store.id("book"), "x".into()).id("wf").queue(&FREE).await.unwrap();

        let limited = store.status("wf", "rate_limited").await;
        assert!([json!(false), json!(0)].contains(&limited), "{limited}");
        drop(durable);
    }

    /// Rules: Q12
    async fn a_period_ends_by_itself(store: Store) {
        let queue = Queue::new("brief")
            .limiter(1, Duration::from_millis(300))
            .polling_interval(QUICK);
        let durable = store.open().register::<signs>().queue(&queue).launch().await.unwrap();
        for number in 0..3 {
            let call = signs(&durable, store.id("book"), "x".into()).id(format!("wf-{number}"));
            drop(call.queue(&queue).start().await.unwrap());
        }

        store.becomes(FINISHED, &[], 3).await;

        let starts = store
            .rows("SELECT started_at_epoch_ms FROM workflow_status ORDER BY 1", &[])
            .await;
        for pair in starts.windows(2) {
            let apart = pair[1][0].as_i64().unwrap() - pair[0][0].as_i64().unwrap();
            assert!(apart >= 300, "{starts:?}");
        }
        drop(durable);
    }

    /// Rules: Q8, Q12
    async fn a_limiter_holds_for_all_processes_together(store: Store) {
        prepare(&store).await;
        let ids: Vec<_> = (0..12).map(|_| store.id("wf")).collect();
        for id in &ids {
            enqueue(&store, Enqueued { id, queue: "three at a time", ..Enqueued::default() }).await;
        }
        let launch = |executor: &'static str| {
            let open = store.open().executor_id(executor).register::<signs>();
            open.queue(&FREE).queue(&THREE_AT_A_TIME).launch()
        };

        let processes = (launch("first").await.unwrap(), launch("second").await.unwrap());

        store.becomes(STARTED, &[], 3).await;
        poll_all(&store).await;
        assert_eq!(store.value(STARTED, &[]).await, 3);
        let waiting = store.rows("SELECT count(*) FROM workflow_status WHERE status = 'ENQUEUED'", &[]).await;
        assert_eq!(waiting, [json!([9])]);
        drop(processes);
    }
}
