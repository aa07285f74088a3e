use durable_runtime::prelude::*;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let mut calls = FuturesUnordered::new();
    calls.push(load(&ctx, "a".into()));
    while let Some(name) = calls.next().await {
        name?;
    }
    Ok(())
}

fn main() {}
