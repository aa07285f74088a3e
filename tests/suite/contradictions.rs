//! Records that cannot be: what stands in the database contradicts what a workflow does.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use serde_json::{Value as Json, json};

#[step]
async fn work(ctx: StepContext, number: usize) -> anyhow::Result<usize> {
    let id = ctx.workflow_id();
    count(format!("{id}/{number}"));
    gate(format!("{id}/{number}")).pass().await;
    Ok(number)
}

/// Two steps, each with a gate.
#[workflow]
async fn two(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let one = work(&ctx, 1).await?;
    Ok(one + work(&ctx, 2).await?)
}

/// Waits in its own code before it starts its child.
#[workflow]
async fn waits_for_its_child(ctx: WorkflowContext) -> anyhow::Result<usize> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(ctx.workflow_id()).pass().await;
    two(&ctx).await
}

/// The workflow ended with the error of DBOS for two results at one position.
async fn assert_recorded_twice(store: &Store, id: &str) {
    assert_eq!(store.status(id, "status").await, "ERROR");
    let sql = "SELECT error FROM workflow_output WHERE workflow_uuid = $1";
    let error = store.value(sql, &[id]).await;
    let error: Json = serde_json::from_str(error.as_str().unwrap()).unwrap();
    assert_eq!(
        (&error["name"], &error["code"]),
        (&json!("DBOSStepNondeterminismError"), &json!(28))
    );
}

on_both_stores! {
    /// Rules: R5
    async fn a_record_without_output_and_error_ends_the_workflow(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<two>().launch().await.unwrap();
        gate(format!("{id}/1")).open();
        drop(two(&durable).id(&id).start().await.unwrap());
        gate(format!("{id}/2")).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(format!("{id}/2")).open();
        let emptied = store
            .execute("UPDATE operation_outputs SET output = NULL WHERE workflow_uuid = $1", &[&id])
            .await;
        assert_eq!(emptied, 1);

        let durable = store.open().register::<two>().launch().await.unwrap();
        let handle = durable.retrieve::<two>(&id).await.unwrap();
        let error = handle.result().await.unwrap_err().to_string();

        for part in ["step `work`", "position 1", id.as_str(), "neither an output nor an error"] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        assert_eq!(store.status(&id, "status").await, "ERROR");
    }

    /// Rules: R7
    async fn a_position_recorded_twice_with_different_results_ends_the_workflow(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<two>().launch().await.unwrap();
        let handle = two(&durable).id(&id).start().await.unwrap();
        gate(format!("{id}/1")).reached().await;

        store
            .execute(
                "INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output,
                     serialization, started_at_epoch_ms, completed_at_epoch_ms)
                 VALUES ($1, 1, 'work', '99', 'portable_json', 1, 1)",
                &[&id],
            )
            .await;
        gate(format!("{id}/1")).open();

        let error = handle.result().await.unwrap_err().to_string();
        assert!(error.contains("position 1 twice"), "{error}");
        assert_eq!(counted(&format!("{id}/2")), 0, "it went on after the contradiction");
        assert_eq!(store.steps(&id).await, [json!([1, "work", "99", null, null])]);
        assert_recorded_twice(&store, &id).await;
    }

    /// Rules: R8
    async fn another_child_recorded_at_a_position_ends_the_workflow(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<waits_for_its_child>().register::<two>().launch();
        let durable = durable.await.unwrap();
        let handle = waits_for_its_child(&durable).id(&id).start().await.unwrap();
        gate(&id).reached().await;

        store
            .execute(
                "INSERT INTO operation_outputs (workflow_uuid, function_id, function_name,
                     child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms)
                 VALUES ($1, 1, 'two', 'another', 1, 1)",
                &[&id],
            )
            .await;
        gate(&id).open();

        let error = handle.result().await.unwrap_err().to_string();
        assert!(error.contains("position 1 twice"), "{error}");
        assert_eq!(store.steps(&id).await, [json!([1, "two", null, null, "another"])]);
        assert_recorded_twice(&store, &id).await;
    }
}
