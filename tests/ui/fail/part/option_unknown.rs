use durable_runtime::prelude::*;

#[workflow_part(name = "prepared")]
async fn prepare(ctx: &WorkflowContext, order: u64) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
