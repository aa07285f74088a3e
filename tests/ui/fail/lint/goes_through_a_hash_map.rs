use durable_runtime::prelude::*;
use std::collections::HashMap;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext, prices: HashMap<String, u64>) -> anyhow::Result<()> {
    for name in prices.keys() {
        load(&ctx, name.clone()).await?;
    }
    Ok(())
}

fn main() {}
