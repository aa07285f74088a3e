//! The workflows of class `interop`.

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};

use super::talking::LISTEN;

#[derive(Debug, Serialize, Deserialize)]
pub struct Echo {
    echo_text: String,
    echo_num: i64,
    echo_dt: String,
    items_count: usize,
    meta_keys: Vec<String>,
    flag: bool,
    empty: Json,
    received: Option<Box<RawValue>>,
}

#[workflow(class = "interop", name = "canonicalWorkflow")]
#[expect(clippy::too_many_arguments, reason = "the parameters are agreed on")]
pub async fn canonical(
    ctx: WorkflowContext,
    text: String,
    num: i64,
    dt: String,
    items: Vec<Json>,
    meta: Map<String, Json>,
    flag: bool,
    empty: Json,
) -> anyhow::Result<Echo> {
    let status = json!({"text": text, "num": num, "flag": flag});
    ctx.set_event("interop_status", &status).await?;
    ctx.write_stream("interop_stream", &json!({"item": text}))
        .await?;
    let received = ctx.recv(Some("interop_topic"), LISTEN).await?;
    Ok(Echo {
        echo_text: text,
        echo_num: num,
        echo_dt: dt,
        items_count: items.len(),
        meta_keys: meta.keys().cloned().collect(),
        flag,
        empty,
        received,
    })
}

#[workflow(class = "interop", name = "kwargWorkflow")]
pub async fn kwargs(
    _ctx: WorkflowContext,
    name: String,
    count: i64,
    tags: Vec<String>,
) -> anyhow::Result<String> {
    Ok(format!("{name}-{count}-{}", tags.join(",")))
}
