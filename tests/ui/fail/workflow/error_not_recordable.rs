use durable_runtime::prelude::*;

#[derive(Debug, thiserror::Error)]
#[error("gone")]
struct Gone;

#[workflow]
async fn ingest(_ctx: WorkflowContext) -> Result<u32, Gone> {
    Err(Gone)
}

fn main() {}
