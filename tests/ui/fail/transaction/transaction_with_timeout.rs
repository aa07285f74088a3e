use durable_runtime::prelude::*;

#[transaction(timeout = "5s")]
async fn load(_ctx: TransactionContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
