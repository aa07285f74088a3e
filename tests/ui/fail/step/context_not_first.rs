use durable_runtime::prelude::*;

#[step]
async fn load(file: String, ctx: StepContext) -> anyhow::Result<usize> {
    Ok(file.len() + ctx.name().len())
}

fn main() {}
