use durable_runtime::prelude::*;

#[workflow_part]
async fn prepare(_ctx: &WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(parts("prepare"))]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<()> {
    prepare(&ctx).await
}

#[workflow(parts = prepare)]
async fn other(ctx: WorkflowContext) -> anyhow::Result<()> {
    prepare(&ctx).await
}

fn main() {}
