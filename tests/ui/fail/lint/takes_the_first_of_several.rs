use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    use futures_util::future::select_all;
    let calls = ["one", "two"].map(|name| load(&ctx, name.into()));
    let (_first, _, _) = select_all(calls).await;
    Ok(())
}

fn main() {}
