use durable_runtime::prelude::*;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let _stream = tokio::net::TcpStream::connect("localhost:80").await?;
    Ok(())
}

fn main() {}
