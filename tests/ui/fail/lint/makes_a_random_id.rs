use durable_runtime::prelude::*;
use uuid::Uuid;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _id = Uuid::new_v4();
    Ok(())
}

fn main() {}
