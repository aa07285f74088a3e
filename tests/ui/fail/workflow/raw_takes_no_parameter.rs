use durable_runtime::prelude::*;

#[workflow(raw)]
async fn echo(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
