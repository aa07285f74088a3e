use durable_runtime::{Passed, prelude::*};

#[workflow(raw)]
async fn echo(_ctx: WorkflowContext, arguments: Passed, times: u32) -> anyhow::Result<usize> {
    Ok(arguments.positional.len() * times as usize)
}

#[workflow]
async fn caller(ctx: WorkflowContext) -> anyhow::Result<usize> {
    echo(&ctx, Passed::default(), 2).await
}

fn main() {}
