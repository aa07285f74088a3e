use std::time::Duration;

use durable_runtime::prelude::*;

#[transaction]
async fn save(_ctx: TransactionContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<u32> {
    save(&ctx).timeout(Duration::from_secs(1)).await
}

fn main() {}
