use durable_runtime::prelude::*;

#[workflow_part(partz(other))]
async fn prepare(_ctx: &WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(parts(prepare))]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<()> {
    prepare(&ctx).await
}

fn main() {}
