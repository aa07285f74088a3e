use std::time::Duration;

use durable_runtime::prelude::*;

#[step]
async fn nap(ctx: StepContext) -> anyhow::Result<()> {
    ctx.sleep(Duration::from_secs(1)).await;
    Ok(())
}

fn main() {}
