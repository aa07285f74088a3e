use durable_runtime::prelude::*;

#[step]
async fn first(_ctx: StepContext, text: &str) -> anyhow::Result<&str> {
    Ok(text)
}

fn main() {}
