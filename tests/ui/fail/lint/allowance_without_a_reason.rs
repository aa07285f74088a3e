use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    #[allow_nondeterminism]
    let _began = std::time::SystemTime::now();
    Ok(())
}

fn main() {}
