//! Rewinding.

use durable_runtime::Error;
use durable_tests::tally::noted;

use super::*;

on_both_stores! {
    /// Rules: M7, T6
    async fn a_rewound_workflow_waits_on_the_internal_queue_without_an_outcome(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS.into_iter().filter(|status| status.is_finished()) {
            let id = status.as_str();
            given(&store, id, status).await;
            store.execute("UPDATE workflow_status SET output = '1', error = '1'", &[]).await;
            let before = state(&store, id).await;

            client.rewind(id).start().await.unwrap();

            let rewound = json!({
                "status": "ENQUEUED", "owner_xid": null, "queue_name": "_dbos_internal_queue",
                "queue_partition_key": null, "deduplication_id": null,
                "started_at_epoch_ms": null, "recovery_attempts": 0,
                "workflow_deadline_epoch_ms": null,
            });
            assert_eq!(state(&store, id).await, with(before, rewound), "{status}");
            assert_eq!(rows(&store, "workflow_output", id).await, 0);
            assert_eq!(rows(&store, "workflow_input", id).await, 1);
            let rest = "SELECT completed_at, output, error FROM workflow_status WHERE workflow_uuid = $1";
            assert_eq!(store.row(rest, &[id]).await, json!([null, null, null]));
        }
    }

    /// Rules: M7
    async fn an_unfinished_workflow_is_not_rewound(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS.into_iter().filter(|status| !status.is_finished()) {
            let id = status.as_str();
            given(&store, id, status).await;
            let before = state(&store, id).await;

            let text = misuse(client.rewind(id).start().await.unwrap_err());

            assert!(text.contains("cancel it first"), "{text}");
            assert_eq!(state(&store, id).await, before, "{status}");
        }
        let missing = client.rewind("missing").start().await;
        assert!(matches!(missing, Err(Error::NoSuchWorkflow { id }) if id == "missing"));
    }

    /// Rules: M7
    async fn steps_are_counted_from_1(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;

        misuse(client.rewind("wf").to_step(0).start().await.unwrap_err());

        assert_eq!(store.status("wf", "status").await, "SUCCESS");
    }

    /// Rules: M7
    async fn what_came_from_the_step_on_is_forgotten(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;
        for position in [1, 2, 3] {
            step(&store, "wf", position, "1").await;
        }
        store
            .execute(
                "INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value, serialization)
                 VALUES ('wf', 1, 'both', 'old', 'f'), ('wf', 2, 'both', 'new', 'g'),
                        ('wf', 1, 'early', 'e', NULL), ('wf', 3, 'late', 'l', NULL);
                 INSERT INTO workflow_events (workflow_uuid, key, value, serialization)
                 VALUES ('wf', 'both', 'new', 'g'), ('wf', 'early', 'e', NULL), ('wf', 'late', 'l', NULL);
                 INSERT INTO streams (workflow_uuid, key, value, \"offset\", function_id, serialization)
                 VALUES ('wf', 's', '1', 0, 1, 'portable_json'), ('wf', 's', '2', 1, 2, 'portable_json'),
                        ('wf', 's', '\"__DBOS_STREAM_CLOSED__\"', 2, 3, 'portable_json'),
                        ('wf', 't', '\"__DBOS_STREAM_CLOSED__\"', 0, 1, 'portable_json');
                 INSERT INTO notifications (message_uuid, destination_uuid, message, consumed, consumed_by_function_id)
                 VALUES ('early', 'wf', 'm', TRUE, 1), ('late', 'wf', 'm', TRUE, 2),
                        ('unread', 'wf', 'm', FALSE, NULL)",
                &[],
            )
            .await;

        client.rewind("wf").to_step(2).start().await.unwrap();

        assert_eq!(store.step_names("wf").await, ["1 step1"]);
        let events = "SELECT key, value, serialization FROM workflow_events ORDER BY key";
        assert_eq!(
            store.rows(events, &[]).await,
            [json!(["both", "old", "f"]), json!(["early", "e", null])]
        );
        let history = "SELECT function_id, key FROM workflow_events_history ORDER BY key";
        assert_eq!(store.rows(history, &[]).await, [json!([1, "both"]), json!([1, "early"])]);
        let streams = "SELECT key, \"offset\" FROM streams ORDER BY key, \"offset\"";
        assert_eq!(
            store.rows(streams, &[]).await,
            [json!(["s", 0]), json!(["s", 1]), json!(["t", 0])]
        );
        let messages = "SELECT message_uuid FROM notifications";
        assert_eq!(store.rows(messages, &[]).await, [json!(["early"])]);
    }

    /// Rules: M7
    async fn a_rewind_has_the_version_queue_and_partition_it_is_given(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Cancelled).await;

        let rewind = client.rewind("wf").version("w").queue(&SIDE).partition_key("key");
        rewind.start().await.unwrap();

        let state = state(&store, "wf").await;
        assert_eq!(state["application_version"], "w");
        assert_eq!(state["queue_name"], "side");
        assert_eq!(state["queue_partition_key"], "key");
    }

    /// Rules: M7
    async fn a_rewound_workflow_does_the_rest_again(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        gate(&id).open();
        let first = held(&durable, id.clone()).id(&id).start().await.unwrap();
        first.result().await.unwrap();

        durable.client().rewind(&id).to_step(3).start().await.unwrap();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(noted(&id), ["a", "b", "b"]);
        assert_eq!(gate(&id).arrivals(), 1);
    }
}
