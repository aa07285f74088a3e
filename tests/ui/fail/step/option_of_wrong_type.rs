use durable_runtime::prelude::*;

#[step(timeout = 30)]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
