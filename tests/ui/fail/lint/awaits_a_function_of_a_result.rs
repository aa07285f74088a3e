use durable_runtime::prelude::*;

async fn fetch(url: String) -> anyhow::Result<String> {
    Ok(url)
}

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let url = load(&ctx, "a".into()).await?;
    let _text = fetch(url).await?;
    Ok(())
}

fn main() {}
