#![deny(warnings)]

pub mod platform {
    pub use durable_runtime as durable;
}

/// What `::durable_runtime` must not be needed for.
mod durable_runtime {}

use platform::durable::prelude::*;

#[step(crate = crate::platform::durable)]
async fn length(_ctx: StepContext, text: &str) -> anyhow::Result<usize> {
    Ok(text.len())
}

#[transaction(crate = crate::platform::durable)]
async fn save(_ctx: TransactionContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(crate = crate::platform::durable)]
async fn all(ctx: WorkflowContext, text: String) -> anyhow::Result<usize> {
    save(&ctx).await?;
    length(&ctx, &text).await
}

fn main() {}
