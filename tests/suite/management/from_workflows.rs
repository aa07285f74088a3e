//! Workflows that manage others: each call is recorded, and has its place.

use durable_runtime::WorkflowFilter;
use durable_tests::tally::{count, counted, noted};

use super::*;

/// Does everything once to another workflow; gives what it learnt.
#[workflow]
async fn manages(ctx: WorkflowContext, target: String) -> anyhow::Result<Vec<String>> {
    ctx.cancel_workflow(&target).await?;
    ctx.rewind_workflow(&target).version("v").start().await?;
    ctx.resume_workflow(&target).await?;
    let fork = ctx.fork_workflow(&target).version("v").start().await?;
    ctx.set_workflow_delay(&target, Duration::from_secs(1))
        .await?;
    ctx.merge_attributes(&target, json!({"managed": true}))
        .await?;
    let status = ctx.workflow_status(&target).await?;
    let filter = WorkflowFilter::new().name("given").without_input();
    let listed = ctx.list_workflows(filter.clone()).await?.len();
    let queued = ctx.list_queued_workflows(filter).await?.len();
    let steps = ctx.list_workflow_steps(&target).await?.len();
    ctx.delete_workflow(&target).await?;
    let missing = ctx.workflow_status(&target).await?;
    hold(&ctx).await?;
    let status = status.map_or("none".to_owned(), |status| status.status.to_string());
    let missing = missing.map_or("none".to_owned(), |status| status.status.to_string());
    Ok(vec![
        fork,
        status,
        listed.to_string(),
        queued.to_string(),
        steps.to_string(),
        missing,
    ])
}

#[workflow]
async fn resumes(ctx: WorkflowContext, target: String) -> anyhow::Result<String> {
    let refused = ctx.resume_workflow(target).await.unwrap_err();
    let itself = ctx.resume_workflow(ctx.workflow_id()).await.unwrap_err();
    hold(&ctx).await?;
    Ok(format!("{refused}; {itself}"))
}

/// Waits at its gate, outside a step, then rewinds another one.
#[workflow]
async fn rewinds_late(ctx: WorkflowContext, target: String) -> anyhow::Result<()> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(ctx.workflow_id()).pass().await;
    ctx.rewind_workflow(target).start().await?;
    Ok(())
}

#[step]
async fn note_step(_ctx: StepContext, key: String) -> anyhow::Result<()> {
    count(key);
    Ok(())
}

#[workflow]
async fn cancels_itself(ctx: WorkflowContext, key: String) -> anyhow::Result<()> {
    note_step(&ctx, key.clone()).await?;
    ctx.cancel_workflow(ctx.workflow_id()).await?;
    note(&key, "went on");
    note_step(&ctx, key).await
}

#[workflow]
async fn deletes_itself(ctx: WorkflowContext, key: String) -> anyhow::Result<()> {
    ctx.delete_workflow(ctx.workflow_id()).await?;
    note(&key, "went on");
    note_step(&ctx, key).await
}

#[workflow]
async fn cancels_its_child(ctx: WorkflowContext, key: String) -> anyhow::Result<String> {
    let child = held(&ctx, key).start().await?;
    child.cancel().await?;
    let cancelled = child.result().await.unwrap_err().to_string();
    let child = child.resume().await?;
    let result = child.result().await?;
    Ok(format!("{cancelled}; {result}"))
}

