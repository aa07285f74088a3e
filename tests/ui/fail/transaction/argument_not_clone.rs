use durable_runtime::prelude::*;

struct Document;

#[transaction]
async fn save(_ctx: TransactionContext, _document: Document) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
