//! Messages: sent exactly once, received exactly once.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Error, Message};
use durable_tests::gates::gate;
use durable_tests::proxy::{Moment, Proxy};
use durable_tests::store::Store;
use durable_tests::tally::{count, counted, note, noted};
use serde_json::json;
use tokio::join;

const LONG: Duration = Duration::from_secs(3600);

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// Receives two messages, and is held between them.
#[workflow]
async fn receives(ctx: WorkflowContext, topic: Option<String>) -> anyhow::Result<Vec<String>> {
    let mut received = Vec::new();
    for turn in 0..2 {
        let message: Option<String> = ctx.recv(topic.as_deref(), LONG).await?;
        note(ctx.workflow_id(), message.clone().unwrap_or_default());
        received.extend(message);
        if turn == 0 {
            hold(&ctx).await?;
        }
    }
    Ok(received)
}

#[workflow]
async fn receives_two_at_once(ctx: WorkflowContext) -> anyhow::Result<Vec<i64>> {
    hold(&ctx).await?;
    let (first, second) = join!(ctx.recv(None, LONG), ctx.recv(None, LONG));
    Ok([first?, second?].into_iter().flatten().collect())
}

#[workflow]
async fn waits_for(ctx: WorkflowContext, ms: u64) -> anyhow::Result<Option<String>> {
    Ok(ctx.recv(Some("news"), Duration::from_millis(ms)).await?)
}

/// Sends, and is held after it.
#[workflow]
async fn sends(ctx: WorkflowContext, to: String) -> anyhow::Result<String> {
    let sent = ctx.send(&to, Some("news"), "good").await;
    let way = match sent {
        Ok(()) => "sent".to_owned(),
        Err(Error::NoSuchWorkflow { id }) => format!("there is no {id}"),
        Err(error) => return Err(error.into()),
    };
    note(ctx.workflow_id(), &way);
    hold(&ctx).await?;
    Ok(way)
}

#[workflow]
async fn sends_many(ctx: WorkflowContext, to: Vec<String>) -> anyhow::Result<()> {
    let messages = to.iter().map(|to| Message::new(to, "all"));
    let messages: Vec<_> = messages.collect::<Result<_, _>>()?;
    ctx.send_bulk(messages).await?;
    Ok(())
}

#[step(max_attempts = 2, interval = "1ms")]
async fn sends_in_a_step(ctx: StepContext, to: String) -> anyhow::Result<()> {
    ctx.send(&to, None, "again").await?;
    ctx.send(&to, None, "once").idempotency_key("step").await?;
    anyhow::ensure!(ctx.attempt() > 0, "once more");
    Ok(())
}

#[workflow]
async fn has_a_sending_step(ctx: WorkflowContext, to: String) -> anyhow::Result<()> {
    sends_in_a_step(&ctx, to).await
}

#[step]
async fn sends_when_told(ctx: StepContext, to: String) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    let id = ctx.workflow_id();
    count(format!("{id}/tries"));
    ctx.send(&to, None, "stale").await?;
    count(format!("{id}/sent"));
    Ok(())
}

#[workflow]
async fn has_a_held_step(ctx: WorkflowContext, to: String) -> anyhow::Result<()> {
    sends_when_told(&ctx, to).await
}

async fn launch(store: &Store) -> Durable {
    let open = store
        .open()
        .register::<receives>()
        .register::<receives_two_at_once>();
    let open = open
        .register::<waits_for>()
        .register::<sends>()
        .register::<sends_many>();
    let open = open
        .register::<has_a_sending_step>()
        .register::<has_a_held_step>();
    open.launch().await.unwrap()
}

