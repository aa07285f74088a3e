use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[transaction]
async fn save(ctx: TransactionContext) -> anyhow::Result<u32> {
    load(&ctx).await
}

fn main() {}
