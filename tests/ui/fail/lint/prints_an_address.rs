use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext, name: String) -> anyhow::Result<()> {
    let _text = format!("{:p}", &name);
    Ok(())
}

fn main() {}
