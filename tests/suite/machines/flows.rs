//! Workflows of different shapes. They are only drawn.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{join, select};
use futures_util::future::{join_all, try_join_all};

const JOBS: Queue = Queue::new("jobs");
const SECOND: Duration = Duration::from_secs(1);

#[step]
async fn fetch(_ctx: StepContext, _name: &str) -> anyhow::Result<u32> {
    Ok(1)
}

#[step]
async fn store(_ctx: StepContext, _value: u32) -> anyhow::Result<()> {
    Ok(())
}

#[step]
async fn next_page(_ctx: StepContext, _after: u32) -> anyhow::Result<Option<Vec<u32>>> {
    Ok(None)
}

#[step]
async fn is_ready(_ctx: StepContext) -> anyhow::Result<bool> {
    Ok(true)
}

#[transaction]
async fn book(_ctx: TransactionContext, _value: u32) -> anyhow::Result<u64> {
    Ok(1)
}

#[workflow]
pub async fn sequence(ctx: WorkflowContext, name: String) -> anyhow::Result<u64> {
    let value = fetch(&ctx, &name).await?;
    ctx.sleep(SECOND).await;
    store(&ctx, fetch(&ctx, "other").await?).await?;
    tracing_like(format!("{name} of {} is {value}", ctx.workflow_id()));
    book(&ctx, value).await
}

fn tracing_like(_line: String) {}

#[workflow]
pub async fn branches(ctx: WorkflowContext, name: String, limit: u32) -> anyhow::Result<u32> {
    let value = fetch(&ctx, &name).await?;
    // Only computes: not drawn.
    let double = if value > 3 { value * 2 } else { value };
    if double > limit {
        book(&ctx, double).await?;
    } else if name.is_empty() {
        return Ok(0);
    } else {
        store(&ctx, double).await?;
    }
    if is_ready(&ctx).await? {
        store(&ctx, 1).await?;
    }
    let Some(first) = name.chars().next() else {
        ctx.sleep(SECOND).await;
        anyhow::bail!("no name");
    };
    if first == 'a' && is_ready(&ctx).await? {
        store(&ctx, 2).await?;
    }
    Ok(value)
}

#[workflow]
pub async fn matches(ctx: WorkflowContext, kind: Option<u32>) -> anyhow::Result<u64> {
    let value = match fetch(&ctx, "kind").await {
        Ok(value) => value,
        Err(error) if error.to_string().contains("busy") => 7,
        Err(_) => return Ok(0),
    };
    let booked = match kind {
        Some(0) | None => 0,
        Some(1) if is_ready(&ctx).await? => book(&ctx, 1).await?,
        Some(n @ 2..=9) => {
            store(&ctx, n).await?;
            book(&ctx, n).await?
        }
        Some(_) => book(&ctx, value).await?,
    };
    match book(&ctx, 3).await {
        Ok(more) => Ok(booked + more),
        Err(error) => Err(error),
    }
}

#[workflow]
pub async fn loops(ctx: WorkflowContext, names: Vec<String>) -> anyhow::Result<u32> {
    let mut sum = 0;
    'names: for name in &names {
        for letter in name.chars() {
            if letter == ' ' {
                continue;
            }
            if letter == '-' {
                continue 'names;
            }
            let value = fetch(&ctx, name).await?;
            if value > 100 {
                break 'names;
            }
            if value == 0 {
                break;
            }
            sum += value;
        }
        store(&ctx, sum).await?;
    }
    // Only computes: not drawn.
    for name in &names {
        if name.len() > 3 {
            continue;
        }
        sum += u32::try_from(name.len())?;
    }
    Ok(sum)
}

