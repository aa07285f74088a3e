#![deny(warnings)]

use std::borrow::Cow;
use std::path::Path;

use durable_runtime::prelude::*;

#[step]
async fn one(_ctx: StepContext, text: &str) -> anyhow::Result<usize> {
    Ok(text.len())
}

#[step(max_attempts = 2)]
async fn many<'a, 'b>(
    _ctx: StepContext,
    texts: &'a [&'b str],
    path: &Path,
    cow: Cow<'_, str>,
    predicate: &(dyn Fn(&str) -> bool + Sync),
) -> anyhow::Result<usize> {
    let chosen = texts.iter().filter(|text| predicate(text)).count();
    Ok(chosen + path.as_os_str().len() + cow.len())
}

#[transaction]
async fn save(_ctx: TransactionContext, texts: &[String]) -> anyhow::Result<usize> {
    Ok(texts.len())
}

#[workflow]
async fn all(ctx: WorkflowContext, text: String) -> anyhow::Result<usize> {
    // Temporaries live until the call has been awaited.
    let first = one(&ctx, &format!("{text}!")).await?;
    let texts = vec![text.clone()];
    let second = {
        let short: &str = &texts[0];
        many(&ctx, &[short, &text], Path::new("/"), Cow::Borrowed(short), &|text| text.len() > 1).await?
    };
    Ok(first + second + save(&ctx, &texts).await?)
}

/// A plain function that makes durable calls on behalf of a workflow.
async fn on_behalf(ctx: &WorkflowContext, text: &str) -> anyhow::Result<usize> {
    one(ctx, text).await
}

#[workflow]
async fn delegating(ctx: WorkflowContext, text: String) -> anyhow::Result<usize> {
    on_behalf(&ctx, &text).await
}

fn main() {}
