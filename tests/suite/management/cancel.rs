//! Cancelling.

use std::time::SystemTime;

use durable_tests::tally::noted;

use super::*;

on_both_stores! {
    /// Rules: M1, M4
    async fn a_cancelled_workflow_leaves_its_queue_and_keeps_the_rest(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS {
            let id = status.as_str();
            given(&store, id, status).await;
            let before = state(&store, id).await;

            client.cancel(id).await.unwrap();

            let cancelled = json!({
                "status": "CANCELLED", "owner_xid": null, "queue_name": null,
                "deduplication_id": null, "started_at_epoch_ms": null,
            });
            let (expected, stamped) = match status {
                Status::Success | Status::Error => (before, false),
                _ => (with(before, cancelled), true),
            };
            assert_eq!(state(&store, id).await, expected, "{status}");
            let times = "SELECT updated_at > 1, COALESCE(completed_at, 0) > 7
                         FROM workflow_status WHERE workflow_uuid = $1";
            let times = store.row(times, &[id]).await;
            assert_eq!((truth(&times[0]), truth(&times[1])), (stamped, stamped), "{status}");
        }
    }

    /// Rules: M1
    async fn what_does_not_exist_is_passed_over(store: Store) {
        let client = client(&store).await;
        given(&store, "there", Status::Enqueued).await;

        client.cancel(["missing", "there"]).await.unwrap();

        assert_eq!(store.status("there", "status").await, "CANCELLED");
    }

    /// Rules: M2
    async fn descendants_are_cancelled_with_their_ancestor(store: Store) {
        let client = client(&store).await;
        for id in ["root", "child", "grandchild", "stranger"] {
            given(&store, id, Status::Pending).await;
        }
        given(&store, "finished", Status::Success).await;
        given(&store, "under finished", Status::Enqueued).await;
        adopt(&store, "root", "child").await;
        adopt(&store, "child", "grandchild").await;
        adopt(&store, "root", "finished").await;
        adopt(&store, "finished", "under finished").await;

        client.cancel("child").await.unwrap();
        assert_eq!(store.status("grandchild", "status").await, "PENDING");
        client.cancel_with_children("root").await.unwrap();

        for id in ["root", "child", "grandchild", "under finished"] {
            assert_eq!(store.status(id, "status").await, "CANCELLED", "{id}");
        }
        assert_eq!(store.status("finished", "status").await, "SUCCESS");
        assert_eq!(store.status("stranger", "status").await, "PENDING");
    }

    /// Rules: M3, L8
    async fn a_workflow_that_runs_here_ends_at_once(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&durable, id.clone()).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        handle.cancel().await.unwrap();
        let error = handle.result().await.unwrap_err();

        assert!(matches!(
            error.downcast_ref(),
            Some(durable_runtime::Error::AwaitedCancelled { .. })
        ));
        assert_eq!(store.status(&id, "status").await, "CANCELLED");
        assert_eq!(store.step_names(&id).await, ["1 mark"]);
        durable.shutdown(Duration::from_secs(10)).await;
        assert_eq!(noted(&id), ["a"]);
    }

    /// Rules: M3
    async fn a_workflow_that_runs_elsewhere_ends_where_it_would_record_something(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        let handle = held(&durable, id.clone()).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        Client::connect(store.url()).await.unwrap().cancel(&id).await.unwrap();
        gate(&id).open();
        handle.result().await.unwrap_err();

        durable.shutdown(Duration::from_secs(10)).await;
        assert_eq!(store.status(&id, "status").await, "CANCELLED");
        assert_eq!(noted(&id), ["a"]);
    }

    async fn all_that_is_older_than_a_time_is_cancelled(store: Store) {
        let client = client(&store).await.application("ours");
        for status in EVERY_STATUS {
            given(&store, status.as_str(), status).await;
        }
        given(&store, "new", Status::Enqueued).await;
        given(&store, "theirs", Status::Enqueued).await;
        given(&store, "ours", Status::Pending).await;
        store
            .execute(
                "UPDATE workflow_status SET created_at = 4000000000000 WHERE workflow_uuid = 'new';
                 UPDATE workflow_status SET application_name = workflow_uuid
                 WHERE workflow_uuid IN ('theirs', 'ours')",
                &[],
            )
            .await;

        let mut cancelled = client.cancel_older_than(SystemTime::now()).await.unwrap();

        cancelled.sort();
        assert_eq!(cancelled, ["DELAYED", "ENQUEUED", "PENDING", "ours"]);
        assert_eq!(store.status("ours", "status").await, "CANCELLED");
        assert_eq!(store.status("theirs", "status").await, "ENQUEUED");
        assert_eq!(store.status("new", "status").await, "ENQUEUED");
    }
}
