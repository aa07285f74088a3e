use durable_runtime::prelude::*;

struct Shop;

#[workflow(class = Shop)]
async fn pay(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _ = Shop;
    Ok(())
}

fn main() {}
