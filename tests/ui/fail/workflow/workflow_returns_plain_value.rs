use durable_runtime::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Report {
    rows: u64,
}

#[workflow]
async fn report(_ctx: WorkflowContext) -> Report {
    Report { rows: 1 }
}

fn main() {}
