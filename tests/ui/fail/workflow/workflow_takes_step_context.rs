use durable_runtime::prelude::*;

#[workflow]
async fn ingest(_ctx: StepContext) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
