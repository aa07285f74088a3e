use durable_runtime::prelude::*;

#[workflow(timeout = "1h")]
async fn load(_ctx: WorkflowContext) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
