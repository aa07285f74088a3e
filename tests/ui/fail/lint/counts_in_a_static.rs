use durable_runtime::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    RUNS.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

fn main() {}
