use durable_runtime::prelude::*;

#[workflow]
async fn ingest(_ctx: WorkflowContext, file: impl Into<String>) -> anyhow::Result<usize> {
    Ok(file.into().len())
}

fn main() {}
