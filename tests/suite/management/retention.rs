//! Deleting what is old.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// Gives workflows their time of creation, in milliseconds.
async fn created_at(store: &Store, id: &str, ms: i64) {
    let sql = format!("UPDATE workflow_status SET created_at = {ms} WHERE workflow_uuid = $1");
    store.execute(&sql, &[id]).await;
}

async fn left(store: &Store) -> Vec<String> {
    let sql = "SELECT workflow_uuid FROM workflow_status ORDER BY workflow_uuid";
    let rows = store.rows(sql, &[]).await;
    rows.iter()
        .map(|row| row[0].as_str().unwrap().to_owned())
        .collect()
}

on_both_stores! {
    async fn what_finished_and_is_older_than_a_time_is_deleted(store: Store) {
        let client = client(&store).await;
        for (index, status) in EVERY_STATUS.into_iter().enumerate() {
            let id = status.as_str();
            given(&store, id, status).await;
            created_at(&store, id, i64::try_from(index).unwrap()).await;
        }
        given(&store, "on the edge", Status::Success).await;
        created_at(&store, "on the edge", 100).await;

        let collect = client.garbage_collect().before(UNIX_EPOCH + Duration::from_millis(100));
        assert_eq!(collect.run().await.unwrap(), 4);

        assert_eq!(left(&store).await, ["DELAYED", "ENQUEUED", "PENDING", "on the edge"]);
        assert_eq!(rows(&store, "workflow_input", "SUCCESS").await, 0);
        assert_eq!(rows(&store, "workflow_output", "SUCCESS").await, 0);
    }

    async fn the_newest_are_kept_whatever_their_state(store: Store) {
        let client = client(&store).await;
        for (id, status, ms) in [
            ("a", Status::Success, 1),
            ("b", Status::Pending, 2),
            ("c", Status::Success, 3),
            ("d", Status::Enqueued, 4),
            ("e", Status::Success, 5),
        ] {
            given(&store, id, status).await;
            created_at(&store, id, ms).await;
        }
        assert_eq!(client.garbage_collect().keep_newest(9).run().await.unwrap(), 0);

        assert_eq!(client.garbage_collect().keep_newest(2).run().await.unwrap(), 2);

        assert_eq!(left(&store).await, ["b", "d", "e"]);
    }

    async fn much_is_deleted_in_batches(store: Store) {
        let client = client(&store).await;
        for number in 0..7 {
            given(&store, &format!("wf{number}"), Status::Success).await;
        }

        let collect = client.garbage_collect().older_than(Duration::ZERO).batch_size(3);
        assert_eq!(collect.run().await.unwrap(), 7);

        assert_eq!(left(&store).await, [""; 0]);
    }

    async fn what_is_another_applications_stays(store: Store) {
        let client = client(&store).await.application("ours");
        for id in ["ours", "theirs", "nobodys"] {
            given(&store, id, Status::Success).await;
        }
        store
            .execute(
                "UPDATE workflow_status SET application_name = workflow_uuid
                 WHERE workflow_uuid <> 'nobodys'",
                &[],
            )
            .await;

        assert_eq!(client.garbage_collect().older_than(Duration::ZERO).run().await.unwrap(), 2);

        assert_eq!(left(&store).await, ["theirs"]);
    }

    async fn it_must_be_said_what_is_old(store: Store) {
        let client = client(&store).await;

        misuse(client.garbage_collect().run().await.unwrap_err());
        misuse(client.garbage_collect().keep_newest(0).run().await.unwrap_err());
        misuse(client.garbage_collect().older_than(Duration::ZERO).batch_size(0).run().await.unwrap_err());
    }
}
