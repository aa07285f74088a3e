use durable_runtime::prelude::*;
use std::process::Command;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Command::new("ls").status()?;
    Ok(())
}

fn main() {}
