use durable_runtime::prelude::*;

#[workflow(max_recovery_attempts = 0)]
async fn child(_ctx: WorkflowContext, file: String) -> anyhow::Result<usize> {
    Ok(file.len())
}

#[step(timeout = "soon")]
async fn load(_ctx: StepContext, file: &str) -> anyhow::Result<String> {
    Ok(file.to_owned())
}

#[workflow]
async fn parent(ctx: WorkflowContext, file: String) -> anyhow::Result<usize> {
    let text = load(&ctx, &file).await?;
    let length: usize = child(&ctx, text).await?;
    Ok(length)
}

fn register(builder: durable_runtime::Builder) -> durable_runtime::Builder {
    builder.register::<child>().register::<parent>()
}

fn main() {}
