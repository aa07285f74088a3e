use durable_runtime::prelude::*;

#[step(name = "load", name = "fetch")]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
