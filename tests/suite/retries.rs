//! Attempts of a step: how often, how long, and what is recorded in the end.

use std::time::{Duration, Instant};

use durable_runtime::Error;
use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::tally::{count, counted, note, noted};
use serde_json::{Value as Json, json};

#[step(max_attempts = 3, interval = "10ms")]
async fn third_time_lucky(ctx: StepContext) -> anyhow::Result<u32> {
    note(
        ctx.workflow_id(),
        format!(
            "{}: {} of {}",
            ctx.position(),
            ctx.attempt(),
            ctx.max_attempts()
        ),
    );
    anyhow::ensure!(ctx.attempt() == 2, "attempt {}", ctx.attempt());
    Ok(ctx.attempt())
}

#[workflow]
async fn lucky(ctx: WorkflowContext) -> anyhow::Result<u32> {
    third_time_lucky(&ctx).await
}

#[step(max_attempts = 3, interval = "1ms")]
async fn hopeless_step(ctx: StepContext) -> anyhow::Result<()> {
    count(ctx.workflow_id());
    anyhow::bail!("no luck {}", ctx.attempt())
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn hopeless(ctx: WorkflowContext) -> anyhow::Result<String> {
    let error = hopeless_step(&ctx).await.unwrap_err();
    let text = match error.downcast_ref::<Error>() {
        Some(Error::StepRetriesExceeded {
            step,
            attempts,
            errors,
        }) => {
            format!("{step} {attempts} {}", errors.join(", "))
        }
        other => format!("unexpected: {other:?}"),
    };
    note(ctx.workflow_id(), &text);
    hold(&ctx).await?;
    Ok(text)
}

#[step(
    max_attempts = 4,
    interval = "20ms",
    backoff_rate = 10.0,
    max_interval = "300ms"
)]
async fn timed_step(ctx: StepContext, begun: Instants) -> anyhow::Result<()> {
    begun.0.lock().unwrap().push(Instant::now());
    anyhow::bail!("attempt {}", ctx.attempt())
}

/// When attempts began; written to by the step and never recorded.
#[derive(Clone, Default)]
struct Instants(std::sync::Arc<std::sync::Mutex<Vec<Instant>>>);

static BEGUN: std::sync::Mutex<Vec<(String, Instants)>> = std::sync::Mutex::new(Vec::new());

fn begun(workflow_id: &str) -> Instants {
    let mut begun = BEGUN.lock().unwrap();
    if let Some((_, instants)) = begun.iter().find(|(id, _)| id == workflow_id) {
        return instants.clone();
    }
    let instants = Instants::default();
    begun.push((workflow_id.to_owned(), instants.clone()));
    instants
}

#[workflow]
async fn timed(ctx: WorkflowContext) -> anyhow::Result<()> {
    timed_step(&ctx, begun(ctx.workflow_id())).await
}

#[step(max_attempts = 5, interval = "1ms", retry_if = |error| error.to_string().contains("again"))]
async fn picky_step(ctx: StepContext) -> anyhow::Result<()> {
    match count(ctx.workflow_id()) {
        1 => anyhow::bail!("try again"),
        _ => anyhow::bail!("broken for good"),
    }
}

#[workflow]
async fn picky(ctx: WorkflowContext) -> anyhow::Result<()> {
    picky_step(&ctx).await
}

#[step(max_attempts = 2, interval = "1ms", timeout = "30ms")]
async fn stuck_once(ctx: StepContext) -> anyhow::Result<u32> {
    count(ctx.workflow_id());
    if ctx.attempt() == 0 {
        std::future::pending::<()>().await;
    }
    Ok(ctx.attempt())
}

#[step(timeout = "30ms")]
async fn stuck(_ctx: StepContext) -> anyhow::Result<u32> {
    std::future::pending().await
}

#[workflow]
async fn impatient(ctx: WorkflowContext) -> anyhow::Result<(u32, String)> {
    let attempt = stuck_once(&ctx).await?;
    let error = stuck(&ctx).await.unwrap_err();
    let text = match error.downcast_ref::<Error>() {
        Some(Error::StepTimedOut { step, limit_ms }) => format!("{step} {limit_ms}"),
        other => format!("unexpected: {other:?}"),
    };
    Ok((attempt, text))
}

#[step(max_attempts = 2, interval = "1ms")]
async fn panics_once(ctx: StepContext) -> anyhow::Result<u32> {
    assert!(ctx.attempt() > 0, "the first attempt is not good enough");
    Ok(ctx.attempt())
}

#[step]
async fn panics(ctx: StepContext) -> anyhow::Result<u32> {
    count(ctx.workflow_id());
    panic!("no paper in {}", "tray 2")
}

#[workflow]
async fn shaken(ctx: WorkflowContext) -> anyhow::Result<(u32, String)> {
    let attempt = panics_once(&ctx).await?;
    let error = panics(&ctx).await.unwrap_err();
    Ok((attempt, error.to_string()))
}

#[step(max_attempts = 3, interval = "1ms")]
async fn stumbling_step(ctx: StepContext) -> anyhow::Result<u32> {
    note(ctx.workflow_id(), ctx.attempt().to_string());
    anyhow::ensure!(ctx.attempt() > 0, "stumbled");
    gate(ctx.workflow_id()).pass().await;
    Ok(ctx.attempt())
}

