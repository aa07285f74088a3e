use durable_runtime::prelude::*;

#[step]
async fn fetch(_ctx: StepContext) -> Result<u32, String> {
    Err("gone".to_owned())
}

fn main() {}
