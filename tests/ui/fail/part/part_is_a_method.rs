use durable_runtime::prelude::*;

struct Orders;

impl Orders {
    #[workflow_part]
    async fn prepare(&self, ctx: &WorkflowContext, order: u64) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
