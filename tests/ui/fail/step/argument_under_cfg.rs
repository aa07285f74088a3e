use durable_runtime::prelude::*;

#[step]
async fn add(_ctx: StepContext, #[cfg(unix)] left: u32) -> anyhow::Result<u32> {
    Ok(left)
}

fn main() {}
