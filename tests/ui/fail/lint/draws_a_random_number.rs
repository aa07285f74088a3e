use durable_runtime::prelude::*;

/// Stands for the crate.
mod rand {
    pub fn random() -> u8 {
        4
    }
}

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _number = rand::random();
    Ok(())
}

fn main() {}
