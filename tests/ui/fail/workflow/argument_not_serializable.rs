use durable_runtime::prelude::*;

struct File(String);

#[workflow]
async fn ingest(_ctx: WorkflowContext, file: File) -> anyhow::Result<usize> {
    Ok(file.0.len())
}

fn main() {}
