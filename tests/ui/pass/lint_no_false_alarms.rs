//! What looks like an offence and is none.

#![deny(warnings)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use durable_runtime::prelude::*;
use durable_runtime::{WorkflowHandle, join, select};
use futures_util::future::{join_all, try_join_all};
use uuid::Uuid;

type Result<T> = anyhow::Result<T>;

#[step]
async fn load(_ctx: StepContext, name: &str) -> Result<usize> {
    Ok(name.len())
}

#[step]
async fn took(_ctx: StepContext) -> Result<Duration> {
    Ok(Instant::now().elapsed())
}

/// A module whose functions are called like those of the standard library.
mod fs {
    use super::*;

    #[step]
    pub async fn read(_ctx: StepContext, path: String) -> Result<String> {
        Ok(path)
    }
}

mod time {
    pub(super) fn sleepy(hours: u32) -> bool {
        hours < 7
    }
}

async fn twice(ctx: &WorkflowContext, name: &str) -> Result<usize> {
    Ok(load(ctx, name).await? + load(ctx, name).await?)
}

async fn told(sum: usize, ctx: &WorkflowContext) -> Result<usize> {
    Ok(sum + load(ctx, "told").await?)
}

#[workflow]
async fn child(ctx: WorkflowContext, name: String) -> Result<usize> {
    load(&ctx, &name).await
}

#[workflow]
async fn formats_and_logs(ctx: WorkflowContext, names: Vec<String>) -> Result<String> {
    println!("{} at {:?}", ctx.workflow_id(), Instant::now());
    let line = format!("{:>8} {:?} {{:p}}", names.len(), ctx.user());
    let document = serde_json::json!({ "names": names, "load": 1 });
    assert!(matches!(names.len(), 0..=9 if !line.is_empty()), "{document}");
    anyhow::ensure!(!names.is_empty(), "no names for {}", ctx.name());
    if names.len() > 5 {
        anyhow::bail!("too many");
    }
    let id = Uuid::parse_str("67e55044-10b1-426f-9247-bb680e5fe0c8")?;
    let named = Uuid::from_u128(7);
    let at: jiff::Timestamp = "2026-11-22T00:00:00Z".parse()?;
    let wait = Duration::from_secs(5) * 2;
    ctx.sleep(wait.saturating_sub(took(&ctx).await?)).await;
    anyhow::ensure!(!time::sleepy(9));
    Ok(format!("{line} {id} {named} {at} {}", fs::read(&ctx, "a".into()).await?))
}

#[workflow]
async fn goes_through_lists(ctx: WorkflowContext, prices: HashMap<String, usize>, names: Vec<String>) -> Result<usize> {
    let mut sum = 0;
    for name in names.iter().filter(|name| !name.is_empty()) {
        sum += match load(&ctx, name).await? {
            0 => continue,
            size if size > 9 && name.len() > 9 => size,
            size => size + twice(&ctx, name).await?,
        };
    }
    let sizes: Vec<usize> = names.iter().map(String::len).rev().collect();
    sum += sizes.into_iter().max().unwrap_or_default();
    // Looking up, counting and sorting do not depend on the order.
    sum += prices.get("a").copied().unwrap_or_default() + prices.values().sum::<usize>();
    let mut sorted: Vec<_> = prices.keys().collect();
    sorted.sort();
    for name in sorted {
        sum += load(&ctx, name).await?;
    }
    let seen = names.iter().collect::<HashSet<_>>();
    sum += names.iter().filter(|name| seen.contains(name)).count();
    let sorted: BTreeMap<_, _> = prices.into_iter().collect();
    for name in sorted.keys() {
        sum += load(&ctx, name).await?;
    }
    told(sum, &ctx).await
}

#[workflow]
async fn holds_calls(ctx: WorkflowContext, names: Vec<String>) -> Result<usize> {
    let pending = load(&ctx, "a");
    let mut calls = Vec::new();
    for name in &names {
        calls.push(load(&ctx, name));
    }
    let mut sum = pending.await?;
    sum += try_join_all(calls).await?.into_iter().sum::<usize>();
    let calls = names.iter().map(|name| load(&ctx, name));
    sum += join_all(calls).await.into_iter().flatten().count();
    let context = &ctx;
    let calls = names.iter().map(move |name| async move { load(context, name).await });
    sum += futures_util::future::join_all(calls).await.len();
    let (one, two) = join!(load(&ctx, "one"), async { load(&ctx, "two").await });
    sum += one? + two?;
    let each = async |name: &str| load(&ctx, name).await;
    Ok(sum + each("b").await? + std::future::ready(1).await + async { 1 }.await)
}

#[workflow]
async fn holds_handles(ctx: WorkflowContext, names: Vec<String>) -> Result<usize> {
    let first = child(&ctx, "first".into()).start().await?;
    let mut handles: Vec<WorkflowHandle<child>> = Vec::new();
    for name in names {
        handles.push(child(&ctx, name).start().await?);
    }
    let mut sum = first.result().await?;
    sum += try_join_all(handles.iter().map(|handle| handle.result())).await?.len();
    while let Some(handle) = handles.pop() {
        sum += handle.result().await?;
    }
    let late = child(&ctx, "late".into()).start().await?;
    sum += select! { &ctx;
        size = late.result() => size?,
        () = ctx.sleep(Duration::from_secs(1)) => 0,
    };
    let mut reader = ctx.read_stream::<usize>("other", "sizes");
    while let Some(size) = reader.next().await? {
        sum += size;
    }
    match child(&ctx, "last".into()).start().await {
        Ok(handle) => Ok(sum + handle.result().await?),
        Err(error) => Err(error.into()),
    }
}

#[workflow]
async fn shadows(ctx: WorkflowContext) -> Result<u32> {
    struct Instant(u32);
    impl Instant {
        fn now() -> Self {
            Self(1)
        }
        fn elapsed(&self) -> u32 {
            self.0
        }
    }
    fn spawn(number: u32) -> u32 {
        number
    }
    let sleep = |number: u32| number;
    load(&ctx, "a").await?;
    Ok(Instant::now().elapsed() + spawn(1) + sleep(1))
}

fn main() {}
