use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    sender.send(1u8).ok();
    receiver.await?;
    Ok(())
}

fn main() {}
