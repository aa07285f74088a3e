use durable_runtime::prelude::*;
use std::time::SystemTime;

#[workflow]
async fn run(_ctx: WorkflowContext, at: Option<SystemTime>) -> anyhow::Result<()> {
    let _at = at.unwrap_or_else(SystemTime::now);
    Ok(())
}

fn main() {}
