use durable_runtime::prelude::*;

#[workflow(raw)]
async fn echo(_ctx: WorkflowContext, arguments: Vec<String>) -> anyhow::Result<usize> {
    Ok(arguments.len())
}

fn main() {}
