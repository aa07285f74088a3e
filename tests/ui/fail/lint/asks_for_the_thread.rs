use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _thread = std::thread::current().id();
    Ok(())
}

fn main() {}