on_both_stores! {
    /// Rules: M16, N3, M5, M7, M8, M13, M14, M15
    async fn each_call_has_its_name_and_its_place(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<manages>().launch().await.unwrap();
        given(&store, "target", Status::Success).await;
        step(&store, "target", 1, "1").await;
        gate(&id).open();

        let learnt = manages(&durable, "target".into()).id(&id).await.unwrap();

        assert_eq!(
            store.step_names(&id).await,
            [
                "1 DBOS.cancelWorkflow", "2 DBOS.rewindWorkflow", "3 DBOS.resumeWorkflow",
                "4 DBOS.forkWorkflow", "5 DBOS.getStatus", "6 DBOS.setWorkflowDelay",
                "7 DBOS.updateWorkflowAttributes", "8 DBOS.getStatus", "9 DBOS.listWorkflows",
                "10 DBOS.listQueuedWorkflows", "11 DBOS.listWorkflowSteps",
                "12 DBOS.deleteWorkflow", "13 DBOS.getStatus", "14 hold",
            ]
        );
        let steps = store.steps(&id).await;
        for place in [0, 1, 2, 5, 6, 11, 12] {
            assert_eq!(steps[place][2], "null", "{place}");
        }
        assert_eq!(steps[3][2], json!(learnt[0]).to_string());
        assert_eq!(learnt[1..], ["ENQUEUED", "2", "2", "0", "none"]);
        assert_eq!(rows(&store, "workflow_status", "target").await, 0);
        assert_eq!(store.status(&learnt[0], "forked_from").await, "target");
    }

    /// Rules: M16, R4, R16
    async fn a_replay_learns_what_was_learnt(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<manages>().launch().await.unwrap();
        given(&store, "target", Status::Cancelled).await;
        drop(manages(&durable, "target".into()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        given(&store, "target", Status::Error).await;
        let before = state(&store, "target").await;

        gate(&id).open();
        let durable = store.open().register::<manages>().launch().await.unwrap();
        let learnt = durable.retrieve::<manages>(&id).await.unwrap().result().await.unwrap();

        let recorded = store.steps(&id).await[3][2].clone();
        assert_eq!(json!(learnt[0]).to_string(), recorded);
        assert_eq!(learnt[1..], ["ENQUEUED", "2", "2", "0", "none"]);
        assert_eq!(state(&store, "target").await, before);
    }

    /// Rules: M16, R6
    async fn a_call_whose_workflow_was_taken_away_does_nothing(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<rewinds_late>().launch().await.unwrap();
        given(&store, "target", Status::Success).await;
        let before = state(&store, "target").await;
        drop(rewinds_late(&durable, "target".into()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        // Nobody here is told.
        let taken = "UPDATE workflow_status SET owner_xid = 'another' WHERE workflow_uuid = $1";
        store.execute(taken, &[&id]).await;

        gate(&id).open();
        durable.shutdown(Duration::from_secs(10)).await;

        assert_eq!(state(&store, "target").await, before);
        assert_eq!(store.step_names(&id).await, [""; 0]);
    }

    /// Rules: R10, M5, M16
    async fn a_refusal_is_recorded_and_comes_again_on_a_replay(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<resumes>().launch().await.unwrap();
        drop(resumes(&durable, "missing".into()).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        given(&store, "missing", Status::Cancelled).await;

        gate(&id).open();
        let durable = store.open().register::<resumes>().launch().await.unwrap();
        let text = durable.retrieve::<resumes>(&id).await.unwrap().result().await.unwrap();

        assert!(text.contains("`missing`") && text.contains("cannot resume itself"), "{text}");
        assert_eq!(store.status("missing", "status").await, "CANCELLED");
        let error = store.steps(&id).await[0][3].clone();
        assert!(error.as_str().unwrap().contains("DBOSNonExistentWorkflowError"), "{error}");
    }

    /// Rules: M3, R2
    async fn a_workflow_that_cancels_itself_ends_there(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<cancels_itself>().launch().await.unwrap();

        let error = cancels_itself(&durable, id.clone()).id(&id).await.unwrap_err();

        assert!(error.to_string().contains("was cancelled"), "{error}");
        durable.shutdown(Duration::from_secs(10)).await;
        assert_eq!(store.status(&id, "status").await, "CANCELLED");
        assert_eq!((counted(&id), noted(&id)), (1, vec![]));
    }

    async fn a_workflow_that_deletes_itself_ends_there(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<deletes_itself>().launch().await.unwrap();

        drop(deletes_itself(&durable, id.clone()).id(&id).start().await.unwrap());

        store.becomes("SELECT count(*) FROM workflow_status", &[], 0).await;
        durable.shutdown(Duration::from_secs(10)).await;
        assert_eq!((counted(&id), noted(&id)), (0, vec![]));
        assert_eq!(rows(&store, "operation_outputs", &id).await, 0);
    }

    /// Rules: M16
    async fn what_is_done_through_a_handle_is_recorded_in_its_workflow(store: Store) {
        let id = store.id("wf");
        let child = format!("{id}-1");
        let open = store.open().register::<held>().register::<cancels_its_child>();
        let durable = open.launch().await.unwrap();
        let parent = cancels_its_child(&durable, id.clone()).id(&id).start().await.unwrap();
        store.becomes(STATUS, &[&child], "PENDING").await;
        gate(&child).open();

        let result = parent.result().await.unwrap();

        assert!(result.contains("was cancelled") && result.ends_with("; b"), "{result}");
        assert_eq!(
            store.step_names(&id).await,
            ["1 held", "2 DBOS.cancelWorkflow", "3 DBOS.getResult", "4 DBOS.resumeWorkflow", "5 DBOS.getResult"]
        );
    }

    /// Rules: M2, M13
    async fn families_are_cancelled_and_deleted_from_outside(store: Store) {
        let id = store.id("wf");
        let child = format!("{id}-1");
        let open = store.open().register::<held>().register::<parent>();
        let durable = open.launch().await.unwrap();
        let handle = parent(&durable, id.clone()).id(&id).start().await.unwrap();
        gate(&child).reached().await;

        durable.client().cancel_with_children(&id).await.unwrap();
        handle.result().await.unwrap_err();

        assert_eq!(store.status(&child, "status").await, "CANCELLED");
        assert_eq!(durable.client().delete_with_children(&id).await.unwrap(), 2);
    }
}
