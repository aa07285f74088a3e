//! The workflows without a class that talk or listen.

use std::time::Duration;

use durable_runtime::prelude::*;
use serde_json::Value as Json;
use serde_json::value::RawValue;

pub const LISTEN: Duration = Duration::from_secs(60);

#[workflow]
pub async fn send_test(
    ctx: WorkflowContext,
    topic: Option<String>,
    timeout_s: Option<f64>,
) -> anyhow::Result<Option<Box<RawValue>>> {
    let timeout = timeout_s.map_or(LISTEN, Duration::from_secs_f64);
    Ok(ctx.recv(topic.as_deref(), timeout).await?)
}

#[workflow]
pub async fn event_test(
    ctx: WorkflowContext,
    key: String,
    value: Box<RawValue>,
    update: Option<f64>,
) -> anyhow::Result<String> {
    let text = match serde_json::from_str::<Json>(value.get())? {
        Json::String(text) => text,
        _ => value.get().to_owned(),
    };
    ctx.set_event(&key, &value).await?;
    if let Some(seconds) = update {
        ctx.sleep(Duration::from_secs_f64(seconds)).await;
        ctx.set_event(&key, &format!("updated-{text}")).await?;
    }
    Ok(format!("{key}-{text}"))
}

#[workflow]
pub async fn stream_writer(
    ctx: WorkflowContext,
    key: String,
    n: i64,
    close: Option<bool>,
) -> anyhow::Result<i64> {
    for value in 0..n {
        ctx.write_stream(&key, &value).await?;
    }
    if close == Some(true) {
        ctx.close_stream(&key).await?;
    }
    Ok(n)
}
