use durable_runtime::prelude::*;

struct Connection;

#[step(max_attempts = 3)]
async fn fetch(_ctx: StepContext, _connection: Connection) -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
