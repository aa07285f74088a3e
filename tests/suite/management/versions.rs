//! Application versions.

use durable_runtime::{Error, StoreError};

use super::*;

on_both_stores! {
    /// Rules: V8
    async fn the_version_launched_last_is_the_latest_until_another_is_made_so(store: Store) {
        for version in ["1", "2"] {
            let durable = store.open().version(version).launch().await.unwrap();
            durable.shutdown(Duration::ZERO).await;
            let bump = "UPDATE application_versions SET version_timestamp = version_timestamp - 5000";
            store.execute(bump, &[]).await;
        }
        let client = Client::connect(store.url()).await.unwrap();
        assert_eq!(client.latest_version().await.unwrap().version_name, "2");

        client.set_latest_version("1").await.unwrap();

        let versions = client.versions().await.unwrap();
        let names: Vec<_> = versions.iter().map(|version| version.version_name.as_str()).collect();
        assert_eq!(names, ["1", "2"]);
        assert!(versions[0].version_timestamp_ms > versions[1].version_timestamp_ms);
        client.set_latest_version("2").await.unwrap();
        assert_eq!(client.latest_version().await.unwrap().version_name, "2");
    }

    /// Rules: V8
    async fn a_version_without_an_owner_becomes_that_of_who_makes_it_the_latest(store: Store) {
        let client = client(&store).await;

        client.clone().application("ours").set_latest_version("1").await.unwrap();

        let latest = client.latest_version().await.unwrap();
        assert_eq!(latest.application_name.as_deref(), Some("ours"));
        client.set_latest_version("1").await.unwrap();
        assert_eq!(client.latest_version().await.unwrap().application_name.as_deref(), Some("ours"));
    }

    /// Rules: V9
    async fn the_version_of_another_application_is_neither_seen_nor_changed(store: Store) {
        let durable = store.open().application("theirs").launch().await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        let client = Client::connect(store.url()).await.unwrap().application("ours");

        assert_eq!(client.versions().await.unwrap(), []);
        let refused = client.set_latest_version("1").await.unwrap_err();

        let Error::Store(refused) = refused else { panic!("{refused}") };
        assert!(matches!(&*refused, StoreError::Owned { owner, .. } if owner == "theirs"), "{refused}");
    }

    async fn a_version_that_never_ran_cannot_be_the_latest(store: Store) {
        let client = client(&store).await;

        let text = misuse(client.set_latest_version("unheard of").await.unwrap_err());

        assert!(text.contains("`unheard of`"), "{text}");
        store.execute("DELETE FROM application_versions", &[]).await;
        misuse(client.latest_version().await.unwrap_err());
    }
}