#[workflow]
async fn stumbling(ctx: WorkflowContext) -> anyhow::Result<u32> {
    stumbling_step(&ctx).await
}

on_both_stores! {
    /// Rules: S6
    async fn an_interrupted_step_begins_at_its_first_attempt_again(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<stumbling>().launch().await.unwrap();
        drop(stumbling(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        assert!(store.steps(&id).await.is_empty());
        gate(&id).open();

        let durable = store.open().register::<stumbling>().launch().await.unwrap();
        let handle = durable.retrieve::<stumbling>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 1);
        assert_eq!(noted(&id), ["0", "1", "0", "1"]);
        assert_eq!(store.steps(&id).await, [json!([1, "stumbling_step", "1", null, null])]);
    }

    /// Rules: S6, S9
    async fn a_step_is_tried_until_it_succeeds(store: Store) {
        let durable = store.open().register::<lucky>().launch().await.unwrap();
        let id = store.id("wf");

        assert_eq!(lucky(&durable).id(&id).await.unwrap(), 2);

        assert_eq!(noted(&id), ["1: 0 of 3", "1: 1 of 3", "1: 2 of 3"]);
        assert_eq!(store.steps(&id).await, [json!([1, "third_time_lucky", "2", null, null])]);
    }

    /// Rules: S3
    async fn exhausted_attempts_are_recorded_with_all_errors_and_replayed(store: Store) {
        let id = store.id("wf");
        let expected = "hopeless_step 3 no luck 0, no luck 1, no luck 2";
        let durable = store.open().register::<hopeless>().launch().await.unwrap();
        drop(hopeless(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        let recorded = store
            .value("SELECT error FROM operation_outputs WHERE workflow_uuid = $1", &[&id])
            .await;
        let recorded: Json = serde_json::from_str(recorded.as_str().unwrap()).unwrap();
        assert_eq!(recorded["name"], "DBOSMaxStepRetriesExceeded");
        assert_eq!(recorded["code"], 7);
        assert_eq!(recorded["data"]["errors"], json!(["no luck 0", "no luck 1", "no luck 2"]));
        gate(&id).open();

        let durable = store.open().register::<hopeless>().launch().await.unwrap();
        let handle = durable.retrieve::<hopeless>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), expected);
        assert_eq!(noted(&id), [expected, expected]);
        assert_eq!(counted(&id), 3);
    }

    /// Rules: S2
    async fn waits_between_attempts_grow_up_to_the_longest(store: Store) {
        let durable = store.open().register::<timed>().launch().await.unwrap();
        let id = store.id("wf");

        timed(&durable).id(&id).await.unwrap_err();

        let begun = begun(&id).0.lock().unwrap().clone();
        let waits: Vec<_> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let at_least = [20, 200, 300].map(Duration::from_millis);
        assert_eq!(waits.len(), at_least.len());
        for (wait, at_least) in waits.iter().zip(at_least) {
            assert!(*wait >= at_least, "{waits:?}");
        }
        // Without the longest wait it would be 2 s.
        assert!(waits[2] < Duration::from_secs(2), "{waits:?}");
    }

    /// Rules: S4
    async fn an_error_that_is_not_worth_a_retry_is_the_step_s_error(store: Store) {
        let durable = store.open().register::<picky>().launch().await.unwrap();
        let id = store.id("wf");

        let error = picky(&durable).id(&id).await.unwrap_err();

        assert_eq!(error.to_string(), "broken for good");
        assert_eq!(counted(&id), 2);
        let recorded = store.steps(&id).await;
        assert_eq!(
            recorded,
            [json!([1, "picky_step", null, r#"{"name":"Error","message":"broken for good","code":null}"#, null])]
        );
    }

    /// Rules: S7
    async fn each_attempt_has_its_own_time(store: Store) {
        let durable = store.open().register::<impatient>().launch().await.unwrap();
        let id = store.id("wf");

        let (attempt, error) = impatient(&durable).id(&id).await.unwrap();

        assert_eq!((attempt, error.as_str()), (1, "stuck 30"));
        assert_eq!(counted(&id), 2);
        let recorded = store
            .value(
                "SELECT error FROM operation_outputs WHERE workflow_uuid = $1 AND function_id = 2",
                &[&id],
            )
            .await;
        assert!(recorded.as_str().unwrap().contains(r#""name":"DBOSStepTimeoutError""#), "{recorded}");
    }

    async fn a_panic_in_a_step_is_an_error_that_is_retried_and_recorded(store: Store) {
        let durable = store.open().register::<shaken>().launch().await.unwrap();
        let id = store.id("wf");

        let (attempt, error) = shaken(&durable).id(&id).await.unwrap();

        assert_eq!(attempt, 1);
        assert_eq!(error, "step `panics` panicked: no paper in tray 2");
        assert_eq!(counted(&id), 1);
        let recorded = store
            .value(
                "SELECT error FROM operation_outputs WHERE workflow_uuid = $1 AND function_id = 2",
                &[&id],
            )
            .await;
        assert!(recorded.as_str().unwrap().contains("no paper in tray 2"), "{recorded}");
    }
}
