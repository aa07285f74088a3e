//! A workflow that was interrupted goes on where it stopped, and takes the same way.

use std::time::Duration;

use durable_runtime::Error;
use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::tally::{count, counted, note, noted};
use serde_json::json;
use tokio::join;

#[step]
async fn work(ctx: StepContext, number: usize, held: bool) -> anyhow::Result<usize> {
    let id = ctx.workflow_id().to_owned();
    count(format!("{id}/{number}"));
    if held {
        gate(id).pass().await;
    }
    Ok(number * number)
}

/// Five steps; the one numbered `hold` waits at the gate.
#[workflow]
async fn five(ctx: WorkflowContext, hold: usize) -> anyhow::Result<usize> {
    let mut sum = 0;
    for number in 1..=5 {
        sum += work(&ctx, number, number == hold).await?;
    }
    Ok(sum)
}

#[step]
async fn fail(ctx: StepContext) -> anyhow::Result<()> {
    count(format!("{}/fail", ctx.workflow_id()));
    anyhow::bail!("out of paper")
}

/// Writes down which way it takes after a failed step.
#[workflow]
async fn takes_a_way(ctx: WorkflowContext) -> anyhow::Result<String> {
    let way = match fail(&ctx).await {
        Ok(()) => "on".to_owned(),
        Err(error) => format!("around {error}"),
    };
    note(ctx.workflow_id(), &way);
    work(&ctx, 2, true).await?;
    Ok(way)
}

#[workflow]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let inline = five(&ctx, 0).await?;
    let started = five(&ctx, 0).start().await?;
    let result = started.result().await?;
    work(&ctx, 6, true).await?;
    Ok(inline + result)
}

/// Its child cannot be started: the id belongs to another workflow.
#[workflow]
async fn tries_a_taken_id(ctx: WorkflowContext) -> anyhow::Result<String> {
    let way = match five(&ctx, 0).id("taken").start().await {
        Err(Error::ConflictingWorkflow { existing, .. }) => format!("taken by {existing}"),
        Err(other) => format!("another error: {other}"),
        Ok(_) => "started".to_owned(),
    };
    note(ctx.workflow_id(), &way);
    work(&ctx, 2, true).await?;
    Ok(way)
}

#[step(pure)]
async fn pure_work(ctx: StepContext, number: usize, held: bool) -> anyhow::Result<usize> {
    let id = ctx.workflow_id().to_owned();
    count(format!("{id}/{number}"));
    if held {
        gate(id).pass().await;
    }
    Ok(number * number)
}

#[workflow]
async fn pure_chain(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let first = pure_work(&ctx, 1, false).await?;
    Ok(first + pure_work(&ctx, 2, true).await?)
}

#[workflow]
async fn side_by_side(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let (one, two, three) = join!(
        work(&ctx, 1, false),
        work(&ctx, 2, true),
        work(&ctx, 3, false)
    );
    Ok(one? + two? + three?)
}

/// Waits in its own code, behind its last step.
#[workflow]
async fn waits_at_its_end(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let result = work(&ctx, 7, false).await?;
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(ctx.workflow_id()).pass().await;
    Ok(result)
}

/// Each of its runs waits in its own code before the first step.
#[workflow]
async fn waits_at_its_beginning(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let id = ctx.workflow_id();
    let run = count(id);
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(format!("{id}/run {run}")).pass().await;
    let one = work(&ctx, 1, false).await?;
    Ok(one + work(&ctx, 2, true).await?)
}

/// Two versions of one workflow.
mod before {
    use super::*;

    #[workflow(name = "changing")]
    pub async fn changing(ctx: WorkflowContext) -> anyhow::Result<usize> {
        let one = super::work(&ctx, 1, false).await?;
        Ok(one + super::work(&ctx, 2, true).await?)
    }
}

mod after {
    use super::*;

    #[step]
    pub async fn tidy(_ctx: StepContext) -> anyhow::Result<usize> {
        Ok(0)
    }

    #[workflow(name = "changing")]
    pub async fn changing(ctx: WorkflowContext) -> anyhow::Result<usize> {
        let tidied = tidy(&ctx).await?;
        Ok(tidied + super::work(&ctx, 2, true).await?)
    }

    pub const LINE: u32 = line!() - 4;
}

mod retyped {
    use super::*;

    #[step(name = "work")]
    pub async fn text_work(_ctx: StepContext, number: usize) -> anyhow::Result<String> {
        Ok(number.to_string())
    }

