use durable_runtime::prelude::*;

#[step(max_attempts = 3, interval = "5")]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
