use durable_runtime::prelude::*;

#[transaction]
async fn save(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
