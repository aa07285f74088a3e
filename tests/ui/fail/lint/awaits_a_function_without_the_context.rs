use durable_runtime::prelude::*;

async fn fetch(url: String) -> anyhow::Result<String> {
    Ok(url)
}

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _text = fetch("a".into()).await?;
    Ok(())
}

fn main() {}
