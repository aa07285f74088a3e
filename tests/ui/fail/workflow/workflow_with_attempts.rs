use durable_runtime::prelude::*;

#[workflow(max_attempts = 3)]
async fn load(_ctx: WorkflowContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
