use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _ticks = tokio::time::interval(std::time::Duration::from_secs(1));
    Ok(())
}

fn main() {}
