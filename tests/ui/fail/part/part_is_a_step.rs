use durable_runtime::prelude::*;

#[workflow_part]
#[step]
async fn prepare(_ctx: &WorkflowContext, _order: u64) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