#[workflow]
pub async fn conditions(ctx: WorkflowContext, limit: u32) -> anyhow::Result<u32> {
    let mut seen = 0;
    while let Some(page) = next_page(&ctx, seen).await? {
        for item in page {
            store(&ctx, item).await?;
        }
        seen += 1;
    }
    while seen < limit {
        seen += fetch(&ctx, "more").await?;
    }
    while seen > 0 && !is_ready(&ctx).await? {
        ctx.sleep(SECOND).await;
    }
    loop {
        if fetch(&ctx, "last").await? == 3 {
            break Ok(seen);
        }
        ctx.sleep(SECOND).await;
    }
}

#[workflow]
pub async fn together(ctx: WorkflowContext, names: Vec<String>) -> anyhow::Result<u32> {
    let (one, two) = join!(fetch(&ctx, "one"), async {
        if names.len() > 3 {
            fetch(&ctx, "two").await
        } else {
            Ok(2)
        }
    });
    let sum = one? + two?;
    let values = try_join_all(names.iter().map(|name| fetch(&ctx, name))).await?;
    join_all(vec![store(&ctx, sum), store(&ctx, 4)]).await;
    Ok(values.iter().sum())
}

#[workflow]
pub async fn race(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let early = fetch(&ctx, "early");
    let mut rounds = 0;
    let value = select! { &ctx;
        value = early => value?,
        value = fetch(&ctx, "late") => {
            store(&ctx, 1).await?;
            value?
        },
        () = ctx.sleep(SECOND) => return Ok(0),
    };
    loop {
        rounds += 1;
        select! { &ctx;
            done = is_ready(&ctx) => if done? { break },
            () = ctx.sleep(SECOND) => (),
        }
    }
    Ok(value + rounds)
}

#[workflow]
pub async fn children(ctx: WorkflowContext, names: Vec<String>) -> anyhow::Result<u64> {
    let first = sequence(&ctx, "first".into()).start().await?;
    let second = race(&ctx).id("second").start().await?;
    ctx.wait_first([first.workflow_id(), second.workflow_id()])
        .await?;
    let starts = names
        .iter()
        .map(|name| sequence(&ctx, name.clone()).queue(&JOBS).start());
    let started = join_all(starts).await.len();
    let inline = sequence(&ctx, "inline".into()).await?;
    let theirs = ctx
        .enqueue("elsewhere", "theirs")
        .arg(&inline)
        .start::<u64>()
        .await?;
    Ok(started as u64 + first.result().await? + theirs.result().await?)
}

#[workflow]
pub async fn exits(ctx: WorkflowContext, text: String) -> anyhow::Result<u32> {
    let limit: u32 = text.parse()?;
    anyhow::ensure!(limit > 0, "nothing to do");
    let value = fetch(&ctx, "value").await?.min(fetch(&ctx, "other").await?);
    let checked = async {
        let checked = fetch(&ctx, "checked").await?;
        if checked > limit {
            return Err(anyhow::anyhow!("too much"));
        }
        store(&ctx, checked).await?;
        anyhow::Ok(checked)
    };
    let checked = 'checked: {
        if value == 3 {
            break 'checked 3;
        }
        checked.await.unwrap_or(0)
    };
    if checked == 0 {
        return Err(anyhow::anyhow!("nothing left"));
    }
    store(&ctx, checked).await?;
    match checked {
        1 => Err(anyhow::anyhow!("one is not enough")),
        2 => unreachable!(),
        _ => Ok(value),
    }
}

#[workflow]
pub async fn pending(ctx: WorkflowContext, names: Vec<String>) -> anyhow::Result<u32> {
    let one = fetch(&ctx, "one");
    let two = async {
        ctx.sleep(SECOND).await;
        fetch(&ctx, "two").await
    };
    let retried = async |name: &str| match fetch(&ctx, name).await {
        Ok(value) => Ok(value),
        Err(_) => fetch(&ctx, "again").await,
    };
    let three = fetch(&ctx, "three").await?;
    let (one, two) = join!(one, two);
    for name in &names {
        retried(name).await?;
    }
    if ctx.patch("count") {
        book(&ctx, three).await?;
    }
    Ok(one? + two?)
}
