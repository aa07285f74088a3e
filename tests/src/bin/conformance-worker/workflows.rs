//! The workflows of class `workflows`.

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value as Json, json};

use super::talking::LISTEN;
use super::time::in_milliseconds;

#[derive(Debug, Serialize, Deserialize)]
pub struct KeyAndValues {
    k: String,
    v: Vec<String>,
}

#[workflow(class = "workflows", name = "workflowPortable")]
pub async fn portable(
    ctx: WorkflowContext,
    s: String,
    n: i64,
    o: KeyAndValues,
    destination: Option<String>,
) -> anyhow::Result<String> {
    for key in ["defstat", "nstat", "pstat"] {
        ctx.set_event(key, &json!({"status": key})).await?;
    }
    for key in ["defstream", "nstream", "pstream"] {
        ctx.write_stream(key, &json!({"stream": key})).await?;
    }
    if let Some(destination) = destination {
        for topic in ["default", "native", "portable"] {
            let message = json!({"message": topic});
            ctx.send(&destination, Some(topic), &message).await?;
        }
    }
    let message: Option<Box<RawValue>> = ctx.recv(Some("incoming"), LISTEN).await?;
    let message = match message {
        Some(message) => message,
        None => to_raw_value(&())?,
    };
    Ok(format!("{s}-{n}-{}:{}@{message}", o.k, o.v.join(",")))
}

#[derive(Debug, Serialize, Deserialize)]
pub struct RichTypes {
    date_echo: String,
    date_obj: String,
    items: Vec<Json>,
    items_count: usize,
    nested: Map<String, Json>,
    nested_keys: Vec<String>,
    received_msg: Option<Box<RawValue>>,
}

#[workflow(class = "workflows", name = "workflowRichTypes")]
pub async fn rich_types(
    ctx: WorkflowContext,
    date: String,
    items: Vec<Json>,
    nested: Map<String, Json>,
) -> anyhow::Result<RichTypes> {
    ctx.set_event("date_event", &date).await?;
    ctx.set_event("array_event", &items).await?;
    ctx.set_event("map_event", &nested).await?;
    let received_msg = ctx.recv(Some("rich_incoming"), LISTEN).await?;
    let date = in_milliseconds(&date)?;
    Ok(RichTypes {
        date_echo: date.clone(),
        date_obj: date,
        items_count: items.len(),
        items,
        nested_keys: nested.keys().cloned().collect(),
        nested,
        received_msg,
    })
}

#[workflow(class = "workflows", name = "workflowRecvTest")]
pub async fn recv_test(ctx: WorkflowContext) -> anyhow::Result<Option<Box<RawValue>>> {
    Ok(ctx.recv(Some("incoming"), LISTEN).await?)
}
