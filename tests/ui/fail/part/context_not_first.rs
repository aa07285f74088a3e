use durable_runtime::prelude::*;

#[workflow_part]
async fn prepare(_order: u64, _ctx: &WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
