use durable_runtime::prelude::*;

#[step]
async fn load() -> anyhow::Result<usize> {
    Ok(1)
}

fn main() {}
