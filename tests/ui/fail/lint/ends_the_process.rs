use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext, late: bool) -> anyhow::Result<()> {
    if late {
        std::process::exit(1);
    }
    Ok(())
}

fn main() {}
