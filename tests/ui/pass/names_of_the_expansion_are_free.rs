#![deny(warnings)]

use durable_runtime::prelude::*;

/// Names that an expansion must not take from the author.
#[allow(dead_code)]
const OPTIONS: u32 = 1;
#[allow(dead_code)]
struct Result;
#[allow(dead_code)]
struct Option;
#[allow(dead_code)]
struct Some;
#[allow(dead_code)]
struct Clone;

mod core {}
mod std {}

#[step(max_attempts = 2, timeout = "1s")]
async fn step(_ctx: StepContext, input: u32, options: u32, body: u32) -> anyhow::Result<u32> {
    Ok(input + options + body + OPTIONS)
}

#[transaction]
async fn transaction(_ctx: TransactionContext, ctx: u32) -> anyhow::Result<u32> {
    Ok(ctx)
}

/// An argument of the same name.
#[step]
async fn text(_ctx: StepContext, text: &str) -> anyhow::Result<usize> {
    Ok(text.len())
}

#[transaction]
async fn rows(_ctx: TransactionContext, rows: u32) -> anyhow::Result<u32> {
    Ok(rows)
}

#[workflow]
async fn sum(ctx: WorkflowContext, sum: u32) -> anyhow::Result<u32> {
    Ok(text(&ctx, "").await? as u32 + rows(&ctx, sum).await?)
}

#[workflow]
async fn workflow(context: WorkflowContext, input: u32, ctx: u32) -> anyhow::Result<u32> {
    let sum = step(&context, input, ctx, 1).await?;
    transaction(&context, sum).await
}

pub fn register(builder: durable_runtime::Builder) -> durable_runtime::Builder {
    builder.register::<workflow>().register::<sum>()
}

fn main() {}
