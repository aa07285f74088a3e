use durable_runtime::prelude::*;

#[workflow_part(parts(again))]
async fn again(ctx: &WorkflowContext, times: u32) -> anyhow::Result<()> {
    if times > 0 {
        Box::pin(again(ctx, times - 1)).await?;
    }
    Ok(())
}

fn main() {}
