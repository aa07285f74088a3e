use durable_runtime::prelude::*;
use std::time::Instant;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let began = Instant::now();
    anyhow::ensure!(began.elapsed().as_secs() < 5);
    Ok(())
}

fn main() {}
