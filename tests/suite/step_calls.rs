//! What the call of a step says over its attribute: attempts and time.

use std::future::pending;
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Builder, Error, Retry, join};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{note, noted};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(60);

/// Three tries of a call, at once.
const THRICE: Retry = Retry::attempts(3).interval(Duration::ZERO);

fn note_attempt(id: &str, name: &str, attempt: u32, of: u32) {
    note(id, format!("{name} {attempt} of {of}"));
}

#[step(max_attempts = 1)]
async fn fails_once_tried(ctx: StepContext, what: String) -> anyhow::Result<()> {
    note_attempt(ctx.workflow_id(), &what, ctx.attempt(), ctx.max_attempts());
    anyhow::bail!("no luck")
}

#[step(max_attempts = 5, interval = "1ms", retry_if = |error| error.to_string() != "for good")]
async fn fails_picky(ctx: StepContext, error: &str) -> anyhow::Result<()> {
    note_attempt(ctx.workflow_id(), error, ctx.attempt(), ctx.max_attempts());
    anyhow::bail!("{error}")
}

#[transaction]
async fn fails_to_write(ctx: TransactionContext) -> anyhow::Result<()> {
    note(ctx.workflow_id(), "write");
    anyhow::bail!("no ink")
}

/// What an error of the runtime says, or that it is the step's own.
fn told(result: anyhow::Result<()>) -> String {
    let error = result.unwrap_err();
    match error.downcast_ref::<Error>() {
        Some(Error::StepRetriesExceeded { attempts, .. }) => format!("{attempts} attempts"),
        Some(other) => format!("unexpected: {other:?}"),
        None => error.to_string(),
    }
}

#[workflow]
async fn tries(ctx: WorkflowContext) -> anyhow::Result<Vec<String>> {
    let said = fails_once_tried(&ctx, "said".to_owned())
        .retry(THRICE)
        .await;
    let unsaid = fails_once_tried(&ctx, "unsaid".to_owned()).await;
    let fewer = fails_picky(&ctx, "fewer").retry(Retry::attempts(1)).await;
    let picky = fails_picky(&ctx, "for good").retry(THRICE).await;
    let write = fails_to_write(&ctx).retry(THRICE).await;
    Ok([said, unsaid, fewer, picky, write].map(told).to_vec())
}

#[step]
async fn stuck(_ctx: StepContext) -> anyhow::Result<()> {
    pending().await
}

/// Takes longer than its attribute allows.
#[step(timeout = "1ms")]
async fn takes_a_while(ctx: StepContext) -> anyhow::Result<String> {
    gate(ctx.workflow_id()).pass().await;
    Ok("in time".to_owned())
}

#[workflow]
async fn waits(ctx: WorkflowContext) -> anyhow::Result<(String, String)> {
    let (stuck, long) = join!(
        stuck(&ctx).timeout(SHORT),
        takes_a_while(&ctx).timeout(LONG)
    );
    let text = match stuck.unwrap_err().downcast_ref::<Error>() {
        Some(Error::StepTimedOut { step, limit_ms }) => format!("{step} {limit_ms}"),
        other => format!("unexpected: {other:?}"),
    };
    Ok((text, long?))
}

#[step(max_attempts = 1)]
async fn stuck_at_first(ctx: StepContext) -> anyhow::Result<u32> {
    if ctx.attempt() == 0 {
        pending::<()>().await;
    }
    Ok(ctx.attempt())
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

/// Says more about its call the second time it runs.
#[workflow]
async fn changes_its_mind(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let attempts = match gate(ctx.workflow_id()).arrivals() {
        0 => 2,
        _ => 9,
    };
    let attempt = stuck_at_first(&ctx)
        .retry(Retry::attempts(attempts).interval(Duration::ZERO))
        .timeout(SHORT)
        .await?;
    hold(&ctx).await?;
    Ok(attempt)
}

fn open(store: &Store) -> Builder {
    store
        .open()
        .register::<tries>()
        .register::<waits>()
        .register::<changes_its_mind>()
}

on_both_stores! {
    async fn a_call_says_how_often_its_step_or_transaction_is_tried(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let told = tries(&durable).id(&id).await.unwrap();

        assert_eq!(told, ["3 attempts", "no luck", "fewer", "for good", "3 attempts"]);
        assert_eq!(
            noted(&id),
            [
                "said 0 of 3", "said 1 of 3", "said 2 of 3", "unsaid 0 of 1", "fewer 0 of 1",
                "for good 0 of 3", "write", "write", "write",
            ]
        );
    }

    async fn a_call_says_how_long_its_step_may_take(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        let handle = waits(&durable).id(&id).start().await.unwrap();
        // The short one has ended, and the long one has outlived its attribute.
        let recorded = "SELECT count(*) FROM operation_outputs WHERE workflow_uuid = $1";
        store.becomes(recorded, &[&id], 1).await;
        gate(&id).open();

        let (stuck, long) = handle.result().await.unwrap();

        assert_eq!((stuck.as_str(), long.as_str()), ("stuck 30", "in time"));
    }

    /// Rules: R4
    async fn what_a_call_says_is_not_part_of_its_record(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();
        drop(changes_its_mind(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = open(&store).launch().await.unwrap();
        let handle = durable.retrieve::<changes_its_mind>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap(), 1);
        assert_eq!(store.step_names(&id).await, ["1 stuck_at_first", "2 hold"]);
    }
}
