use durable_runtime::prelude::*;

#[step]
async fn append(_ctx: StepContext, lines: &mut Vec<String>) -> anyhow::Result<()> {
    lines.push(String::new());
    Ok(())
}

fn main() {}
