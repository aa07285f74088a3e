use durable_runtime::prelude::*;

use std::rc::Rc;

#[step]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[workflow]
async fn ingest(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let shared = Rc::new(1);
    let loaded = load(&ctx).await?;
    Ok(loaded + *shared)
}

fn main() {}
