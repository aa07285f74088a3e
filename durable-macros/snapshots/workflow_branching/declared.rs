#[workflow(version = "7")]
async fn branching(ctx: WorkflowContext, order: u64) -> Result<()> {
    match look_up(&ctx, order).await {
        Ok(found) => join!(charge(&ctx, found), notify(&ctx, found).start()),
        Err(error) => return Err(error),
    };
    while !ready(&ctx).await? {
        ctx.sleep(SECOND).await;
    }
    Ok(())
}
