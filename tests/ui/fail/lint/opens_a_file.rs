use durable_runtime::prelude::*;
use std::fs::File;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _file = File::open("settings.toml")?;
    Ok(())
}

fn main() {}
