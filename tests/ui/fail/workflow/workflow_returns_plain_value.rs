use durable_runtime::prelude::*;

#[workflow]
async fn ingest(_ctx: WorkflowContext) -> u32 {
    1
}

fn main() {}
