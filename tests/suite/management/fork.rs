//! Forking.

use durable_runtime::Error;
use durable_tests::tally::noted;

use super::delete::given_everything;
use super::*;

/// Steps 1 to 3; events, history and stream entries of the steps 1, 2 and 3; a message.
async fn given_history(store: &Store, id: &str) {
    given_everything(store, id).await;
    step(store, id, 2, "2").await;
    step(store, id, 3, "3").await;
    for position in [2, 3] {
        for sql in [
            format!(
                "INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value)
                 VALUES ($1, {position}, 'e', '{position}')"
            ),
            format!(
                "INSERT INTO streams (workflow_uuid, key, value, \"offset\", function_id)
                 VALUES ($1, 's', '{position}', {position} - 1, {position})"
            ),
        ] {
            store.execute(&sql, &[id]).await;
        }
    }
    let sql = "UPDATE workflow_events SET value = '3' WHERE workflow_uuid = $1";
    store.execute(sql, &[id]).await;
}

const EVENTS: &str = "SELECT key, value FROM workflow_events WHERE workflow_uuid = $1";
const EVENTS_HISTORY: &str = "SELECT function_id, key, value FROM workflow_events_history
    WHERE workflow_uuid = $1 ORDER BY function_id";
const STREAMS: &str = "SELECT function_id, key, \"offset\", value FROM streams
    WHERE workflow_uuid = $1 ORDER BY \"offset\"";

#[step]
async fn fail_until_open(_ctx: StepContext, key: String) -> anyhow::Result<String> {
    anyhow::ensure!(gate(&key).arrivals() > 0, "not yet");
    note(key, "mended");
    Ok("mended".into())
}

#[workflow]
async fn fails(ctx: WorkflowContext, key: String) -> anyhow::Result<String> {
    mark(&ctx, key.clone(), "before".into()).await?;
    fail_until_open(&ctx, key).await
}

#[workflow]
async fn has_a_failing_child(ctx: WorkflowContext, key: String) -> anyhow::Result<String> {
    mark(&ctx, key.clone(), "parent".into()).await?;
    fails(&ctx, key).await
}

/// Lets the failing step succeed from now on.
async fn mend(key: &str) {
    gate(key).open();
    gate(key).pass().await;
}

