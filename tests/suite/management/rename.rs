//! Renaming applications.

use super::*;

/// Rows of every table that has an owner, of `old`, of nobody, and of `theirs`.
async fn given_owners(store: &Store) {
    for (owner, name) in [("old", "'old'"), ("nobody", "NULL"), ("theirs", "'theirs'")] {
        for status in [Status::Success, Status::Enqueued, Status::Cancelled] {
            let id = format!("{owner} {status}");
            given(store, &id, status).await;
            step(store, &id, 1, "1").await;
            step(store, &id, 2, "1").await;
            for table in ["workflow_status", "operation_outputs"] {
                let sql = format!(
                    "UPDATE {table} SET application_name = {name} WHERE workflow_uuid = $1"
                );
                store.execute(&sql, &[&id]).await;
            }
        }
        let sql = format!(
            "INSERT INTO queues (name, application_name) VALUES ($1, {name});
             INSERT INTO application_versions (version_id, version_name, application_name)
             VALUES ($1, $1, {name});
             INSERT INTO workflow_schedules (schedule_id, schedule_name, workflow_name, schedule, context, application_name)
             VALUES ($1, $1, 'w', '* * * * *', 'null', {name})"
        );
        store.execute(&sql, &[owner]).await;
    }
    store
        .execute(
            "DELETE FROM application_versions WHERE version_name = '1'",
            &[],
        )
        .await;
}

/// How many rows of each table belong to `name`.
async fn owned(store: &Store, name: &str) -> Vec<Json> {
    let mut counts = Vec::new();
    for table in [
        "queues",
        "workflow_schedules",
        "application_versions",
        "workflow_status",
        "operation_outputs",
    ] {
        let sql = format!("SELECT count(*) FROM {table} WHERE application_name = $1");
        counts.push(store.value(&sql, &[name]).await);
    }
    counts
}

on_both_stores! {
    async fn everything_of_an_application_gets_its_new_name(store: Store) {
        let client = client(&store).await;
        given_owners(&store).await;

        let renamed = client.rename_application("new").from("old").batch_size(1).run().await.unwrap();

        assert_eq!(
            serde_json::to_value(renamed).unwrap(),
            json!({"queues": 1, "schedules": 1, "versions": 1, "workflows": 3, "steps": 6})
        );
        assert_eq!(owned(&store, "new").await, [1, 1, 1, 3, 6]);
        assert_eq!(owned(&store, "old").await, [0, 0, 0, 0, 0]);
        assert_eq!(owned(&store, "theirs").await, [1, 1, 1, 3, 6]);
        let again = client.rename_application("new").from("old").run().await.unwrap();
        assert_eq!(again.workflows, 0);
    }

    async fn what_nobody_owns_is_adopted_when_asked_for(store: Store) {
        let client = client(&store).await;
        given_owners(&store).await;

        let adopted = client.rename_application("new").adopt_unclaimed().run().await.unwrap();
        assert_eq!((adopted.queues, adopted.workflows, adopted.steps), (1, 3, 6));
        let rest = client.rename_application("newer").from("new").adopt_unclaimed().batch_size(2).run().await.unwrap();

        assert_eq!((rest.workflows, rest.steps), (3, 6));
        assert_eq!(owned(&store, "old").await, [1, 1, 1, 3, 6]);
    }

    async fn a_renaming_that_makes_no_sense_is_refused(store: Store) {
        let client = client(&store).await;

        misuse(client.rename_application("new").run().await.unwrap_err());
        misuse(client.rename_application("New").from("old").run().await.unwrap_err());
        misuse(client.rename_application("ab").from("old").run().await.unwrap_err());
        misuse(client.rename_application("new").from("new").run().await.unwrap_err());
        misuse(client.rename_application("new").from("").run().await.unwrap_err());
        misuse(client.rename_application("new").from("old").batch_size(0).run().await.unwrap_err());
    }
}
