//! A workflow of the shape of a saga. It is only drawn, so its `Saga` need not do anything but have the shape of one.

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

struct Saga;

impl Saga {
    fn new(_ctx: &WorkflowContext) -> Self {
        Self
    }

    async fn step<T: Copy, U: Future>(
        &self,
        call: impl Future<Output = anyhow::Result<T>>,
        _undo: impl FnOnce(T) -> U,
    ) -> anyhow::Result<T> {
        call.await
    }

    async fn run<T>(&self, body: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        body.await
    }
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
