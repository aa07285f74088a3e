use durable_runtime::prelude::*;
use std::collections::HashMap;

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<String> {
    Ok(name)
}

#[workflow]
async fn run(ctx: WorkflowContext) -> anyhow::Result<()> {
    let mut prices = HashMap::new();
    prices.insert("a".to_owned(), 1);
    for (name, _) in prices {
        load(&ctx, name).await?;
    }
    Ok(())
}

fn main() {}
