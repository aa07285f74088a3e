//! Starting a workflow: what is written, what an id means.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Error, Status};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::json;

#[step]
async fn add(ctx: StepContext, left: i64, right: i64) -> anyhow::Result<i64> {
    count(ctx.workflow_id());
    Ok(left + right)
}

#[workflow]
async fn sum(ctx: WorkflowContext, left: i64, right: i64) -> anyhow::Result<i64> {
    add(&ctx, left, right).await
}

#[workflow]
async fn other(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn held(ctx: WorkflowContext) -> anyhow::Result<String> {
    hold(&ctx).await?;
    Ok("through".to_owned())
}

const NOBODYS: Queue = Queue::new("nobody's");
const ANOTHER: Queue = Queue::new("another");

/// Makes the database take every new row for one of this time.
async fn stop_the_clock(store: &Store, time: i64) {
    if store.is_postgres() {
        let sql = format!(
            "ALTER TABLE workflow_status ALTER created_at SET DEFAULT {time},
                                         ALTER updated_at SET DEFAULT {time}"
        );
        store.execute(&sql, &[]).await;
    } else {
        let sql = format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema
             SET sql = replace(sql, '(strftime(''%s'', ''now'') * 1000 + substr(strftime(''%f'', ''now''), 4))', '({time})')
             WHERE name = 'workflow_status';
             PRAGMA writable_schema = RESET"
        );
        store.execute(&sql, &[]).await;
    }
}

