#![deny(warnings)]

use durable_runtime::prelude::*;

mod errors {
    pub fn is_transient(error: &anyhow::Error) -> bool {
        error.is::<std::io::Error>()
    }
}

#[step(
    name = "fetch a page",
    max_attempts = 3,
    interval = "250ms",
    backoff_rate = 1.5,
    max_interval = "5m",
    timeout = "30s",
    retry_if = errors::is_transient,
    pure
)]
async fn by_path(ctx: StepContext, url: String) -> anyhow::Result<String> {
    Ok(format!("{url} {}", ctx.attempt()))
}

#[step(max_attempts = 3, retry_if = |error| error.to_string().contains("timeout"))]
async fn by_closure(_ctx: StepContext) -> anyhow::Result<()> {
    Ok(())
}

#[transaction(max_attempts = 3, interval = "0s", retry_if = errors::is_transient)]
async fn transaction(_ctx: TransactionContext, text: String) -> anyhow::Result<String> {
    Ok(text)
}

#[workflow(name = "retrying", version = "1", max_recovery_attempts = 50)]
async fn all(ctx: WorkflowContext) -> anyhow::Result<String> {
    by_closure(&ctx).await?;
    let text = by_path(&ctx, "url".to_owned()).await?;
    transaction(&ctx, text).await
}

fn main() {}
