//! How processes learn what others write.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Builder, Client};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use serde_json::json;
use sqlx::postgres::PgListener;

const LONG: Duration = Duration::from_secs(3600);
const RARELY: Queue = Queue::new("rarely").polling_interval(LONG);

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn publishes(ctx: WorkflowContext) -> anyhow::Result<()> {
    hold(&ctx).await?;
    ctx.set_event("state", "there").await?;
    ctx.write_stream("log", "line").await?;
    Ok(())
}

#[workflow]
async fn receives(ctx: WorkflowContext) -> anyhow::Result<Option<String>> {
    Ok(ctx.recv(None, LONG).await?)
}

/// A process on the database, which is not the one of another name.
fn process(store: &Store, name: &str) -> Builder {
    let open = store.open().executor_id(name);
    open.register::<publishes>().register::<receives>()
}

/// The connections that listen.
const LISTENERS: &str = "
    SELECT COUNT(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN %'";

on_both_stores! {
    async fn an_idle_queue_takes_what_another_process_enqueues(store: Store) {
        let serving = process(&store, "serving").queue(&RARELY).launch().await.unwrap();
        if store.is_postgres() {
            store.becomes(LISTENERS, &[], 1).await;
        }
        let enqueuing = process(&store, "enqueuing").listen_queues::<&str>([]);
        let enqueuing = enqueuing.launch().await.unwrap();
        for name in ["first", "second"] {
            let id = store.id(name);
            gate(&id).open();
            let handle = publishes(&enqueuing).id(&id).queue(&RARELY).start().await.unwrap();
            handle.result().await.unwrap();
            assert_eq!(store.status(&id, "executor_id").await, "serving");
        }
        serving.shutdown(Duration::ZERO).await;
    }
}

/// Rules: G7
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_another_program_inserts_wakes_its_receiver() {
    crate::both::bounded(async {
        let store = Store::postgres().await;
        let durable = process(&store, "one").launch().await.unwrap();
        store.becomes(LISTENERS, &[], 1).await;
        let id = store.id("wf");
        let handle = receives(&durable).id(&id).start().await.unwrap();
        let waits = "SELECT function_name FROM operation_outputs WHERE workflow_uuid = $1";
        store.becomes(waits, &[&id], "DBOS.sleep").await;
        store
            .execute(
                "INSERT INTO notifications (destination_uuid, topic, message, serialization)
                 VALUES ($1, '__null__topic__', '\"from psql\"', 'portable_json')",
                &[&id],
            )
            .await;

        assert_eq!(handle.result().await.unwrap().as_deref(), Some("from psql"));
    })
    .await;
}

/// Rules: E1, G7, X1
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_told_under_the_names_that_dbos_uses() {
    crate::both::bounded(async {
        let store = Store::postgres().await;
        let durable = process(&store, "one")
            .queue(&RARELY)
            .launch()
            .await
            .unwrap();
        let mut listener = PgListener::connect(store.url()).await.unwrap();
        let channels = [
            "dbos_notifications_channel",
            "dbos_workflow_events_channel",
            "dbos_streams_channel",
            "durable_queues_channel",
            "durable_completions_channel",
        ];
        listener.listen_all(channels).await.unwrap();
        let id = store.id("wf");
        let handle = publishes(&durable)
            .id(&id)
            .queue(&RARELY)
            .start()
            .await
            .unwrap();
        durable.client().send(&id, Some("topic"), &1).await.unwrap();
        gate(&id).open();
        handle.result().await.unwrap();

        let mut missing = vec![
            (channels[0], format!("{id}::topic")),
            (channels[1], format!("{id}::state")),
            (channels[2], format!("{id}::log")),
            (channels[3], "rarely".to_owned()),
            (channels[4], format!("[\"{id}\"]")),
        ];
        while !missing.is_empty() {
            let told = listener.recv().await.unwrap();
            missing.retain(|(channel, payload)| {
                (*channel, payload.as_str()) != (told.channel(), told.payload())
            });
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_loses_its_connection_listens_again() {
    crate::both::bounded(async {
        let store = Store::postgres().await;
        let serving = process(&store, "serving")
            .queue(&RARELY)
            .launch()
            .await
            .unwrap();
        let enqueuing = process(&store, "enqueuing")
            .listen_queues::<&str>([])
            .launch()
            .await
            .unwrap();
        store.becomes(LISTENERS, &[], 2).await;
        store
            .rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND query LIKE 'LISTEN %'",
                &[],
            )
            .await;
        let id = store.id("wf");
        gate(&id).open();
        let handle = publishes(&enqueuing)
            .id(&id)
            .queue(&RARELY)
            .start()
            .await
            .unwrap();

        handle.result().await.unwrap();
        store.becomes(LISTENERS, &[], 2).await;
        serving.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_listens_when_it_begins_to_wait() {
    crate::both::bounded(async {
        let store = Store::postgres().await;
        let durable = process(&store, "one")
            .use_listen_notify(false)
            .launch()
            .await
            .unwrap();
        let id = store.id("wf");
        drop(publishes(&durable).id(&id).start().await.unwrap());
        let client = Client::connect(store.url()).await.unwrap();
        client.send(&id, None, &1).await.unwrap();
        assert_eq!(store.value(LISTENERS, &[]).await, 0);
        let waiting = tokio::spawn({
            let id = id.clone();
            async move { client.get_event::<String>(&id, "state", LONG).await }
        });
        store.becomes(LISTENERS, &[], 1).await;
        waiting.abort();
        gate(&id).open();
    })
    .await;
}

/// Rules: G7, E2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_notifications_everything_is_found_by_asking() {
    crate::both::bounded(async {
        let store = Store::postgres().await;
        let open = |name| process(&store, name).use_listen_notify(false);
        let (one, two) = (
            open("one").launch().await.unwrap(),
            open("two").launch().await.unwrap(),
        );
        learns_from_another_process(&store, &one, &two).await;
        assert_eq!(store.value(LISTENERS, &[]).await, 0);
        let told = "SELECT COUNT(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE 'SELECT pg_notify%'";
        assert_eq!(store.value(told, &[]).await, 0);
    })
    .await;
}

/// What happens in one process is seen in the other: an event, a stream, a message, an end.
async fn learns_from_another_process(store: &Store, one: &Durable, two: &Durable) {
    let (writer, receiver) = (store.id("writer"), store.id("receiver"));
    drop(publishes(one).id(&writer).start().await.unwrap());
    let received = receives(one).id(&receiver).start().await.unwrap();
    let client = two.client();
    let id = writer.clone();
    let (asking, following) = (client.clone(), client.clone());
    let seen = tokio::spawn(async move {
        let event = asking.get_event::<String>(&id, "state", LONG);
        let line = async {
            let mut reader = following.read_stream::<String>(&id, "log");
            (reader.next().await.unwrap(), reader.next().await.unwrap())
        };
        let (event, lines) = tokio::join!(event, line);
        (event.unwrap(), lines)
    });
    gate(&writer).reached().await;
    gate(&writer).open();
    client.send(&receiver, None, "across").await.unwrap();

    assert_eq!(json!(seen.await.unwrap()), json!(["there", ["line", null]]));
    assert_eq!(received.result().await.unwrap().as_deref(), Some("across"));
    two.retrieve::<publishes>(&writer)
        .await
        .unwrap()
        .result()
        .await
        .unwrap();
}

on_both_stores! {
    /// Rules: G7, E2, X3
    async fn what_happens_in_one_process_is_seen_in_another(store: Store) {
        let one = process(&store, "one").launch().await.unwrap();
        let two = process(&store, "two").launch().await.unwrap();
        learns_from_another_process(&store, &one, &two).await;
    }
}
