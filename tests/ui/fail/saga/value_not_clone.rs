use durable_runtime::Saga;
use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Flight;

#[step]
async fn book(_ctx: StepContext) -> anyhow::Result<Flight> {
    Ok(Flight)
}

#[step]
async fn cancel(_ctx: StepContext, _flight: Flight) -> anyhow::Result<()> {
    Ok(())
}

#[workflow]
async fn trip(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        saga.step(book(&ctx), |flight| cancel(&ctx, flight)).await?;
        Ok(())
    })
    .await
}

fn main() {}
