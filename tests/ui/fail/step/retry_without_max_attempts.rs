use durable_runtime::Retry;
use durable_runtime::prelude::*;

#[step]
async fn fetch(_ctx: StepContext, _url: String) -> anyhow::Result<u32> {
    Ok(1)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<u32> {
    fetch(&ctx, "a".into()).retry(Retry::attempts(3)).await
}

fn main() {}
