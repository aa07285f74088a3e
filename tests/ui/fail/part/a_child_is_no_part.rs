use durable_runtime::prelude::*;

#[workflow]
async fn child(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(parts(child))]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<()> {
    child(&ctx).await
}

fn main() {}
