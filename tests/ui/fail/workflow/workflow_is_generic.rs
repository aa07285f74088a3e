use durable_runtime::prelude::*;

#[workflow]
async fn ingest<T: Send>(_ctx: WorkflowContext, _file: T) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
