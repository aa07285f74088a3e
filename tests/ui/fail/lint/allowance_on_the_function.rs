use durable_runtime::prelude::*;

#[workflow]
#[allow_nondeterminism(reason = "it is logged")]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _began = std::time::SystemTime::now();
    Ok(())
}

fn main() {}
