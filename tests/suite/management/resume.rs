//! Resuming, and putting off.

use std::time::{SystemTime, UNIX_EPOCH};

use durable_runtime::Error;
use durable_tests::tally::noted;

use super::*;

on_both_stores! {
    /// Rules: M5, M6, T6, V4
    async fn a_resumed_workflow_waits_on_the_internal_queue_with_a_new_count(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS {
            let id = status.as_str();
            given(&store, id, status).await;
            step(&store, id, 1, "1").await;
            let before = state(&store, id).await;

            client.resume(id).await.unwrap();

            let resumed = json!({
                "status": "ENQUEUED", "owner_xid": null, "queue_name": "_dbos_internal_queue",
                "deduplication_id": null, "started_at_epoch_ms": null, "recovery_attempts": 0,
                "workflow_deadline_epoch_ms": null,
            });
            let (expected, completed) = match status {
                Status::Success | Status::Error => (before, json!(7)),
                _ => (with(before, resumed), Json::Null),
            };
            assert_eq!(state(&store, id).await, expected, "{status}");
            assert_eq!(store.status(id, "completed_at").await, completed, "{status}");
            assert_eq!(rows(&store, "workflow_input", id).await, 1);
            assert_eq!(rows(&store, "operation_outputs", id).await, 1);
        }
    }

    /// Rules: M5
    async fn a_queue_may_be_given(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Enqueued).await;

        client.resume_on("wf", &SIDE).await.unwrap();
        assert_eq!(store.status("wf", "queue_name").await, "side");
        client.resume_on_named("wf", "other").await.unwrap();

        assert_eq!(store.status("wf", "queue_name").await, "other");
        misuse(client.resume_on_named("wf", " ").await.unwrap_err());
    }

    /// Rules: M5
    async fn one_missing_workflow_fails_all(store: Store) {
        let client = client(&store).await;
        given(&store, "there", Status::Cancelled).await;

        let refused = client.resume(["there", "missing"]).await;

        assert!(matches!(refused, Err(Error::NoSuchWorkflow { id }) if id == "missing"));
        assert_eq!(store.status("there", "status").await, "CANCELLED");
    }

    /// Rules: M5, M6
    async fn a_cancelled_workflow_goes_on_behind_what_it_recorded(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&durable, id.clone()).id(&id).start().await.unwrap();
        gate(&id).reached().await;
        handle.cancel().await.unwrap();
        gate(&id).open();

        let handle = handle.resume().await.unwrap();

        assert_eq!(handle.result().await.unwrap(), "b");
        assert_eq!(noted(&id), ["a", "b"]);
        assert_eq!(store.status(&id, "recovery_attempts").await, 1);
    }

    /// Rules: M5
    async fn a_running_workflow_is_taken_from_who_runs_it(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&durable, id.clone()).id(&id).start().await.unwrap();
        gate(&id).reached().await;
        let before = store.status(&id, "owner_xid").await;

        durable.client().resume(&id).await.unwrap();
        gate(&id).reached_by(2).await;

        let after = store.status(&id, "owner_xid").await;
        assert!(before.is_string() && after.is_string() && before != after);
        gate(&id).open();
        assert_eq!(handle.result().await.unwrap(), "b");
        assert_eq!(noted(&id), ["a", "b"]);
    }

    /// Rules: M14
    async fn only_a_delayed_workflow_is_put_off(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS {
            let id = status.as_str();
            given(&store, id, status).await;

            client.set_delay_until(id, UNIX_EPOCH + Duration::from_millis(99)).await.unwrap();

            let expected = if status == Status::Delayed { 99 } else { 11 };
            assert_eq!(store.status(id, "delay_until_epoch_ms").await, expected, "{status}");
        }
        client.set_delay_until("missing", SystemTime::now()).await.unwrap();

        client.set_delay("DELAYED", Duration::from_secs(3600)).await.unwrap();

        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let until = store.status("DELAYED", "delay_until_epoch_ms").await.as_i64().unwrap();
        assert!((3_590_000..=3_600_000).contains(&(i128::from(until) - i128::try_from(now).unwrap())));
    }
}
