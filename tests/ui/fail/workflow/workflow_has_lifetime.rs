use durable_runtime::prelude::*;

#[workflow]
async fn ingest<'a>(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
