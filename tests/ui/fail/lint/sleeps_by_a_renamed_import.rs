use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    use tokio::time as clock;
    clock::sleep(std::time::Duration::from_secs(1)).await;
    Ok(())
}

fn main() {}
