use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    tokio::select! {
        one = load(&ctx, "one".into()) => drop(one?),
        two = load(&ctx, "two".into()) => drop(two?),
    }
    Ok(())
}

fn main() {}
