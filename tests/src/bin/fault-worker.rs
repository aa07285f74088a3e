//! A process to be killed: runs one workflow to its end, taking up what an earlier process of its
//! kind left behind.
//!
//! `fault-worker URL WORKFLOW ID EFFECTS`, with `FAULT_HOLD` saying where to stop, `DBOS__VMID` who
//! it is and `DBOS__APPVERSION` which version. The workflow `none` starts nothing and serves until it
//! is killed.

use std::process::ExitCode;

use anyhow::Context;
use durable_runtime::Durable;
use durable_tests::journey::{journey, retreat, visit};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("URL WORKFLOW ID EFFECTS");
    let (url, workflow, id, effects) = (next()?, next()?, next()?, next()?);
    let durable = Durable::open(url)
        .register::<journey>()
        .register::<visit>()
        .register::<retreat>()
        .launch()
        .await?;
    let sum = match workflow.as_str() {
        "journey" => journey(&durable, effects).id(id).await?,
        "visit" => visit(&durable, effects).id(id).await?,
        "retreat" => retreat(&durable, effects).id(id).await?,
        "none" => std::future::pending().await,
        other => anyhow::bail!("there is no workflow `{other}`"),
    };
    println!("{sum}");
    Ok(ExitCode::SUCCESS)
}