    #[workflow(name = "changing")]
    pub async fn changing(ctx: WorkflowContext) -> anyhow::Result<usize> {
        Ok(text_work(&ctx, 1).await?.len())
    }
}

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    /// Rules: R4, R12
    async fn after_an_interruption_only_the_rest_runs(store: Store) {
        for done in 0..5 {
            let id = store.id("wf");
            let durable = store.open().register::<five>().launch().await.unwrap();
            drop(five(&durable, done + 1).id(&id).start().await.unwrap());
            gate(&id).reached().await;
            durable.shutdown(Duration::ZERO).await;
            assert_eq!(store.steps(&id).await.len(), done, "what was recorded when it stopped");
            gate(&id).open();

            let durable = store.open().register::<five>().launch().await.unwrap();
            let result = durable.retrieve::<five>(&id).await.unwrap().result().await.unwrap();

            assert_eq!(result, 55);
            for number in 1..=5 {
                let runs = if number == done + 1 { 2 } else { 1 };
                assert_eq!(
                    counted(&format!("{id}/{number}")),
                    runs,
                    "runs of step {number} when {done} were done"
                );
            }
            assert_eq!(store.status(&id, "recovery_attempts").await, 2);
            assert_eq!(
                store.step_names(&id).await,
                ["1 work", "2 work", "3 work", "4 work", "5 work"]
            );
            durable.shutdown(Duration::ZERO).await;
        }
    }

    /// Rules: R12, L7
    async fn a_dropped_runtime_leaves_its_workflows_to_the_next_launch(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<five>().launch().await.unwrap();
        drop(five(&durable, 3).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        drop(durable);
        gate(&id).open();

        let durable = store.open().register::<five>().launch().await.unwrap();
        let result = durable.retrieve::<five>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(result, 55);
        assert_eq!(counted(&format!("{id}/2")), 1);
        assert_eq!(counted(&format!("{id}/4")), 1);
    }

    /// Rules: R4, R9
    async fn a_recorded_error_is_taken_the_same_way_again(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<takes_a_way>().launch().await.unwrap();
        drop(takes_a_way(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<takes_a_way>().launch().await.unwrap();
        let handle = durable.retrieve::<takes_a_way>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), "around out of paper");
        assert_eq!(noted(&id), ["around out of paper", "around out of paper"]);
        assert_eq!(counted(&format!("{id}/fail")), 1);
    }

    /// Rules: R4
    async fn children_are_not_started_again(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<parent>().register::<five>();
        let durable = open().launch().await.unwrap();
        drop(parent(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = open().launch().await.unwrap();
        let handle = durable.retrieve::<parent>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 110);
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 3);
        for child in [format!("{id}-1"), format!("{id}-3")] {
            assert_eq!(counted(&format!("{child}/1")), 1);
            assert_eq!(store.status(&child, "recovery_attempts").await, 1);
        }
    }

    /// Rules: R16
    async fn the_recorded_result_of_a_child_counts_when_the_child_is_gone(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<parent>().register::<five>();
        let durable = open().launch().await.unwrap();
        drop(parent(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();
        let removed = store
            .execute("DELETE FROM workflow_status WHERE parent_workflow_id = $1", &[&id])
            .await;
        assert_eq!(removed, 2);

        let durable = open().launch().await.unwrap();
        let handle = durable.retrieve::<parent>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 110);
    }

    /// Rules: R10
    async fn a_child_that_could_not_be_started_fails_alike_on_a_replay(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<tries_a_taken_id>().register::<five>().register::<takes_a_way>();
        let durable = open().launch().await.unwrap();
        drop(takes_a_way(&durable).id("taken").start().await.unwrap());
        drop(tries_a_taken_id(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = open().launch().await.unwrap();
        let handle = durable.retrieve::<tries_a_taken_id>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), "taken by takes_a_way");
        assert_eq!(noted(&id), ["taken by takes_a_way", "taken by takes_a_way"]);
    }

    async fn a_shutdown_commits_what_was_recorded(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<pure_chain>().launch().await.unwrap();
        drop(pure_chain(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;

        durable.shutdown(Duration::ZERO).await;

        assert_eq!(store.steps(&id).await, [json!([1, "pure_work", "1", null, null])]);
    }

    /// Rules: O3
    async fn a_shutdown_with_grace_lets_workflows_finish(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<five>().launch().await.unwrap();
        drop(five(&durable, 2).id(&id).start().await.unwrap());
        gate(&id).reached().await;

        let (_, ()) = join!(durable.shutdown(Duration::from_secs(30)), async { gate(&id).open() });

        assert_eq!(store.status(&id, "status").await, "SUCCESS");
        assert_eq!(store.status(&id, "recovery_attempts").await, 1);
    }

    /// Rules: R4
    async fn joined_steps_that_finished_do_not_run_again(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<side_by_side>().launch().await.unwrap();
        drop(side_by_side(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        store
            .becomes("SELECT count(*) FROM operation_outputs WHERE workflow_uuid = $1", &[&id], 2)
            .await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<side_by_side>().launch().await.unwrap();
        let handle = durable.retrieve::<side_by_side>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 14);
        let runs = [1, 2, 3].map(|number| counted(&format!("{id}/{number}")));
        assert_eq!(runs, [1, 2, 1]);
    }

    /// Rules: R3
    async fn a_changed_workflow_ends_with_an_error_that_names_both_calls_and_the_line(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<before::changing>().launch().await.unwrap();
        drop(before::changing(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<after::changing>().launch().await.unwrap();
        let handle = durable.retrieve::<after::changing>(&id).await.unwrap();
        let error = handle.result().await.unwrap_err().to_string();

        let place = format!("suite/replay.rs:{}:22", after::LINE);
        for part in [id.as_str(), "position 1", "`work` was recorded", "`tidy` is called at", &place] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        store.becomes(STATUS, &[&id], "ERROR").await;
        assert_eq!(store.step_names(&id).await, ["1 work"]);
        let recorded = store
            .value("SELECT error FROM workflow_output WHERE workflow_uuid = $1", &[&id])
            .await;
        let recorded = recorded.as_str().unwrap();
        assert!(recorded.contains(r#""name":"DBOSUnexpectedStepError""#), "{recorded}");
        assert!(recorded.contains(r#""code":11"#), "{recorded}");
    }

    /// Rules: R1
    async fn a_history_is_read_with_the_claim_and_not_again(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<waits_at_its_beginning>();
        gate(format!("{id}/run 1")).open();
        let durable = open().launch().await.unwrap();
        drop(waits_at_its_beginning(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = open().launch().await.unwrap();
        gate(format!("{id}/run 2")).reached().await;
        let removed = store
            .execute("DELETE FROM operation_outputs WHERE workflow_uuid = $1", &[&id])
            .await;
        assert_eq!(removed, 1);
        gate(format!("{id}/run 2")).open();
        let handle = durable.retrieve::<waits_at_its_beginning>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 5);
        assert_eq!(counted(&format!("{id}/1")), 1);
        assert_eq!(store.step_names(&id).await, ["2 work"]);
    }

    /// Rules: R13
    async fn a_workflow_interrupted_before_its_outcome_is_replayed_and_ends(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<waits_at_its_end>().launch().await.unwrap();
        drop(waits_at_its_end(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        assert_eq!(store.step_names(&id).await, ["1 work"]);
        assert_eq!(store.status(&id, "status").await, "PENDING");
        gate(&id).open();

        let durable = store.open().register::<waits_at_its_end>().launch().await.unwrap();
        let handle = durable.retrieve::<waits_at_its_end>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 49);
        assert_eq!(counted(&format!("{id}/7")), 1);
        assert_eq!(store.status(&id, "status").await, "SUCCESS");
    }

    async fn a_recorded_value_of_another_type_ends_with_an_error_that_names_the_step(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<before::changing>().launch().await.unwrap();
        drop(before::changing(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<retyped::changing>().launch().await.unwrap();
        let handle = durable.retrieve::<retyped::changing>(&id).await.unwrap();
        let error = handle.result().await.unwrap_err().to_string();

        for part in ["step `work`", "position 1", id.as_str(), "cannot be read"] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }

    /// Rules: V1, V7
    async fn a_workflow_of_another_version_is_left_alone(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<five>().launch().await.unwrap();
        drop(five(&durable, 2).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;

        let newer = store.open().version("2").register::<five>().launch().await.unwrap();
        five(&newer, 0).id("new").await.unwrap();

        assert_eq!(store.status(&id, "status").await, "PENDING");
        assert_eq!(counted(&format!("{id}/2")), 1);
        assert_eq!(store.status("new", "application_version").await, "2");
    }
}
