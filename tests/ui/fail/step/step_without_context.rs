use durable_runtime::prelude::*;

#[step]
async fn load(file: String) -> anyhow::Result<usize> {
    Ok(file.len())
}

fn main() {}
