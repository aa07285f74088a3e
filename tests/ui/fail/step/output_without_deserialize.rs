use durable_runtime::prelude::*;

#[derive(serde::Serialize)]
struct Page(String);

#[step]
async fn fetch(_ctx: StepContext) -> anyhow::Result<Vec<Page>> {
    Ok(vec![Page("a".into())])
}

fn main() {}
