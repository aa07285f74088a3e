use durable_runtime::prelude::*;

fn on() -> tokio::runtime::Handle {
    tokio::runtime::Handle::current()
}

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let runtime = on();
    runtime.spawn(async move { load(&ctx, "a".into()).await });
    Ok(())
}

fn main() {}
