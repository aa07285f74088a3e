#[workflow(parts(pay, orders::ship))]
async fn checkout(ctx: WorkflowContext, order: u64) -> Result<()> {
    pay(&ctx, order).await?;
    crate::orders::ship(&ctx, order).await
}
