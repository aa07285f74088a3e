use durable_runtime::prelude::*;

struct Report(String);

#[workflow]
async fn ingest(_ctx: WorkflowContext) -> anyhow::Result<Report> {
    Ok(Report(String::new()))
}

fn main() {}
