use durable_runtime::prelude::*;
use std::time::SystemTime;

#[step]
async fn began(_ctx: StepContext) -> anyhow::Result<SystemTime> {
    Ok(SystemTime::now())
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let began: SystemTime = began(&ctx).await?;
    anyhow::ensure!(began.elapsed()?.as_secs() < 5);
    Ok(())
}

fn main() {}
