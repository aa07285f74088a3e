//! Undos of every spelling, and sagas with every kind of error.

use durable_runtime::prelude::*;
use durable_runtime::{Error, Saga, SagaError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Flight(u64);

#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
enum TripError {
    #[error("full")]
    Full,
    #[error(transparent)]
    Durable(#[from] Error),
}

#[step]
async fn book(_ctx: StepContext, to: &str) -> Result<Flight, TripError> {
    match to {
        "" => Err(TripError::Full),
        _ => Ok(Flight(1)),
    }
}

#[step(max_attempts = 5)]
async fn cancel(_ctx: StepContext, _flight: &Flight) -> anyhow::Result<u64> {
    Ok(1)
}

#[transaction]
async fn refund(_ctx: TransactionContext, _flight: u64) -> durable_runtime::Result<()> {
    Ok(())
}

#[workflow]
async fn closures(ctx: WorkflowContext, to: String) -> anyhow::Result<u64> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        let Flight(flight) = saga
            .step(book(&ctx, &to), async |flight| cancel(&ctx, &flight).await)
            .await?;
        saga.step(book(&ctx, &to), |Flight(flight)| refund(&ctx, flight))
            .await?;
        saga.defer(async || {
            let to = book(&ctx, &to).await?;
            cancel(&ctx, &to).await?;
            anyhow::Ok(())
        });
        Ok(flight)
    })
    .await
}

#[workflow]
async fn moved(ctx: WorkflowContext) -> Result<(), TripError> {
    let ctx = &ctx;
    let saga = Saga::new(ctx);
    saga.run(async {
        for to in [String::from("a"), String::from("b")] {
            saga.step(book(ctx, &to), move |flight| async move {
                cancel(ctx, &flight).await
            })
            .await?;
            saga.defer(async move || book(ctx, &to).await);
        }
        Ok(())
    })
    .await
}

#[workflow]
async fn untyped(ctx: WorkflowContext) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let saga = Saga::new(&ctx);
    let ended = saga.run_reported(async {
        saga.nested().run(book(&ctx, "a")).await?;
        anyhow::Ok(())
    });
    let SagaError { undone, .. } = match ended.await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    Err(format!("{undone:?}").into())
}

/// What takes a saga gives its undos to it.
async fn shares<'c>(saga: &Saga<'c>, ctx: &'c WorkflowContext) -> Result<Flight, TripError> {
    saga.step(book(ctx, "a"), async move |flight| cancel(ctx, &flight).await)
        .await
}

#[workflow]
async fn shared(ctx: WorkflowContext) -> Result<u64, TripError> {
    let saga = Saga::new(&ctx);
    saga.run(async { Ok(shares(&saga, &ctx).await?.0) }).await
}

fn main() {}
