//! The time, random numbers and identifiers of a workflow: chosen once, the same on a replay.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_runtime::prelude::*;
use durable_runtime::{Uuid, join};
use durable_tests::gates::gate;
use durable_tests::tally::{note, noted};
use serde_json::Value as Json;

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[step(pure)]
async fn pure_hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// Chooses one of each, and notes them on every run.
#[workflow]
async fn chooses(ctx: WorkflowContext) -> anyhow::Result<(SystemTime, f64, String)> {
    let now = ctx.now().await;
    let random = ctx.random().await;
    let uuid = ctx.uuid().await;
    note(ctx.workflow_id(), format!("{now:?} {random:?} {uuid}"));
    hold(&ctx).await?;
    Ok((now, random, uuid.to_string()))
}

/// Its places are those of the calls, whatever is awaited first.
#[workflow]
async fn chooses_at_once(ctx: WorkflowContext) -> anyhow::Result<()> {
    let (now, random) = (ctx.now(), ctx.random());
    let (_, _, _) = join!(ctx.uuid(), random, now);
    Ok(())
}

#[workflow]
async fn chooses_before_a_pure_step(ctx: WorkflowContext) -> anyhow::Result<()> {
    ctx.uuid().await;
    ctx.now().await;
    pure_hold(&ctx).await
}

#[workflow]
async fn many_numbers(ctx: WorkflowContext) -> anyhow::Result<Vec<f64>> {
    let mut numbers = Vec::new();
    for _ in 0..200 {
        numbers.push(ctx.random().await);
    }
    note(ctx.workflow_id(), format!("{numbers:?}"));
    hold(&ctx).await?;
    Ok(numbers)
}

#[workflow]
async fn reads_the_clock(ctx: WorkflowContext) -> anyhow::Result<String> {
    Ok(format!("{:?}", ctx.now().await.duration_since(UNIX_EPOCH)?))
}

/// Runs a workflow up to its gate, stops it there, and launches again with the gate open.
macro_rules! interrupted {
    ($store:ident, $workflow:ident, $id:ident) => {{
        let durable = $store
            .open()
            .register::<$workflow>()
            .launch()
            .await
            .unwrap();
        drop($workflow(&durable).id(&$id).start().await.unwrap());
        gate(&$id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&$id).open();
        let durable = $store
            .open()
            .register::<$workflow>()
            .launch()
            .await
            .unwrap();
        let handle = durable.retrieve::<$workflow>(&$id).await.unwrap();
        let result = handle.result().await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        result
    }};
}

on_both_stores! {
    async fn a_replay_gets_the_same_values(store: Store) {
        let id = store.id("wf");

        let (now, random, uuid) = interrupted!(store, chooses, id);

        let told = format!("{now:?} {random:?} {uuid}");
        assert_eq!(noted(&id), [told.clone(), told]);
        assert_eq!(
            store.step_names(&id).await,
            ["1 DBOS.now", "2 DBOS.random", "3 DBOS.randomUUID", "4 hold"]
        );
    }

    async fn what_is_recorded_is_plain_json(store: Store) {
        let id = store.id("wf");
        gate(&id).open();
        let durable = store.open().register::<chooses>().launch().await.unwrap();
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();

        let (now, random, uuid) = chooses(&durable).id(&id).await.unwrap();

        let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let steps = store.steps(&id).await;
        let recorded = |index: usize| -> Json {
            serde_json::from_str(steps[index][2].as_str().unwrap()).unwrap()
        };
        let milliseconds = now.duration_since(UNIX_EPOCH).unwrap().as_millis();
        assert!((before..=after).contains(&milliseconds), "{before} {milliseconds} {after}");
        assert_eq!(recorded(0), Json::from(u64::try_from(milliseconds).unwrap()));
        assert_eq!(recorded(1), Json::from(random));
        assert!((0.0..1.0).contains(&random), "{random}");
        assert_eq!(recorded(2), Json::from(uuid.clone()));
        let parsed = Uuid::parse_str(&uuid).unwrap();
        assert_eq!((parsed.get_version_num(), parsed.to_string()), (4, uuid));
    }

    async fn random_numbers_are_spread_and_keep_every_digit(store: Store) {
        let id = store.id("wf");

        let numbers = interrupted!(store, many_numbers, id);

        let told = format!("{numbers:?}");
        assert_eq!(noted(&id), [told.clone(), told]);
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)), "{numbers:?}");
        let low = numbers.iter().filter(|number| **number < 0.5).count();
        assert!((50..150).contains(&low), "{low} of 200 numbers are below a half");
    }

    async fn the_places_are_those_of_the_calls(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<chooses_at_once>().launch().await.unwrap();

        chooses_at_once(&durable).id(&id).await.unwrap();

        assert_eq!(
            store.step_names(&id).await,
            ["1 DBOS.now", "2 DBOS.random", "3 DBOS.randomUUID"]
        );
    }

    async fn they_wait_for_the_next_commit_as_pure_steps_do(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<chooses_before_a_pure_step>().launch().await.unwrap();
        drop(chooses_before_a_pure_step(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        assert_eq!(store.steps(&id).await.len(), 0, "records while a pure step runs");

        gate(&id).open();
        durable.retrieve::<chooses_before_a_pure_step>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(
            store.step_names(&id).await,
            ["1 DBOS.randomUUID", "2 DBOS.now", "3 pure_hold"]
        );
    }

    async fn a_value_that_was_recorded_elsewhere_is_read(store: Store) {
        let id = store.id("wf");
        let stopped = store.open().register::<reads_the_clock>().launch().await.unwrap();
        stopped.shutdown(Duration::ZERO).await;
        store.execute(
            "INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, application_version, inputs, created_at, updated_at,
                 recovery_attempts, priority, serialization)
             VALUES ($1, 'PENDING', 'reads_the_clock', 'worker', '1', '{\"positionalArgs\":[],\"namedArgs\":{}}', 1, 1, 1, 0, 'portable_json')",
            &[&id],
        ).await;
        store.execute(
            "INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output, started_at_epoch_ms, completed_at_epoch_ms)
             VALUES ($1, 1, 'DBOS.now', '1763787068123', 1, 1)",
            &[&id],
        ).await;

        let durable = store.open().register::<reads_the_clock>().launch().await.unwrap();
        let result = durable.retrieve::<reads_the_clock>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(result, "1763787068.123s");
    }
}
