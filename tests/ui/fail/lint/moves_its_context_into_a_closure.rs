use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let load_it = move |name| async move { load(&ctx, name).await };
    load_it("a".into()).await?;
    Ok(())
}

fn main() {}
