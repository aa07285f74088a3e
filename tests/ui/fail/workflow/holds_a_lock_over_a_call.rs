use std::sync::{Arc, Mutex};

use durable_runtime::prelude::*;

#[step]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[workflow]
async fn sum(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let total = Arc::new(Mutex::new(0));
    let mut guard = total.lock().unwrap();
    *guard += load(&ctx).await?;
    Ok(*guard)
}

fn main() {}
