use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    #[allow_nondeterminism(reason = "it was needed once")]
    load(&ctx, "a".into()).await?;
    Ok(())
}

fn main() {}
