//! Whose work is taken: of our version or of none, of our application or of none.

use durable_tests::tally::noted;

use super::{Enqueued, FREE, STATUS, enqueue, poll_all, signs};

on_both_stores! {
    /// Rules: Q10, V7
    async fn only_work_of_our_version_or_of_none_is_taken(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let (older, unversioned) = (store.id("older"), store.id("unversioned"));
        enqueue(&store, Enqueued { id: &older, version: Some("0"), ..Enqueued::default() }).await;
        enqueue(&store, Enqueued { id: &unversioned, version: None, ..Enqueued::default() }).await;

        store.becomes(STATUS, &[&unversioned], "SUCCESS").await;

        assert_eq!(store.status(&unversioned, "application_version").await, "1");
        assert_eq!(store.status(&older, "status").await, "ENQUEUED");
        assert_eq!((noted(&unversioned).len(), noted(&older).len()), (1, 0));
        drop(durable);
    }

    /// Rules: Q10, Q24, V7
    async fn work_of_no_version_waits_for_the_latest_version(store: Store) {
        let older = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let newer = store.open().executor_id("newer").version("2").register::<signs>().queue(&FREE);
        let newer = newer.launch().await.unwrap();
        store
            .execute(
                "UPDATE application_versions SET version_timestamp = version_timestamp + 1000
                 WHERE version_name = '2'",
                &[],
            )
            .await;
        let id = store.id("wf");
        enqueue(&store, Enqueued { id: &id, version: None, ..Enqueued::default() }).await;

        store.becomes(STATUS, &[&id], "SUCCESS").await;

        assert_eq!(store.status(&id, "application_version").await, "2");
        assert_eq!(store.status(&id, "executor_id").await, "newer");
        drop((older, newer));
    }

    /// Rules: Q10
    async fn work_of_another_application_is_left_alone(store: Store) {
        let durable = store
            .open()
            .application("ours")
            .register::<signs>()
            .queue(&FREE)
            .launch()
            .await
            .unwrap();
        let (theirs, nobodys) = (store.id("theirs"), store.id("nobodys"));
        let row = Enqueued { id: &theirs, application: Some("theirs"), ..Enqueued::default() };
        enqueue(&store, row).await;
        enqueue(&store, Enqueued { id: &nobodys, ..Enqueued::default() }).await;

        store.becomes(STATUS, &[&nobodys], "SUCCESS").await;

        assert_eq!(store.status(&nobodys, "application_name").await, "ours");
        assert_eq!(store.status(&theirs, "status").await, "ENQUEUED");
        assert!(noted(&theirs).is_empty());
        drop(durable);
    }

    /// Rules: Q24
    async fn a_start_can_be_bound_to_another_version(store: Store) {
        let older = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let id = store.id("wf");

        let call = signs(&older, store.id("book"), "x".into()).id(&id).queue(&FREE).version("2");
        let handle = call.start().await.unwrap();
        poll_all(&store).await;

        assert_eq!(store.status(&id, "application_version").await, "2");
        assert_eq!(store.status(&id, "status").await, "ENQUEUED");
        let newer = store.open().executor_id("newer").version("2").register::<signs>();
        let newer = newer.launch().await.unwrap();
        handle.result().await.unwrap();
        assert_eq!(store.status(&id, "executor_id").await, "newer");
        drop((older, newer));
    }

    /// Rules: V7
    async fn work_of_no_version_is_taken_when_none_is_registered(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        store.execute("DELETE FROM application_versions", &[]).await;
        let id = store.id("wf");

        enqueue(&store, Enqueued { id: &id, version: None, ..Enqueued::default() }).await;

        store.becomes(STATUS, &[&id], "SUCCESS").await;
        assert_eq!(store.status(&id, "application_version").await, "1");
        drop(durable);
    }

    /// Rules: V7
    async fn the_version_of_another_application_does_not_count(store: Store) {
        let ours = store.open().application("ours").register::<signs>().queue(&FREE).launch().await.unwrap();
        let theirs = store.open().executor_id("theirs").application("theirs").version("2");
        let theirs = theirs.launch().await.unwrap();
        let id = store.id("wf");

        enqueue(&store, Enqueued { id: &id, version: None, ..Enqueued::default() }).await;

        store.becomes(STATUS, &[&id], "SUCCESS").await;
        assert_eq!(store.status(&id, "application_version").await, "1");
        drop((ours, theirs));
    }
}
