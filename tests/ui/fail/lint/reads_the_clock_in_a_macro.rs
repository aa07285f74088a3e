use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _note = serde_json::json!({ "at": format!("{:?}", std::time::SystemTime::now()) });
    Ok(())
}

fn main() {}
