use durable_runtime::prelude::*;

#[transaction(pure)]
async fn load(_ctx: TransactionContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
