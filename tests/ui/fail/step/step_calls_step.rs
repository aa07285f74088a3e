use durable_runtime::prelude::*;

#[step]
async fn inner(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[step]
async fn outer(ctx: StepContext) -> anyhow::Result<u32> {
    inner(&ctx).await
}

fn main() {}
