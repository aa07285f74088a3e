use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let _began = std::time::SystemTime::now();
    let name: u32 = load(&ctx, 1).await?;
    Ok(())
}

fn main() {}
