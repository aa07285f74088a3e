#![deny(warnings)]

#[durable_runtime::step]
async fn qualified(_: durable_runtime::StepContext) -> anyhow::Result<()> {
    Ok(())
}

#[durable_runtime::transaction]
async fn borrowed_mutably(ctx: durable_runtime::TransactionContext) -> anyhow::Result<()> {
    let _connection = ctx.connection();
    Ok(())
}

#[durable_runtime::transaction]
async fn already_mutable(mut ctx: durable_runtime::TransactionContext) -> anyhow::Result<()> {
    let _connection = ctx.connection();
    Ok(())
}

#[durable_runtime::transaction]
async fn unused(_ctx: durable_runtime::TransactionContext) -> anyhow::Result<()> {
    Ok(())
}

#[durable_runtime::workflow]
async fn all(c: durable_runtime::WorkflowContext) -> anyhow::Result<()> {
    let renamed = &c;
    qualified(renamed).await?;
    borrowed_mutably(renamed).await?;
    already_mutable(renamed).await?;
    unused(&c).await
}

fn main() {}
