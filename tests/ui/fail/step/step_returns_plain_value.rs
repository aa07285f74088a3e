use durable_runtime::prelude::*;

#[step]
async fn count(_ctx: StepContext) -> u32 {
    1
}

fn main() {}
