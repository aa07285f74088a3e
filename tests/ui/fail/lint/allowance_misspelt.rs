use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    #[allow_non_determinism(reason = "it is logged")]
    let _began = std::time::SystemTime::now();
    Ok(())
}

fn main() {}
