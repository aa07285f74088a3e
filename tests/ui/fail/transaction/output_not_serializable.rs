use durable_runtime::prelude::*;

struct Rows(u64);

#[transaction]
async fn save(_ctx: TransactionContext) -> anyhow::Result<Rows> {
    Ok(Rows(1))
}

fn main() {}
