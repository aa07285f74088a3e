use durable_runtime::prelude::*;

pub struct Orders;

impl Orders {
    #[workflow_part]
    async fn prepare(&self, _ctx: &WorkflowContext, _order: u64) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
