//! Taking workflows from one database to another.

use durable_runtime::Error;
use durable_tests::tally::noted;

use super::delete::given_everything;
use super::*;

/// A second database, of the other kind if `other`.
async fn another(store: &Store, other: bool) -> Store {
    match store.is_postgres() == other {
        true => Store::sqlite(),
        false => Store::postgres().await,
    }
}

on_both_stores! {
    async fn a_document_holds_every_row_and_puts_it_back(store: Store) {
        let client = client(&store).await;
        given_everything(&store, "wf").await;
        given_everything(&store, "other").await;

        let document = client.export("wf").await.unwrap();

        let object = document.as_object().unwrap();
        assert_eq!(object.len(), 9);
        for (name, rows) in object.iter().filter(|(name, _)| *name != "form") {
            assert_eq!(rows.as_array().unwrap().len(), 1, "{name}");
        }
        assert_eq!(document["workflow_status"][0]["attributes"], json!({"k": 1}));
        assert_eq!(document["workflow_status"][0]["was_forked_from"], json!(false));
        client.delete("wf").await.unwrap();
        assert_eq!(client.import(&document).await.unwrap(), ["wf"]);
        assert_eq!(client.export("wf").await.unwrap(), document);
    }

    async fn a_document_fits_into_the_other_kind_of_database(store: Store) {
        let here = client(&store).await;
        given_everything(&store, "wf").await;
        let elsewhere = another(&store, true).await;
        let there = client(&elsewhere).await;

        let document = here.export("wf").await.unwrap();
        there.import(&document).await.unwrap();

        assert_eq!(there.export("wf").await.unwrap(), document);
        assert_eq!(state(&elsewhere, "wf").await, state(&store, "wf").await);
    }

    async fn a_family_moves_together(store: Store) {
        let client = client(&store).await;
        for id in ["root", "child", "grandchild"] {
            given(&store, id, Status::Success).await;
        }
        adopt(&store, "root", "child").await;
        adopt(&store, "child", "grandchild").await;

        let alone = client.export("root").await.unwrap();
        let family = client.export_with_children("root").await.unwrap();
        client.delete_with_children("root").await.unwrap();
        let mut imported = client.import(&family).await.unwrap();

        assert_eq!(alone["workflow_status"].as_array().unwrap().len(), 1);
        imported.sort();
        assert_eq!(imported, ["child", "grandchild", "root"]);
        assert_eq!(store.status("grandchild", "parent_workflow_id").await, "child");
    }

    async fn nothing_is_imported_over_what_is_there(store: Store) {
        let client = client(&store).await;
        for id in ["a", "b"] {
            given(&store, id, Status::Success).await;
        }
        let document = client.export(["a", "b"]).await.unwrap();
        client.delete("a").await.unwrap();

        let refused = client.import(&document).await;

        assert!(matches!(refused, Err(Error::WorkflowIdInUse { id }) if id == "b"));
        assert_eq!(rows(&store, "workflow_status", "a").await, 0);
        misuse(client.import(&json!({"form": "other"})).await.unwrap_err());
        misuse(client.import(&json!({"form": "durable-workflows-1"})).await.unwrap_err());
    }

    async fn a_missing_workflow_is_not_exported(store: Store) {
        let client = client(&store).await;
        given(&store, "there", Status::Success).await;

        let refused = client.export(["there", "missing"]).await;

        assert!(matches!(refused, Err(Error::NoSuchWorkflow { id }) if id == "missing"));
    }

    async fn an_interrupted_workflow_goes_on_in_another_database(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        drop(held(&durable, id.clone()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        let elsewhere = another(&store, false).await;
        let there = client(&elsewhere).await;
        let document = Client::connect(store.url()).await.unwrap().export(&id).await.unwrap();

        there.import(&document).await.unwrap();
        gate(&id).open();
        let durable = elsewhere.open().register::<held>().launch().await.unwrap();
        durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(noted(&id), ["a", "b"]);
    }
}
