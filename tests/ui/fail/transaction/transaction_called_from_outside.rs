use durable_runtime::prelude::*;

#[transaction]
async fn save(_ctx: TransactionContext) -> anyhow::Result<u32> {
    Ok(1)
}

async fn run(durable: &Durable) -> anyhow::Result<u32> {
    save(durable).await
}

fn main() {}
