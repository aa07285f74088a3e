use durable_runtime::prelude::*;

#[workflow_part]
fn prepare(ctx: &WorkflowContext, order: u64) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
