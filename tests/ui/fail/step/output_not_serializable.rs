use durable_runtime::prelude::*;

struct Page(String);

#[step]
async fn fetch(_ctx: StepContext) -> anyhow::Result<Page> {
    Ok(Page(String::new()))
}

fn main() {}
