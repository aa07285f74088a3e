use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _task = tokio::spawn(async { 1 });
    Ok(())
}

fn main() {}
