use durable_runtime::prelude::*;

#[step(interval = "5s")]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
