#![deny(warnings)]

use durable_runtime::prelude::*;

#[step]
async fn length(_ctx: StepContext, text: &str) -> anyhow::Result<usize> {
    Ok(text.len())
}

#[workflow]
async fn all(ctx: WorkflowContext, text: String) -> anyhow::Result<usize> {
    let (first, second) = tokio::join!(length(&ctx, &text), length(&ctx, "other"));
    let (third, fourth) = tokio::try_join!(length(&ctx, &text), async { length(&ctx, "x").await })?;
    Ok(first? + second? + third + fourth)
}

fn main() {}
