use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _thread = std::thread::spawn(|| 1);
    Ok(())
}

fn main() {}