/// A workflow that gets messages and is not run.
async fn mailbox(store: &Store, name: &str, forked_from: Option<&str>) -> String {
    let id = store.id(name);
    let forked_from = forked_from.map_or("NULL".to_owned(), |id| format!("'{id}'"));
    store
        .execute(
            &format!(
                "INSERT INTO workflow_status (workflow_uuid, status, name, priority, forked_from)
                 VALUES ($1, 'SUCCESS', 'mailbox', 0, {forked_from})"
            ),
            &[&id],
        )
        .await;
    id
}

/// Runs a workflow behind a proxy that keeps the answer to the commit of `statement`, and then cuts the connection.
async fn cut_at<T>(
    store: &Store,
    id: &str,
    statement: &'static str,
    run: impl AsyncFnOnce(&Durable) -> T,
) -> T {
    let moment = Moment::Committed;
    let proxy = Proxy::start(store.url(), format!("{id}/cut"), statement, moment).await;
    let open = Durable::open(proxy.url())
        .executor_id("worker")
        .version("1");
    let open = open.register::<waits_for>().register::<sends>();
    let durable = open.launch().await.unwrap();
    let cut = async {
        proxy.moment().await;
        proxy.cut();
    };
    let (ended, ()) = tokio::join!(run(&durable), cut);
    durable.shutdown(Duration::from_secs(10)).await;
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_whose_answer_is_lost_happens_once() {
    crate::both::bounded(async {
        let store = Store::postgres().await;
        let id = store.id("wf");
        let received = cut_at(&store, &id, "UPDATE dbos.notifications", async |durable| {
            let handle = waits_for(durable, 3_600_000).id(&id).start().await.unwrap();
            let messages = ["first", "second"].map(|text| Message::new(&id, text).unwrap());
            let messages = messages.map(|message| message.topic("news"));
            durable.client().send_bulk(messages).await.unwrap();
            handle.result().await.unwrap()
        });
        assert_eq!(received.await.as_deref(), Some("first"));
        assert_eq!(store.status(&id, "status").await, "SUCCESS");
        let left = "SELECT message FROM notifications WHERE NOT consumed";
        assert_eq!(store.value(left, &[]).await, "\"second\"");
    })
    .await;
}

/// Rules: R10, G1
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_nobody_whose_answer_is_lost_is_the_same_error() {
    crate::both::bounded(async {
        let store = Store::postgres().await;
        let id = store.id("wf");
        gate(&id).open();
        let statement = "UPDATE dbos.operation_outputs SET error";
        let way = cut_at(&store, &id, statement, async |durable| {
            sends(durable, "nobody".to_owned()).id(&id).await.unwrap()
        });
        assert_eq!(way.await, "there is no nobody");
    })
    .await;
}

const MESSAGES: &str = "
    SELECT topic, message, serialization, consumed, consumed_by_function_id FROM notifications
    WHERE destination_uuid = $1 ORDER BY created_at_epoch_ms, message";
const COUNT: &str = "SELECT COUNT(*) FROM notifications WHERE destination_uuid = $1";

on_both_stores! {
    /// Rules: G2, N1
    async fn messages_are_received_in_the_order_of_their_sending(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        gate(&id).open();
        let handle = receives(&durable, None).id(&id).start().await.unwrap();
        let client = durable.client();
        client.send(&id, Some("other"), "not for this").await.unwrap();
        let messages = ["first", "second"].map(|text| Message::new(&id, text).unwrap());
        client.send_bulk(messages).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), ["first", "second"]);
        let steps = ["1 DBOS.recv", "2 DBOS.sleep", "3 hold", "4 DBOS.recv", "5 DBOS.sleep"];
        assert_eq!(store.step_names(&id).await, steps);
    }

    /// Rules: G1, G2, R15
    async fn a_received_message_stays_in_its_table_marked_with_its_receiver(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        drop(receives(&durable, None).id(&id).start().await.unwrap());
        durable.client().send(&id, None, "hello").await.unwrap();
        gate(&id).reached().await;

        let messages = store.rows(MESSAGES, &[&id]).await;
        let mut expected = json!([["__null__topic__", "\"hello\"", "portable_json", true, 1]]);
        if !store.is_postgres() && messages[0][3] == 1 {
            expected[0][3] = json!(1);
        }
        assert_eq!(json!(messages), expected);
        let row = store
            .row(
                "SELECT output, serialization FROM operation_outputs
                 WHERE workflow_uuid = $1 AND function_id = 1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["\"hello\"", "portable_json"]));
    }

    /// Rules: G2, R4, R12
    async fn a_message_is_received_once_however_often_the_workflow_is_interrupted(store: Store) {
        let id = store.id("wf");
        let durable = launch(&store).await;
        drop(receives(&durable, Some("t".to_owned())).id(&id).start().await.unwrap());
        durable.client().send(&id, Some("t"), "first").await.unwrap();
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        for launches in 2..=3 {
            let durable = launch(&store).await;
            gate(&id).reached_by(launches).await;
            durable.shutdown(Duration::ZERO).await;
        }

        let durable = launch(&store).await;
        durable.client().send(&id, Some("t"), "second").await.unwrap();
        gate(&id).open();
        let received = durable.retrieve::<receives>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(received, ["first", "second"]);
        assert_eq!(noted(&id), ["first", "first", "first", "first", "second"]);
    }

    /// Rules: G2
    async fn two_receivers_of_one_workflow_get_different_messages(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        let handle = receives_two_at_once(&durable).id(&id).start().await.unwrap();
        let messages = [1, 2].map(|number| Message::new(&id, &number).unwrap());
        durable.client().send_bulk(messages).await.unwrap();
        gate(&id).open();

        let mut received = handle.result().await.unwrap();
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
    }

    /// Rules: G2, R6
    async fn an_execution_that_lost_its_workflow_receives_nothing(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        drop(waits_for(&durable, 3_600_000).id(&id).start().await.unwrap());
        let sleep = "SELECT function_name FROM operation_outputs WHERE workflow_uuid = $1";
        store.becomes(sleep, &[&id], "DBOS.sleep").await;
        store
            .execute(
                "UPDATE workflow_status SET owner_xid = 'another' WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        durable.client().send(&id, Some("news"), "late").await.unwrap();
        durable.shutdown(Duration::from_secs(10)).await;

        assert_eq!(store.step_names(&id).await, ["2 DBOS.sleep"]);
        let consumed = "SELECT COUNT(*) FROM notifications WHERE consumed";
        assert_eq!(store.value(consumed, &[]).await, 0);
    }

    /// Rules: G3, R15
    async fn a_receiver_gives_up_after_its_time(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        assert_eq!(waits_for(&durable, 50).id(&id).await.unwrap(), None);

        let row = store
            .row(
                "SELECT output, error, serialization FROM operation_outputs
                 WHERE workflow_uuid = $1 AND function_id = 1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["null", null, "portable_json"]));
    }

    /// Rules: G3, P1, P2
    async fn the_end_of_the_wait_survives_a_crash(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        drop(waits_for(&durable, 3_600_000).id(&id).start().await.unwrap());
        let sleep = "SELECT function_name FROM operation_outputs WHERE workflow_uuid = $1";
        store.becomes(sleep, &[&id], "DBOS.sleep").await;
        durable.shutdown(Duration::ZERO).await;
        store
            .execute("UPDATE operation_outputs SET output = '1500000000000'", &[])
            .await;

        let durable = launch(&store).await;
        let received = durable.retrieve::<waits_for>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(received, None);
    }

    /// Rules: G4
    async fn the_second_message_of_a_key_does_not_arrive(store: Store) {
        let durable = launch(&store).await;
        let (one, two) = (mailbox(&store, "one", None).await, mailbox(&store, "two", None).await);
        let client = durable.client();
        for (to, text) in [(&one, "a"), (&one, "b"), (&two, "c")] {
            client.send(to, None, text).idempotency_key("key").await.unwrap();
        }

        let ids = store
            .rows("SELECT message_uuid, message FROM notifications ORDER BY message", &[])
            .await;
        let expected = [
            json!([format!("key::{one}"), "\"a\""]),
            json!([format!("key::{two}"), "\"c\""]),
        ];
        assert_eq!(ids, expected);
    }

    /// Rules: G4
    async fn two_messages_of_one_call_need_different_keys(store: Store) {
        let durable = launch(&store).await;
        let to = mailbox(&store, "to", None).await;
        let message = Message::new(&to, &1).unwrap().idempotency_key("key");
        let sent = durable.client().send_bulk([message.clone(), message]).await;

        assert!(matches!(sent, Err(Error::Misuse(_))), "{sent:?}");
        assert_eq!(store.value(COUNT, &[&to]).await, 0);
    }

    /// Rules: G5
    async fn several_messages_are_sent_together_or_not_at_all(store: Store) {
        let durable = launch(&store).await;
        let (one, two) = (mailbox(&store, "one", None).await, mailbox(&store, "two", None).await);
        let id = store.id("wf");
        sends_many(&durable, vec![one.clone(), two.clone()]).id(&id).await.unwrap();
        let failed = sends_many(&durable, vec![one.clone(), "nobody".to_owned()]).await;
        let empty = store.id("empty");
        sends_many(&durable, Vec::new()).id(&empty).await.unwrap();

        let error = failed.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::NoSuchWorkflow { .. })), "{error:?}");
        assert_eq!(store.value(COUNT, &[&one]).await, 1);
        assert_eq!(store.value(COUNT, &[&two]).await, 1);
        for id in [id, empty] {
            assert_eq!(store.steps(&id).await, [json!([1, "DBOS.send_bulk", null, null, null])]);
        }
    }

    /// Rules: G5
    async fn a_message_to_forks_goes_to_forks_of_forks(store: Store) {
        let durable = launch(&store).await;
        let origin = mailbox(&store, "origin", None).await;
        let fork = mailbox(&store, "fork", Some(&origin)).await;
        let forks_fork = mailbox(&store, "forks fork", Some(&fork)).await;
        let other = mailbox(&store, "other", None).await;
        let client = durable.client();
        client.send(&origin, None, "to one").await.unwrap();
        client.send(&origin, None, "to all").to_forks().idempotency_key("k").await.unwrap();

        for (id, count) in [(&origin, 2), (&fork, 1), (&forks_fork, 1), (&other, 0)] {
            assert_eq!(store.value(COUNT, &[id]).await, count, "{id}");
        }
        let key = format!("k::{forks_fork}");
        let id = "SELECT message_uuid FROM notifications WHERE destination_uuid = $1";
        assert_eq!(store.value(id, &[&forks_fork]).await, key);
    }

    /// Rules: G6, R15
    async fn a_message_to_a_finished_workflow_is_kept(store: Store) {
        let durable = launch(&store).await;
        let to = mailbox(&store, "to", None).await;
        let id = store.id("wf");
        gate(&id).open();
        assert_eq!(sends(&durable, to.clone()).id(&id).await.unwrap(), "sent");

        assert_eq!(store.value(COUNT, &[&to]).await, 1);
        let row = store
            .row(
                "SELECT function_name, output, error, serialization FROM operation_outputs
                 WHERE workflow_uuid = $1 AND function_id = 1",
                &[&id],
            )
            .await;
        assert_eq!(row, json!(["DBOS.send", null, null, null]));
    }

    /// Rules: G1, R4, R10
    async fn a_message_to_nobody_is_an_error_on_a_replay_too(store: Store) {
        let durable = launch(&store).await;
        let id = store.id("wf");
        drop(sends(&durable, "later".to_owned()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        store
            .execute(
                "INSERT INTO workflow_status (workflow_uuid, status, name, priority)
                 VALUES ('later', 'SUCCESS', 'mailbox', 0)",
                &[],
            )
            .await;

        let durable = launch(&store).await;
        gate(&id).open();
        let way = durable.retrieve::<sends>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(way, "there is no later");
        assert_eq!(noted(&id), [way.clone(), way]);
        let steps = store.steps(&id).await;
        let error: serde_json::Value = serde_json::from_str(steps[0][3].as_str().unwrap()).unwrap();
        assert_eq!(error["name"], "DBOSNonExistentWorkflowError");
        assert_eq!(error["code"], 5);
    }

    /// Rules: G1, R4
    async fn a_replay_does_not_send_again(store: Store) {
        let durable = launch(&store).await;
        let to = mailbox(&store, "to", None).await;
        let id = store.id("wf");
        drop(sends(&durable, to.clone()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let durable = launch(&store).await;
        gate(&id).open();
        durable.retrieve::<sends>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(store.value(COUNT, &[&to]).await, 1);
    }

    /// Rules: N5, G4
    async fn a_step_that_runs_again_sends_again_unless_it_names_a_key(store: Store) {
        let durable = launch(&store).await;
        let to = mailbox(&store, "to", None).await;
        let id = store.id("wf");
        has_a_sending_step(&durable, to.clone()).id(&id).await.unwrap();

        let messages = store
            .rows("SELECT message FROM notifications ORDER BY message", &[])
            .await;
        assert_eq!(messages, [json!(["\"again\""]), json!(["\"again\""]), json!(["\"once\""])]);
        assert_eq!(store.step_names(&id).await, ["1 sends_in_a_step"]);
    }

    /// Rules: N5, R6
    async fn a_step_of_an_execution_that_lost_its_workflow_sends_nothing(store: Store) {
        let durable = launch(&store).await;
        let to = mailbox(&store, "to", None).await;
        let id = store.id("wf");
        drop(has_a_held_step(&durable, to.clone()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        store
            .execute(
                "UPDATE workflow_status SET owner_xid = 'another' WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        gate(&id).open();
        // The execution ends where it waits for the message to be sent.
        durable.shutdown(Duration::from_secs(60)).await;

        assert_eq!(counted(&format!("{id}/tries")), 1);
        assert_eq!(counted(&format!("{id}/sent")), 0);
        assert_eq!(store.value(COUNT, &[&to]).await, 0);
    }

    /// Rules: N6, G1
    async fn a_message_from_outside_to_nobody_is_an_error(store: Store) {
        let durable = launch(&store).await;
        let sent = durable.client().send("nobody", None, &1).await;

        assert!(matches!(sent, Err(Error::NoSuchWorkflow { id }) if id == "nobody"));
    }

    /// Rules: G1
    async fn a_message_in_a_transaction_is_there_when_that_commits(store: Store) {
        let durable = launch(&store).await;
        let to = mailbox(&store, "to", None).await;
        let client = durable.client();
        let messages = [Message::new(&to, "in").unwrap()];
        for commit in [false, true] {
            if store.is_postgres() {
                use sqlx::{Connection as _, PgConnection};
                let mut connection = PgConnection::connect(store.url()).await.unwrap();
                let mut transaction = connection.begin().await.unwrap();
                client.send_in(Connection::Postgres(&mut transaction), &messages).await.unwrap();
                match commit {
                    true => transaction.commit().await.unwrap(),
                    false => transaction.rollback().await.unwrap(),
                }
            } else {
                use sqlx::{Connection as _, SqliteConnection};
                let mut connection = SqliteConnection::connect(store.url()).await.unwrap();
                let mut transaction = connection.begin().await.unwrap();
                client.send_in(Connection::Sqlite(&mut transaction), &messages).await.unwrap();
                match commit {
                    true => transaction.commit().await.unwrap(),
                    false => transaction.rollback().await.unwrap(),
                }
            }
            assert_eq!(store.value(COUNT, &[&to]).await, i64::from(commit));
        }
    }
}
