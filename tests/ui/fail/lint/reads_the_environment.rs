use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _home = std::env::var("HOME")?;
    Ok(())
}

fn main() {}
