/// Pays.
#[workflow_part]
#[tracing::instrument(skip_all)]
pub(crate) async fn pay<T: Payment>(ctx: &WorkflowContext, order: &Order<T>) -> Result<Receipt> {
    let held = reserve(ctx, order).await?;
    charge(ctx, held).await
}
