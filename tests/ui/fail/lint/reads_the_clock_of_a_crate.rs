use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _today = jiff::Zoned::now();
    Ok(())
}

fn main() {}
