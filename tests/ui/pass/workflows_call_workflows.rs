#![deny(warnings)]

use durable_runtime::prelude::*;

#[workflow]
pub async fn child(_ctx: WorkflowContext, mut n: u32) -> anyhow::Result<u32> {
    n += 1;
    Ok(n)
}

#[workflow]
pub async fn parent(ctx: WorkflowContext, r#type: String) -> anyhow::Result<u32> {
    let handle = child(&ctx, 1).id("child").priority(2).start().await?;
    let other = child(&ctx, r#type.len() as u32).await?;
    // Itself, as its own child.
    if other > 3 {
        return Box::pin(parent(&ctx, String::new())).await;
    }
    Ok(handle.result().await? + other)
}

pub async fn outside(durable: &Durable) -> anyhow::Result<u32> {
    let handle = parent(durable, "name".to_owned()).start().await?;
    println!("{}", handle.workflow_id());
    parent(durable, "name".to_owned()).await
}

pub fn register(builder: durable_runtime::Builder) -> durable_runtime::Builder {
    builder.register::<child>().register::<parent>()
}

fn main() {
    assert_eq!(<parent as durable_runtime::Workflow>::PARAMETERS, ["type"]);
}
