//! Starting workflows by name, from a client, and in the caller's own transaction.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, DuplicationPolicy, Error, Untyped, WorkflowHandle};
use serde_json::{Value as Json, json};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

const Q: Queue = Queue::new("q").polling_interval(Duration::from_millis(20));

#[workflow]
async fn greet(_ctx: WorkflowContext, name: String, times: u32) -> anyhow::Result<String> {
    Ok(format!("hello {name}").repeat(times as usize))
}

#[workflow(class = "shop", name = "greet")]
async fn greet_in_the_shop(_ctx: WorkflowContext) -> anyhow::Result<String> {
    Ok("what can I do for you".to_owned())
}

#[workflow]
async fn calls_by_name(ctx: WorkflowContext) -> anyhow::Result<Json> {
    let call = ctx.enqueue("greet", "q").arg("ada").named_arg("times", &1);
    let child: WorkflowHandle<Untyped> = call.start().await?;
    Ok(child.result().await?)
}

#[workflow]
async fn fails(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Err(durable_runtime::ErrorRecord::new("Broken", "out of paper")
        .code(7)
        .into())
}

#[workflow]
async fn calls_what_fails(ctx: WorkflowContext) -> anyhow::Result<()> {
    let child: WorkflowHandle<Untyped<()>> = ctx.enqueue("fails", "q").start().await?;
    Ok(child.result().await?)
}

