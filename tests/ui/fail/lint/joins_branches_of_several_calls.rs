use durable_runtime::join;
use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let (one, two) = join!(load(&ctx, "one".into()), async {
        let three = load(&ctx, "two".into()).await?;
        load(&ctx, three).await
    });
    drop((one?, two?));
    Ok(())
}

fn main() {}
