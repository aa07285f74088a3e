use durable_runtime::prelude::*;
use std::hash::RandomState;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _hasher = RandomState::new();
    Ok(())
}

fn main() {}
