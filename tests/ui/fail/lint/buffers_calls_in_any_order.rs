use durable_runtime::prelude::*;
use futures_util::{StreamExt, stream};

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let calls = stream::iter(["one", "two"].map(|name| load(&ctx, name.into())));
    let _loaded: Vec<_> = calls.buffer_unordered(2).collect().await;
    Ok(())
}

fn main() {}