on_both_stores! {
    /// Rules: L2
    async fn a_client_enqueues_what_a_program_runs(store: Store) {
        let durable = store.open().register::<greet>().queue(&Q).launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap();

        let call = client.enqueue("greet", "q").arg("ada").arg(&2).id("wf");
        let handle: WorkflowHandle<Untyped<String>> = call.start().await.unwrap();

        assert_eq!(handle.result().await.unwrap(), "hello adahello ada");
        durable.shutdown(Duration::ZERO).await;
    }

    /// Rules: L2
    async fn what_a_client_enqueues_has_neither_executor_nor_version(store: Store) {
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;
        let client = Client::connect(store.url()).await.unwrap().application("shop-app");

        drop(client.enqueue("greet", "q").id("wf").start::<String>().await.unwrap());

        let row = store
            .row(
                "SELECT status, queue_name, executor_id, application_version, application_name, application_id,
                        recovery_attempts, owner_xid, serialization FROM workflow_status",
                &[],
            )
            .await;
        assert_eq!(row, json!(["ENQUEUED", "q", null, null, "shop-app", null, 0, null, "portable_json"]));
    }

    async fn a_typed_call_works_from_a_client_as_well(store: Store) {
        let durable = store.open().register::<greet>().queue(&Q).launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap();

        let result = greet(&client, "ada".into(), 1).queue(&Q).await.unwrap();
        let error = greet(&client, "ada".into(), 1).start().await.unwrap_err();

        assert_eq!(result, "hello ada");
        assert!(error.to_string().contains("a client runs nothing"), "{error}");
        durable.shutdown(Duration::ZERO).await;
    }

    async fn a_client_of_an_empty_database_says_what_is_missing(store: Store) {
        let error = Client::connect(store.url()).await.unwrap_err();

        let error = error.to_string();
        assert!(error.contains("run") || error.contains("app.db"), "{error}");
    }

    /// Rules: W11
    async fn a_workflow_is_found_by_its_class_and_its_name(store: Store) {
        let durable = store.open().register::<greet>().register::<greet_in_the_shop>().queue(&Q).launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap();

        let call = client.enqueue("greet", "q").class("shop");
        let shop: WorkflowHandle<Untyped<String>> = call.start().await.unwrap();
        let call = client.enqueue("greet", "q").class("bakery").id("bakery");
        let bakery: WorkflowHandle<Untyped<String>> = call.start().await.unwrap();
        let call = client.enqueue("greet", "q").class("shop").instance("corner");
        let corner: WorkflowHandle<Untyped<String>> = call.start().await.unwrap();

        assert_eq!(shop.result().await.unwrap(), "what can I do for you");
        let error = bakery.result().await.unwrap_err().to_string();
        assert!(error.contains("`bakery/greet` is not registered"), "{error}");
        let error = corner.result().await.unwrap_err().to_string();
        assert!(error.contains("no instance `corner`"), "{error}");
        assert_eq!(greet_in_the_shop(&durable).id("direct").await.unwrap(), "what can I do for you");
        assert_eq!(store.status("direct", "class_name").await, "shop");
    }

    /// Rules: W7
    async fn an_id_of_another_class_is_a_conflict(store: Store) {
        let durable = store.open().register::<greet>().register::<greet_in_the_shop>().launch().await.unwrap();
        greet_in_the_shop(&durable).id("wf").await.unwrap();

        let error = greet(&durable, "ada".into(), 1).id("wf").start().await.unwrap_err();

        assert!(matches!(error, Error::ConflictingWorkflow { .. }), "{error:?}");
    }

    /// Rules: W8
    async fn an_id_in_use_may_be_refused(store: Store) {
        let durable = store.open().register::<greet>().launch().await.unwrap();
        let call = || greet(&durable, "ada".into(), 1).id("wf");
        call().reject_existing().await.unwrap();

        let refused = call().reject_existing().start().await.unwrap_err();
        let joined = call().await.unwrap();

        assert!(matches!(&refused, Error::WorkflowIdInUse { id } if id == "wf"), "{refused:?}");
        assert_eq!(refused.to_record().code, 27);
        assert_eq!(joined, "hello ada");
    }

    /// Rules: W12
    async fn attributes_are_an_object_and_not_inherited(store: Store) {
        let durable = store.open().register::<greet>().register::<calls_by_name>().queue(&Q).launch().await.unwrap();

        let call = calls_by_name(&durable).id("wf").attribute("tenant", "acme").attribute("size", 3);
        call.await.unwrap();

        let status = durable.status("wf").await.unwrap();
        assert_eq!(status.attributes, Some(json!({"tenant": "acme", "size": 3})));
        assert_eq!(durable.status("wf-1").await.unwrap().attributes, None);
    }

    async fn a_workflow_calls_another_by_name(store: Store) {
        let durable = store.open().register::<greet>().register::<calls_by_name>().queue(&Q).launch().await.unwrap();

        let result = calls_by_name(&durable).id("wf").await.unwrap();

        assert_eq!(result, "hello ada");
        assert_eq!(store.step_names("wf").await, ["1 greet", "2 DBOS.getResult"]);
        assert_eq!(store.status("wf-1", "application_version").await, "1");
        assert_eq!(store.status("wf-1", "parent_workflow_id").await, "wf");
    }

    /// Rules: F6
    async fn an_error_of_a_workflow_called_by_name_keeps_its_name_and_code(store: Store) {
        let durable = store.open().register::<fails>().register::<calls_what_fails>().queue(&Q).launch().await.unwrap();

        calls_what_fails(&durable).id("wf").await.unwrap_err();

        let error = store.value("SELECT error FROM workflow_output WHERE workflow_uuid = 'wf'", &[]).await;
        assert_eq!(error, r#"{"name":"Broken","message":"out of paper","code":7}"#);
    }

    async fn what_is_enqueued_in_a_transaction_exists_when_that_commits(store: Store) {
        let durable = store.open().register::<greet>().queue(&Q).launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap();
        let call = |id: &str| client.enqueue("greet", "q").arg("ada").arg(&1).id(id);

        if store.is_postgres() {
            let mut connection = PgConnection::connect(store.url()).await.unwrap();
            let mut transaction = connection.begin().await.unwrap();
            call("dropped").start_in(Connection::Postgres(&mut transaction)).await.unwrap();
            transaction.rollback().await.unwrap();
            let mut transaction = connection.begin().await.unwrap();
            call("kept").start_in(Connection::Postgres(&mut transaction)).await.unwrap();
            transaction.commit().await.unwrap();
        } else {
            let mut connection = SqliteConnection::connect(store.url()).await.unwrap();
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            call("dropped").start_in(Connection::Sqlite(&mut transaction)).await.unwrap();
            transaction.rollback().await.unwrap();
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            call("kept").start_in(Connection::Sqlite(&mut transaction)).await.unwrap();
            transaction.commit().await.unwrap();
        }

        assert_eq!(durable.retrieve::<greet>("kept").await.unwrap().result().await.unwrap(), "hello ada");
        assert!(matches!(durable.status("dropped").await, Err(Error::NoSuchWorkflow { .. })));
    }

    async fn a_held_deduplication_id_gives_the_holder_if_that_is_wanted(store: Store) {
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;
        let client = Client::connect(store.url()).await.unwrap();
        let call = |id: &str| client.enqueue("greet", "q").id(id).deduplication_id("one");
        drop(call("first").start::<String>().await.unwrap());

        let refused = call("second").start::<String>().await.unwrap_err();
        let policy = DuplicationPolicy::ReturnExisting;
        let holder = call("third").duplication_policy(policy).start::<String>().await.unwrap();

        assert!(matches!(refused, Error::Deduplicated { .. }), "{refused:?}");
        assert_eq!(holder.workflow_id(), "first");
    }
}
