use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: WorkflowContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
