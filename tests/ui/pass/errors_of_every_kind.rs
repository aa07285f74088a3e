#![deny(warnings)]

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
enum Failure {
    #[error("nothing at {0}")]
    Missing(String),
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
}

type Outcome<T> = std::result::Result<T, Failure>;

#[step]
async fn typed(_ctx: StepContext, url: &str) -> Outcome<String> {
    Err(Failure::Missing(url.to_owned()))
}

#[step]
async fn any(_ctx: StepContext) -> anyhow::Result<String> {
    Ok(std::str::from_utf8(b"text")?.to_owned())
}

#[step]
async fn boxed(_ctx: StepContext) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    Ok("1".parse::<u32>()?.to_string())
}

#[step]
async fn own(_ctx: StepContext) -> durable_runtime::Result<()> {
    Ok(())
}

#[workflow]
async fn all(ctx: WorkflowContext) -> anyhow::Result<String> {
    own(&ctx).await?;
    boxed(&ctx).await.map_err(|error| anyhow::anyhow!(error))?;
    let text = match typed(&ctx, "url").await {
        Ok(text) => text,
        Err(Failure::Missing(url)) => url,
        Err(error) => return Err(error.into()),
    };
    Ok(text + &any(&ctx).await?)
}

#[workflow]
async fn typed_workflow(ctx: WorkflowContext) -> Outcome<String> {
    typed(&ctx, "url").await
}

fn main() {}
