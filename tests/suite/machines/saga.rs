//! A saga, whose undos are drawn beside its operations.

use durable_runtime::Saga;
use durable_runtime::prelude::*;

#[step]
async fn reserve(_ctx: StepContext, room: u32) -> anyhow::Result<u32> {
    Ok(room)
}

#[step]
async fn release(_ctx: StepContext, _reservation: u32) -> anyhow::Result<()> {
    Ok(())
}

#[step]
async fn charge(_ctx: StepContext, cents: u32) -> anyhow::Result<u32> {
    Ok(cents)
}

#[step]
async fn refund(_ctx: StepContext, _payment: u32) -> anyhow::Result<()> {
    Ok(())
}

#[step]
async fn confirm(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[workflow]
pub async fn book_trip(ctx: WorkflowContext, room: u32) -> anyhow::Result<u32> {
    let saga = Saga::new(&ctx);
    let number = saga
        .run(async {
            let reservation = saga
                .step(reserve(&ctx, room), |reservation| {
                    release(&ctx, reservation)
                })
                .await?;
            saga.step(charge(&ctx, reservation), |payment| refund(&ctx, payment))
                .await?;
            confirm(&ctx).await
        })
        .await?;
    ctx.set_event("booked", &number).await?;
    Ok(number)
}
