//! What is noted about workflows.

use super::*;

/// The attributes of a workflow, read as a client does.
async fn attributes(client: &Client, id: &str) -> Option<Json> {
    client.status(id).await.unwrap().attributes
}

on_both_stores! {
    /// Rules: M15
    async fn attributes_are_replaced_merged_and_cleared(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;
        assert_eq!(attributes(&client, "wf").await, Some(json!({"k": 1})));

        let first = json!({"keep": {"deep": [1, {"x": null}]}, "text": "é\"'\\", "yes": true, "half": 0.5});
        client.set_attributes("wf", first).await.unwrap();
        client.merge_attributes("wf", json!({"yes": false, "new.key": null, "list": [1, "a"]})).await.unwrap();

        assert_eq!(
            attributes(&client, "wf").await,
            Some(json!({
                "keep": {"deep": [1, {"x": null}]}, "text": "é\"'\\", "half": 0.5,
                "yes": false, "new.key": null, "list": [1, "a"],
            }))
        );
        client.merge_attributes("wf", json!({"keep": {"other": 1}})).await.unwrap();
        let now = attributes(&client, "wf").await.unwrap();
        assert_eq!(now["keep"], json!({"other": 1}));
        client.clear_attributes("wf").await.unwrap();
        assert_eq!(attributes(&client, "wf").await, None);
        assert!(store.status("wf", "updated_at").await.as_i64().unwrap() > 1);
    }

    /// Rules: M15
    async fn attributes_are_merged_where_there_were_none(store: Store) {
        let client = client(&store).await;
        given(&store, "none", Status::Pending).await;
        given(&store, "null", Status::Pending).await;
        client.clear_attributes("none").await.unwrap();
        store
            .execute("UPDATE workflow_status SET attributes = 'null' WHERE workflow_uuid = 'null'", &[])
            .await;

        for id in ["none", "null"] {
            client.merge_attributes(id, json!({"a": 1})).await.unwrap();

            assert_eq!(attributes(&client, id).await, Some(json!({"a": 1})), "{id}");
        }
    }

    /// Rules: W12
    async fn attributes_are_an_object(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Pending).await;

        misuse(client.set_attributes("wf", json!([1])).await.unwrap_err());
        misuse(client.merge_attributes("wf", Json::Null).await.unwrap_err());

        assert_eq!(attributes(&client, "wf").await, Some(json!({"k": 1})));
    }

    /// Rules: M15
    async fn a_workflow_that_does_not_exist_is_passed_over(store: Store) {
        let client = client(&store).await;

        client.set_attributes("missing", json!({})).await.unwrap();
        client.merge_attributes("missing", json!({"a": 1})).await.unwrap();
        client.clear_attributes("missing").await.unwrap();
    }
}
