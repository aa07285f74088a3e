use durable_runtime::prelude::*;

#[step]
async fn add(_ctx: StepContext, (left, right): (u32, u32)) -> anyhow::Result<u32> {
    Ok(left + right)
}

fn main() {}
