use durable_runtime::prelude::*;

#[step(colour = "red")]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
