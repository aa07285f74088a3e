use durable_runtime::prelude::*;

#[workflow]
async fn child(_ctx: WorkflowContext, n: u32) -> anyhow::Result<u32> {
    Ok(n)
}

#[step]
async fn outer(ctx: StepContext) -> anyhow::Result<u32> {
    child(&ctx, 1).await
}

fn main() {}
