use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[workflow]
async fn ingest(ctx: WorkflowContext) -> anyhow::Result<u32> {
    load(ctx).await
}

fn main() {}
