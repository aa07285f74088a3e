#![deny(warnings)]

use std::fmt::Display;

use durable_runtime::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[step]
async fn keep<T>(_ctx: StepContext, value: T) -> anyhow::Result<T>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    Ok(value)
}

/// Nothing but the return type says what `T` is.
#[step(max_attempts = 3)]
async fn parse<T: Serialize + DeserializeOwned + Send + 'static, const N: usize>(
    _ctx: StepContext,
    _texts: [String; N],
) -> anyhow::Result<Vec<T>> {
    Ok(Vec::new())
}

#[step]
async fn print(_ctx: StepContext, value: impl Display + Send, also: &(impl Display + Sync)) -> anyhow::Result<String> {
    Ok(format!("{value}{also}"))
}

#[workflow]
async fn all(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let kept = keep(&ctx, 1).await?;
    let parsed = parse::<u32, 1>(&ctx, [String::new()]).await?;
    let also: Vec<u32> = parse(&ctx, [String::new(), String::new()]).await?;
    let printed = print(&ctx, kept, &"text").await?;
    Ok(kept + parsed.len() as u32 + also.len() as u32 + printed.len() as u32)
}

fn main() {}
