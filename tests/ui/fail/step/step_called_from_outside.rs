use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

async fn run(durable: &Durable) -> anyhow::Result<u32> {
    load(durable).await
}

fn main() {}
