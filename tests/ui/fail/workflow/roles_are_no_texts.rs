use durable_runtime::prelude::*;

#[workflow(roles = "admin")]
async fn one(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(roles("admin", editor))]
async fn two(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(roles())]
async fn none(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
