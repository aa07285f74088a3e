use durable_runtime::prelude::*;
use std::collections::HashSet;

#[workflow]
async fn run(_ctx: WorkflowContext, names: Vec<String>) -> anyhow::Result<()> {
    let names = names.into_iter().collect::<HashSet<String>>();
    let _joined = names
        .into_iter()
        .fold(String::new(), |all, name| all + &name);
    Ok(())
}

fn main() {}
