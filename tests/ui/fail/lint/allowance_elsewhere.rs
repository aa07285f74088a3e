use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    load(
        &ctx,
        #[allow_nondeterminism(reason = "it is logged")]
        format!("{:?}", std::time::SystemTime::now()),
    )
    .await?;
    Ok(())
}

fn main() {}
