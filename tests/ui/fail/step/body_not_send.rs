use durable_runtime::prelude::*;

use std::rc::Rc;

#[step]
async fn count(_ctx: StepContext) -> anyhow::Result<usize> {
    let shared = Rc::new(1);
    tokio::task::yield_now().await;
    Ok(*shared)
}

fn main() {}
