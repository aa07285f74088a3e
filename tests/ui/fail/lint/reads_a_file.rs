use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _text = std::fs::read_to_string("settings.toml")?;
    Ok(())
}

fn main() {}
