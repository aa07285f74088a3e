use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    tokio::spawn(async move { load(&ctx, "a".into()).await }).await??;
    Ok(())
}

fn main() {}
