//! The workflows without a class that neither talk nor listen.

use std::time::Duration;

use anyhow::{Context, bail};
use durable_runtime::prelude::*;
use durable_runtime::{ErrorRecord, Passed, Untyped, WorkflowHandle};
use num_bigint::BigInt;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value as Json, json};

use super::Q;
use super::effects::note;
use super::spacing::spaced;
use super::time::in_milliseconds;

#[workflow(raw)]
pub async fn echo(_ctx: WorkflowContext, passed: Passed) -> anyhow::Result<Box<RawValue>> {
    let mut kwargs = Vec::with_capacity(passed.named.len());
    for (name, value) in &passed.named {
        kwargs.push(format!("{}:{value}", serde_json::to_string(name)?));
    }
    let args = serde_json::to_string(&passed.positional)?;
    let text = format!(r#"{{"args":{args},"kwargs":{{{}}}}}"#, kwargs.join(","));
    Ok(RawValue::from_string(text)?)
}

/// Integers of any size.
#[workflow]
pub async fn add(
    _ctx: WorkflowContext,
    a: Box<RawValue>,
    b: Box<RawValue>,
) -> anyhow::Result<Box<RawValue>> {
    let integer = |value: &RawValue| {
        let integer: Result<BigInt, _> = value.get().parse();
        integer.with_context(|| format!("{value} is not an integer"))
    };
    let sum = integer(&a)? + integer(&b)?;
    Ok(RawValue::from_string(sum.to_string())?)
}

#[step]
async fn s1(ctx: StepContext, value: i64, pause_ms: u64) -> anyhow::Result<i64> {
    pause(&ctx, value, pause_ms).await
}

#[step]
async fn s2(ctx: StepContext, value: i64, pause_ms: u64) -> anyhow::Result<i64> {
    pause(&ctx, value, pause_ms).await
}

#[step]
async fn s3(ctx: StepContext, value: i64, pause_ms: u64) -> anyhow::Result<i64> {
    pause(&ctx, value, pause_ms).await
}

async fn pause(ctx: &StepContext, value: i64, pause_ms: u64) -> anyhow::Result<i64> {
    note(ctx)?;
    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    Ok(value + 1)
}

#[workflow]
pub async fn steps3(ctx: WorkflowContext, x: i64, pause_ms: Option<u64>) -> anyhow::Result<i64> {
    let pause_ms = pause_ms.unwrap_or_default();
    let x = s1(&ctx, x, pause_ms).await?;
    let x = s2(&ctx, x, pause_ms).await?;
    s3(&ctx, x, pause_ms).await
}

#[workflow]
pub async fn fail(_ctx: WorkflowContext, msg: String) -> anyhow::Result<()> {
    let error = ErrorRecord::new("MyErr", msg)
        .code(42)
        .data(json!({"k": [1]}));
    Err(error.into())
}

#[workflow]
pub async fn panics(_ctx: WorkflowContext) -> anyhow::Result<()> {
    panic!("panics")
}

#[workflow]
pub async fn sleeper(ctx: WorkflowContext, ms: u64) -> anyhow::Result<u64> {
    ctx.sleep(Duration::from_millis(ms)).await;
    Ok(ms)
}

#[workflow]
pub async fn blocked_workflow(ctx: WorkflowContext) -> anyhow::Result<()> {
    loop {
        ctx.sleep(Duration::from_millis(100)).await;
    }
}

#[step]
async fn append(ctx: StepContext, value: Json) -> anyhow::Result<Json> {
    note(&ctx)?;
    Ok(value)
}

#[workflow]
pub async fn retrieve_test(ctx: WorkflowContext, value: Json) -> anyhow::Result<Json> {
    ctx.sleep(Duration::from_secs(5)).await;
    append(&ctx, value).await
}

#[workflow]
pub async fn enqueue_test(
    _ctx: WorkflowContext,
    num: i64,
    text: String,
    person: Json,
) -> anyhow::Result<String> {
    Ok(format!("{num}-{text}-{}", spaced(&person)?))
}

#[step]
async fn txn(ctx: StepContext, x: i64) -> anyhow::Result<i64> {
    note(&ctx)?;
    Ok(x)
}

#[step(name = "step")]
async fn plain_step(ctx: StepContext, x: i64) -> anyhow::Result<i64> {
    note(&ctx)?;
    Ok(x)
}

#[workflow]
pub async fn fork_test(ctx: WorkflowContext, x: i64) -> anyhow::Result<i64> {
    Ok(txn(&ctx, x).await? + plain_step(&ctx, x).await?)
}

#[workflow]
pub async fn parent(
    ctx: WorkflowContext,
    n: i64,
    blocked: Option<bool>,
) -> anyhow::Result<Vec<Box<RawValue>>> {
    let mut results = Vec::new();
    if blocked == Some(true) {
        let mut children = Vec::new();
        for _ in 0..n {
            children.push(blocked_workflow(&ctx).queue(&Q).start().await?);
        }
        for child in &children {
            child.result().await?;
            results.push(to_raw_value(&())?);
        }
    } else {
        let mut children = Vec::new();
        for i in 0..n {
            let (a, b) = (to_raw_value(&i)?, to_raw_value(&i)?);
            children.push(add(&ctx, a, b).queue(&Q).start().await?);
        }
        for child in &children {
            results.push(child.result().await?);
        }
    }
    Ok(results)
}

#[step(max_attempts = 3, interval = "10ms")]
async fn flaky(ctx: StepContext, k: u32) -> anyhow::Result<u32> {
    note(&ctx)?;
    if ctx.attempt() < k {
        bail!("attempt {} fails", ctx.attempt());
    }
    Ok(ctx.attempt() + 1)
}

#[workflow]
pub async fn retry(ctx: WorkflowContext, k: u32) -> anyhow::Result<u32> {
    flaky(&ctx, k).await
}

#[derive(Debug, Serialize, serde::Deserialize)]
pub struct Scheduled {
    time: String,
    context: Json,
}

#[workflow]
pub async fn scheduled(
    _ctx: WorkflowContext,
    time: String,
    context: Json,
) -> anyhow::Result<Scheduled> {
    let time = in_milliseconds(&time)?;
    Ok(Scheduled { time, context })
}

#[workflow]
pub async fn call_app(
    ctx: WorkflowContext,
    application: String,
    queue: String,
    name: String,
    args: Vec<Box<RawValue>>,
) -> anyhow::Result<Box<RawValue>> {
    let mut call = ctx.enqueue(name, queue).application(application);
    for argument in &args {
        call = call.arg(argument);
    }
    let child: WorkflowHandle<Untyped<Option<Box<RawValue>>>> = call.start().await?;
    match child.result().await? {
        Some(value) => Ok(value),
        None => Ok(to_raw_value(&())?),
    }
}
