//! Deleting.

use super::*;

const TABLES: [&str; 8] = [
    "workflow_status",
    "workflow_input",
    "workflow_output",
    "operation_outputs",
    "notifications",
    "workflow_events",
    "workflow_events_history",
    "streams",
];

/// Puts a row about a workflow into every table.
pub(super) async fn given_everything(store: &Store, id: &str) {
    given(store, id, Status::Success).await;
    step(store, id, 1, "1").await;
    store
        .execute(
            "INSERT INTO notifications (message_uuid, destination_uuid, topic, message)
             VALUES ('m-' || $1, $1, 't', '1')",
            &[id],
        )
        .await;
    store
        .execute(
            "INSERT INTO workflow_events (workflow_uuid, key, value) VALUES ($1, 'e', '1')",
            &[id],
        )
        .await;
    store
        .execute(
            "INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value)
             VALUES ($1, 1, 'e', '1')",
            &[id],
        )
        .await;
    store
        .execute(
            "INSERT INTO streams (workflow_uuid, key, value, \"offset\", function_id)
             VALUES ($1, 's', '1', 0, 1)",
            &[id],
        )
        .await;
}

on_both_stores! {
    /// Rules: M13
    async fn nothing_is_left_of_a_deleted_workflow(store: Store) {
        let client = client(&store).await;
        given_everything(&store, "gone").await;
        given_everything(&store, "stays").await;

        let deleted = client.delete(["gone", "missing"]).await.unwrap();

        assert_eq!(deleted, 1);
        for table in TABLES {
            assert_eq!(rows(&store, table, "gone").await, 0, "{table}");
            assert_eq!(rows(&store, table, "stays").await, 1, "{table}");
        }
    }

    /// Rules: M13
    async fn a_workflow_is_deleted_in_any_state(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS {
            given(&store, status.as_str(), status).await;

            assert_eq!(client.delete(status.as_str()).await.unwrap(), 1, "{status}");
        }
    }

    /// Rules: M13
    async fn descendants_are_deleted_with_their_ancestor(store: Store) {
        let client = client(&store).await;
        for id in ["root", "child", "grandchild", "stranger"] {
            given(&store, id, Status::Success).await;
        }
        adopt(&store, "root", "child").await;
        adopt(&store, "child", "grandchild").await;

        assert_eq!(client.delete_with_children("root").await.unwrap(), 3);

        let left = store.rows("SELECT workflow_uuid FROM workflow_status", &[]).await;
        assert_eq!(left, [json!(["stranger"])]);
    }

    async fn a_running_workflow_that_is_deleted_records_nothing_more(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        drop(held(&durable, id.clone()).id(&id).start().await.unwrap());
        gate(&id).reached().await;

        durable.client().delete(&id).await.unwrap();
        gate(&id).open();
        durable.shutdown(Duration::from_secs(10)).await;

        assert_eq!(rows(&store, "operation_outputs", &id).await, 0);
    }
}
