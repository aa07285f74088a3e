use durable_runtime::join;
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
    let (one, two) = join!(load(&ctx, "a".into()), fetch("b".into()));
    drop((one?, two?));
    Ok(())
}

fn main() {}
