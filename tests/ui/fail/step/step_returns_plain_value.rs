use durable_runtime::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Report {
    rows: u64,
}

#[step]
async fn report(_ctx: StepContext) -> Report {
    Report { rows: 1 }
}

fn main() {}