on_both_stores! {
    /// Rules: M8, W12
    async fn a_fork_is_enqueued_as_what_its_source_is(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS {
            let id = status.as_str();
            given(&store, id, status).await;
            let before = state(&store, id).await;

            let fork = client.fork(id).start().await.unwrap();

            let expected = json!({
                "status": "ENQUEUED", "owner_xid": null, "queue_name": "_dbos_internal_queue",
                "deduplication_id": null, "started_at_epoch_ms": null, "recovery_attempts": 0,
                "workflow_deadline_epoch_ms": null, "application_version": null, "priority": 0,
                "queue_partition_key": null, "workflow_timeout_ms": null, "executor_id": null,
                "delay_until_epoch_ms": null, "name": "given", "was_forked_from": false,
                "forked_from": id, "application_name": null,
                "created_at": store.status(&fork, "created_at").await,
            });
            assert_eq!(state(&store, &fork).await, expected, "{status}");
            let same = ["class_name", "config_name", "application_id", "authenticated_user",
                        "authenticated_roles", "assumed_role", "serialization"];
            for column in same {
                let source = store.status(id, column).await;
                assert!(source.is_string(), "{column}");
                assert_eq!(store.status(&fork, column).await, source, "{column}");
            }
            assert_eq!(client.status(&fork).await.unwrap().attributes, Some(json!({"k": 1})));
            let input = "SELECT inputs FROM workflow_input WHERE workflow_uuid = $1";
            assert_eq!(store.value(input, &[&fork]).await, store.value(input, &[id]).await);
            let marked = with(before, json!({"was_forked_from": true}));
            assert_eq!(state(&store, id).await, marked, "{status}");
        }
    }

    /// Rules: M8
    async fn a_fork_has_the_version_queue_partition_and_timeout_it_is_given(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;

        let fork = client
            .fork("wf")
            .id("fork")
            .version("w")
            .queue(&SIDE)
            .partition_key("key")
            .timeout(Duration::from_secs(5));
        assert_eq!(fork.start().await.unwrap(), "fork");

        let state = state(&store, "fork").await;
        assert_eq!(state["application_version"], "w");
        assert_eq!(state["queue_name"], "side");
        assert_eq!(state["queue_partition_key"], "key");
        assert_eq!(state["workflow_timeout_ms"], 5000);
    }

    /// Rules: M8
    async fn a_fork_belongs_to_the_application_of_its_source_or_else_to_ours(store: Store) {
        let client = client(&store).await.application("ours");
        given(&store, "theirs", Status::Success).await;
        given(&store, "nobodys", Status::Success).await;
        let sql = "UPDATE workflow_status SET application_name = 'theirs' WHERE workflow_uuid = 'theirs'";
        store.execute(sql, &[]).await;
        step(&store, "nobodys", 1, "1").await;

        client.fork("theirs").id("a").start().await.unwrap();
        client.fork("nobodys").id("b").from_step(2).start().await.unwrap();

        assert_eq!(store.status("a", "application_name").await, "theirs");
        assert_eq!(store.status("b", "application_name").await, "ours");
        let sql = "SELECT application_name FROM operation_outputs WHERE workflow_uuid = 'b'";
        assert_eq!(store.value(sql, &[]).await, "ours");
    }

    /// Rules: M8
    async fn there_is_no_fork_of_a_workflow_that_does_not_exist(store: Store) {
        let client = client(&store).await;

        let refused = client.fork("missing").start().await;

        assert!(matches!(refused, Err(Error::NoSuchWorkflow { id }) if id == "missing"));
    }

    /// Rules: M8
    async fn arguments_in_the_old_column_are_copied(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;
        store.execute("DELETE FROM workflow_input", &[]).await;
        store.execute("UPDATE workflow_status SET inputs = 'old'", &[]).await;

        client.fork("wf").id("fork").start().await.unwrap();

        let sql = "SELECT inputs FROM workflow_input WHERE workflow_uuid = 'fork'";
        assert_eq!(store.value(sql, &[]).await, "old");
    }

    /// Rules: M9, N1
    async fn records_before_the_step_are_copied(store: Store) {
        let client = client(&store).await;
        given_history(&store, "wf").await;

        client.fork("wf").id("fork").from_step(3).start().await.unwrap();

        assert_eq!(
            store.steps("fork").await,
            [json!([1, "step1", "1", null, null]), json!([2, "step2", "2", null, null])]
        );
        let times = "SELECT started_at_epoch_ms, completed_at_epoch_ms, serialization
                     FROM operation_outputs WHERE workflow_uuid = 'fork' AND function_id = 2";
        assert_eq!(store.row(times, &[]).await, json!([100, 110, "portable_json"]));
        assert_eq!(store.rows(EVENTS, &["fork"]).await, [json!(["e", "2"])]);
        assert_eq!(
            store.rows(EVENTS_HISTORY, &["fork"]).await,
            [json!([1, "e", "1"]), json!([2, "e", "2"])]
        );
        assert_eq!(
            store.rows(STREAMS, &["fork"]).await,
            [json!([1, "s", 0, "1"]), json!([2, "s", 1, "2"])]
        );
        assert_eq!(rows(&store, "notifications", "fork").await, 0);
        assert_eq!(rows(&store, "workflow_output", "fork").await, 0);
    }

    /// Rules: M9
    async fn nothing_is_copied_when_it_begins_at_the_beginning(store: Store) {
        let client = client(&store).await;
        given_history(&store, "wf").await;

        for step in [0, 1] {
            let fork = client.fork("wf").from_step(step).start().await.unwrap();

            for table in ["operation_outputs", "workflow_events", "workflow_events_history", "streams"] {
                assert_eq!(rows(&store, table, &fork).await, 0, "{table}");
            }
        }
    }

    /// Rules: M10
    async fn other_children_take_the_place_of_those_recorded(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;
        for (position, child) in [(1, "old"), (2, "old"), (3, "other")] {
            step(&store, "wf", position, "1").await;
            let sql = format!(
                "UPDATE operation_outputs SET child_workflow_id = $1 WHERE function_id = {position}"
            );
            store.execute(&sql, &[child]).await;
        }

        let fork = client.fork("wf").id("fork").from_step(4);
        fork.replace_children([("old", "new"), ("unknown", "x")]).start().await.unwrap();

        let steps = store.steps("fork").await;
        let children: Vec<_> = steps.iter().map(|step| step[4].as_str().unwrap()).collect();
        assert_eq!(children, ["new", "new", "other"]);
    }

    /// Rules: M11
    async fn a_fork_gets_an_id_of_its_own(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;

        let random = client.fork("wf").start().await.unwrap();
        let taken = client.fork("wf").id("wf").start().await;
        client.fork("wf").id("fork").start().await.unwrap();
        let again = client.fork("wf").id("fork").start().await;

        assert_eq!(random.len(), 36);
        assert!(matches!(taken, Err(Error::WorkflowIdInUse { id }) if id == "wf"));
        assert!(matches!(again, Err(Error::WorkflowIdInUse { .. })));
        let blank = client.fork("wf").id(" ").start().await;
        assert!(matches!(blank, Err(Error::InvalidWorkflowId { .. })));
    }

    /// Rules: M12
    async fn a_fork_has_more_than_no_time(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;

        misuse(client.fork("wf").timeout(Duration::ZERO).start().await.unwrap_err());
    }

    async fn a_fork_does_what_its_source_did_from_the_step_on(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<held>().launch().await.unwrap();
        gate(&id).open();
        held(&durable, id.clone()).id(&id).await.unwrap();

        let client = durable.client();
        let fork = format!("{id}-fork");
        gate(&fork).open();
        client.fork(&id).id(&fork).from_step(2).start().await.unwrap();
        let result = client.retrieve::<held>(&fork).await.unwrap().result().await.unwrap();

        assert_eq!(result, "b");
        assert_eq!(noted(&id), ["a", "b", "b"]);
        assert_eq!(store.step_names(&fork).await, ["1 mark", "2 hold", "3 mark"]);
    }

    async fn a_fork_from_the_last_failure_does_the_failed_step_again(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<fails>().launch().await.unwrap();
        fails(&durable, id.clone()).id(&id).await.unwrap_err();

        mend(&id).await;
        let client = durable.client();
        let fork = client.fork(&id).from_last_failure().start().await.unwrap();
        client.retrieve::<fails>(&fork).await.unwrap().result().await.unwrap();

        assert_eq!(noted(&id), ["before", "mended"]);
    }

    async fn a_fork_from_the_last_failure_of_a_child_begins_a_new_child(store: Store) {
        let id = store.id("wf");
        let open = store.open().register::<fails>().register::<has_a_failing_child>();
        let durable = open.launch().await.unwrap();
        has_a_failing_child(&durable, id.clone()).id(&id).await.unwrap_err();

        mend(&id).await;
        let client = durable.client();
        let fork = client.fork(&id).from_last_failure().start().await.unwrap();
        client.retrieve::<has_a_failing_child>(&fork).await.unwrap().result().await.unwrap();

        assert_eq!(noted(&id), ["parent", "before", "before", "mended"]);
        assert_eq!(store.steps(&fork).await[1][4], format!("{fork}-2"));
    }

    async fn a_fork_from_the_last_failure_keeps_all_steps_when_none_failed(store: Store) {
        let client = client(&store).await;
        given_history(&store, "wf").await;

        client.fork("wf").id("fork").from_last_failure().start().await.unwrap();

        assert_eq!(rows(&store, "operation_outputs", "fork").await, 3);
        assert_eq!(store.rows(EVENTS, &["fork"]).await, [json!(["e", "3"])]);
    }
}
