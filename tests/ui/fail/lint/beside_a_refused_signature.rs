use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext, name: &str) -> anyhow::Result<()> {
    let _began = std::time::SystemTime::now();
    Ok(())
}

fn main() {}
