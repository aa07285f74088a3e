use durable_runtime::prelude::*;

struct Model;

impl Model {
    #[workflow]
    async fn ingest(self, _ctx: WorkflowContext) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
