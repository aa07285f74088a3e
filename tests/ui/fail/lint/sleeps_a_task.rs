use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    use tokio::time::{Duration, sleep};
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

fn main() {}
