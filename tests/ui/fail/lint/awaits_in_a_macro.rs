use durable_runtime::prelude::*;

async fn fetch(url: String) -> anyhow::Result<String> {
    Ok(url)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    println!("{}", fetch(ctx.workflow_id().into()).await?);
    Ok(())
}

fn main() {}
