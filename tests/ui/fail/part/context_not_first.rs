use durable_runtime::prelude::*;

#[workflow_part]
async fn prepare(order: u64, ctx: &WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
