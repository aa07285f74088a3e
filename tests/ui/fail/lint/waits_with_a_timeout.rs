use durable_runtime::prelude::*;
use std::time::Duration;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let limit = Duration::from_secs(1);
    tokio::time::timeout(limit, load(&ctx, "a".into())).await??;
    Ok(())
}

fn main() {}
