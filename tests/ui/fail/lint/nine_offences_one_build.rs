use durable_runtime::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

async fn fetch(url: String) -> anyhow::Result<String> {
    Ok(url)
}

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext, prices: HashMap<String, u64>) -> anyhow::Result<()> {
    let began = SystemTime::now();
    let id = Uuid::new_v4();
    let home = std::env::var("HOME")?;
    let text = std::fs::read_to_string(&home)?;
    println!("{id}: {text} {began:?}");
    for (name, _) in &prices {
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::spawn(async {});
        load(&ctx, name.clone()).await?;
    }
    if let Some(sum) = prices.values().copied().reduce(u64::wrapping_mul) {
        fetch(sum.to_string()).await?;
    }
    Ok(())
}

fn main() {}
