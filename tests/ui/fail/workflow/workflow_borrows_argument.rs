use durable_runtime::prelude::*;

#[workflow]
async fn ingest(_ctx: WorkflowContext, file: &str) -> anyhow::Result<usize> {
    Ok(file.len())
}

fn main() {}
