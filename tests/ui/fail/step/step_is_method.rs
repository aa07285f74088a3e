use durable_runtime::prelude::*;

struct Model {
    size: u32,
}

impl Model {
    #[step]
    async fn size(&self, _ctx: StepContext) -> anyhow::Result<u32> {
        Ok(self.size)
    }
}

fn main() {}