on_both_stores! {
    /// Rules: L8
    async fn an_awaited_workflow_returns_its_result(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();

        assert_eq!(sum(&durable, 2, 3).await.unwrap(), 5);
    }

    /// Rules: W11, L1, L3
    async fn the_row_of_a_finished_workflow_is_that_of_dbos(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();

        sum(&durable, 2, 3).id("wf").await.unwrap();

        let row = store
            .row(
                "SELECT status, name, executor_id, application_version, recovery_attempts,
                        owner_xid, serialization, queue_name, started_at_epoch_ms,
                        deduplication_id, parent_workflow_id, inputs, output, error
                 FROM workflow_status WHERE workflow_uuid = $1",
                &["wf"],
            )
            .await;
        assert_eq!(
            row,
            json!([
                "SUCCESS", "sum", "worker", "1", 1, null, "portable_json", null, null, null,
                null, null, null, null
            ])
        );
        let times = store
            .row(
                "SELECT completed_at >= created_at, updated_at >= created_at,
                        creator_xid IS NOT NULL
                 FROM workflow_status WHERE workflow_uuid = $1",
                &["wf"],
            )
            .await;
        assert!(times == json!([1, 1, 1]) || times == json!([true, true, true]), "{times}");
    }

    /// Rules: F1, F2, F4
    async fn arguments_and_result_are_stored_as_exact_json(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();

        sum(&durable, 2, 3).id("wf").await.unwrap();

        let input = store
            .value("SELECT inputs FROM workflow_input WHERE workflow_uuid = $1", &["wf"])
            .await;
        let output = store
            .row("SELECT output, error FROM workflow_output WHERE workflow_uuid = $1", &["wf"])
            .await;
        assert_eq!(input, r#"{"positionalArgs":[2,3],"namedArgs":{}}"#);
        assert_eq!(output, json!(["5", null]));
    }

    /// Rules: L1
    async fn a_running_workflow_is_pending_with_an_owner(store: Store) {
        let durable = store.open().register::<held>().launch().await.unwrap();
        let id = store.id("wf");

        let handle = held(&durable).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        let row = store
            .row(
                "SELECT status, recovery_attempts, owner_xid = creator_xid, completed_at
                 FROM workflow_status WHERE workflow_uuid = $1",
                &[&id],
            )
            .await;
        assert!(row == json!(["PENDING", 1, true, null]) || row == json!(["PENDING", 1, 1, null]));
        gate(&id).open();
        assert_eq!(handle.result().await.unwrap(), "through");
    }

    async fn a_started_workflow_is_durable_when_start_returns(store: Store) {
        let durable = store.open().register::<held>().launch().await.unwrap();
        let id = store.id("wf");

        let handle = held(&durable).id(&id).start().await.unwrap();

        assert_eq!(store.status(&id, "status").await, "PENDING");
        assert_eq!(handle.workflow_id(), id);
        gate(&id).open();
        handle.result().await.unwrap();
        assert_eq!(durable.status(&id).await.unwrap().status, Status::Success);
    }

    /// Rules: W1
    async fn an_unnamed_workflow_gets_a_random_uuid(store: Store) {
        let durable = store.open().register::<other>().launch().await.unwrap();

        let first = other(&durable).start().await.unwrap();
        let second = other(&durable).start().await.unwrap();

        assert_ne!(first.workflow_id(), second.workflow_id());
        assert_eq!(first.workflow_id().len(), 36);
        assert_eq!(first.workflow_id().as_bytes()[14], b'4', "a version 4 UUID");
        first.result().await.unwrap();
        second.result().await.unwrap();
    }

    /// Rules: W6, W7
    async fn an_existing_id_gives_the_recorded_result_and_runs_nothing(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();
        let id = store.id("wf");

        sum(&durable, 2, 3).id(&id).await.unwrap();
        let again = sum(&durable, 100, 100).id(&id).await.unwrap();

        assert_eq!(again, 5);
        assert_eq!(counted(&id), 1);
    }

    /// Rules: W6, W7
    async fn an_existing_id_keeps_its_queue_and_its_arguments(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();
        let id = store.id("wf");
        drop(sum(&durable, 2, 3).id(&id).queue(&NOBODYS).start().await.unwrap());

        drop(sum(&durable, 4, 5).id(&id).queue(&ANOTHER).start().await.unwrap());
        drop(sum(&durable, 6, 7).id(&id).start().await.unwrap());

        let row = store
            .row(
                "SELECT s.status, s.queue_name, s.recovery_attempts, i.inputs
                 FROM workflow_status s JOIN workflow_input i ON i.workflow_uuid = s.workflow_uuid",
                &[],
            )
            .await;
        let input = r#"{"positionalArgs":[2,3],"namedArgs":{}}"#;
        assert_eq!(row, json!(["ENQUEUED", "nobody's", 0, input]));
        assert_eq!(counted(&id), 0);
    }

    /// Rules: W3
    async fn an_id_belongs_to_its_call_alone(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();

        let named = sum(&durable, 1, 2).id("mine").start().await.unwrap();
        let next = sum(&durable, 3, 4).start().await.unwrap();

        assert_eq!(named.workflow_id(), "mine");
        assert_ne!(next.workflow_id(), "mine");
        assert_eq!(named.result().await.unwrap(), 3);
        assert_eq!(next.result().await.unwrap(), 7);
    }

    /// Rules: W10
    async fn the_clock_of_the_database_stamps_a_start(store: Store) {
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;
        stop_the_clock(&store, 42).await;
        let durable = store.open().register::<held>().launch().await.unwrap();
        let id = store.id("wf");

        let handle = held(&durable).id(&id).start().await.unwrap();

        assert_eq!(store.status(&id, "created_at").await, 42);
        assert_eq!(store.status(&id, "updated_at").await, 42);
        gate(&id).open();
        handle.result().await.unwrap();
    }

    /// Rules: W6
    async fn a_later_process_gets_the_recorded_result_of_an_id(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<sum>().launch().await.unwrap();
        sum(&durable, 2, 3).id(&id).await.unwrap();
        durable.shutdown(Duration::ZERO).await;

        let durable = store.open().register::<sum>().launch().await.unwrap();

        assert_eq!(sum(&durable, 100, 100).id(&id).await.unwrap(), 5);
        assert_eq!(counted(&id), 1);
    }

    /// Rules: W7
    async fn an_id_of_another_workflow_is_refused(store: Store) {
        let durable = store.open().register::<sum>().register::<other>().launch().await.unwrap();
        sum(&durable, 2, 3).id("taken").await.unwrap();

        let refused = other(&durable).id("taken").start().await;

        match refused {
            Err(Error::ConflictingWorkflow { id, existing, wanted }) => {
                assert_eq!((id.as_str(), existing.as_str(), wanted.as_str()), ("taken", "sum", "other"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(store.status("taken", "status").await, "SUCCESS");
    }

    /// Rules: W2
    async fn a_blank_id_or_one_with_a_nul_is_refused(store: Store) {
        let durable = store.open().register::<other>().launch().await.unwrap();

        for id in ["", "  ", "\t\n", "a\0b"] {
            let refused = other(&durable).id(id).start().await;

            assert!(
                matches!(refused, Err(Error::InvalidWorkflowId { .. })),
                "{id:?}: {refused:?}"
            );
        }
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 0);
    }

    /// Rules: W6
    async fn concurrent_starts_of_one_id_run_once(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();
        let id = store.id("wf");

        let results = join_all((0..20).map(|_| sum(&durable, 2, 3).id(&id))).await;

        for result in results {
            assert_eq!(result.unwrap(), 5);
        }
        assert_eq!(counted(&id), 1);
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 1);
    }

    async fn a_workflow_that_is_not_registered_cannot_be_started(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();

        let refused = other(&durable).start().await.unwrap_err().to_string();

        assert!(refused.contains("`other`") && refused.contains("registered: sum"), "{refused}");
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 0);
    }

    async fn a_start_that_its_caller_forgets_runs_all_the_same(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();
        let id = store.id("wf");

        // Polled once, then dropped: the record is on its way already.
        let polled = sum(&durable, 2, 3).id(&id).start().boxed().now_or_never();

        assert!(polled.is_none(), "a start waits for its commit");
        store
            .becomes("SELECT status FROM workflow_status WHERE workflow_uuid = $1", &[&id], "SUCCESS")
            .await;
        assert_eq!(counted(&id), 1);
    }

    /// Rules: L9
    async fn a_missing_workflow_has_no_status_and_no_handle(store: Store) {
        let durable = store.open().register::<sum>().launch().await.unwrap();

        assert!(matches!(durable.status("nobody").await, Err(Error::NoSuchWorkflow { .. })));
        assert!(matches!(
            durable.retrieve::<sum>("nobody").await.map(|handle| handle.workflow_id().to_owned()),
            Err(Error::NoSuchWorkflow { .. })
        ));
    }

    /// Rules: L8
    async fn a_retrieved_handle_gives_the_result_of_its_workflow(store: Store) {
        let durable = store.open().register::<sum>().register::<other>().launch().await.unwrap();
        sum(&durable, 2, 3).id("wf").await.unwrap();

        let handle = durable.retrieve::<sum>("wf").await.unwrap();
        let of_another_kind = durable.retrieve::<other>("wf").await;

        assert_eq!(handle.result().await.unwrap(), 5);
        assert!(matches!(of_another_kind, Err(Error::ConflictingWorkflow { .. })));
    }
}
