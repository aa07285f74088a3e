use durable_runtime::prelude::*;

#[workflow_part]
async fn prepare(_ctx: &StepContext, _order: u64) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
